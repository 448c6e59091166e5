"""What the benchmark of drift counts is exactly what counting the rows themselves gives."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.counting import DeltaCounts
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.data.profiles import Profile
from homeostat.kernel.errors import InvalidInput, NotFound

ROWS = 90_000
TABLE = "seen"


def rows(seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=ROWS)
    size[::11], size[::13] = math.nan, math.inf
    names = np.array(["JFK", "EWR", "", None, *[f"n{number}" for number in range(90)]], dtype=object)
    return pa.table(
        {
            "size": pa.array(size, mask=rng.random(ROWS) < 0.05),
            "light": pa.array(rng.normal(size=ROWS).astype(np.float32)),
            "hour": pa.array(rng.integers(0, 24, ROWS), mask=rng.random(ROWS) < 0.05),
            "wet": pa.array(rng.random(ROWS) < 0.3, mask=rng.random(ROWS) < 0.05),
            "origin": pa.array(names[rng.integers(0, names.size, ROWS)]),
            "id": pa.array([f"id {number}" for number in rng.permutation(ROWS)]),
            "gone": pa.array([None] * ROWS, pa.float64()),
            "part": pa.array(rng.integers(0, 3, ROWS)),
        }
    )


def references() -> dict[str, Profile]:
    rng = np.random.default_rng(2)
    return {
        "size": Profile.of("size", "number", rng.normal(size=5_000)),
        "light": Profile.of("light", "number", rng.normal(size=5_000)),
        "hour": Profile.of("hour", "number", rng.integers(0, 24, 5_000)),
        "wet": Profile.of("wet", "number", rng.integers(0, 2, 5_000)),
        "origin": Profile.of("origin", "text", ["JFK", "EWR", *[f"n{number}" for number in range(60)]]),
        "id": Profile.of("id", "text", ["id 1", "id 2"]),
        "gone": Profile.of("gone", "number", [1.0, 2.0]),
    }


@pytest.fixture(params=[DeltaCounts], ids=["delta"])
def stored(request, tmp_path):
    tables = DeltaTables(tmp_path)
    for start in range(0, ROWS, 30_000):
        tables.append(TABLE, rows().slice(start, 30_000), writer="test", upto=start)
    return request.param(tables)


def by_hand(name: str, profile: Profile, table: pa.Table) -> Profile:
    return profile.count(table[name].to_pylist())


def test_counts_are_those_of_the_rows_themselves(stored):
    found = stored.count(TABLE, references())
    assert found == {name: by_hand(name, profile, rows()) for name, profile in references().items()}


def test_a_part_and_an_older_version_are_counted_alike(stored):
    wanted = {name: references()[name] for name in ("size", "origin")}
    some = rows().filter(pc.field("part") == 1)
    assert stored.count(TABLE, wanted, where=pc.field("part") == 1) == {
        name: by_hand(name, profile, some) for name, profile in wanted.items()
    }
    assert stored.count(TABLE, wanted, where=pc.field("origin") == "JFK")["origin"].counts[-1] == 0
    first = rows().slice(0, 30_000)
    assert stored.count(TABLE, wanted, version=1) == {
        name: by_hand(name, profile, first) for name, profile in wanted.items()
    }


def test_no_row_is_a_profile_of_nothing(stored):
    found = stored.count(TABLE, {"size": references()["size"]}, where=pc.field("part") == 99)
    assert found["size"].rows == 0


def test_what_is_not_there_or_no_number_is_said(stored):
    profile = Profile.of("x", "number", [1.0, 2.0])
    with pytest.raises(NotFound):
        stored.count("nothing", {"size": profile})
    with pytest.raises(NotFound):
        stored.count(TABLE, {"sise": profile})
    with pytest.raises(NotFound):
        stored.count(TABLE, {"size": profile}, version=99)
    with pytest.raises(InvalidInput):
        stored.count(TABLE, {"origin": profile})
