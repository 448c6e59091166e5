"""What the log hides is refused where it is needed; what was made from it is unknown later, never wrong."""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.rows import facts_schema, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.gateway.log_key import log_key
from homeostat.app.prediction_log.explaining import explained
from homeostat.app.prediction_log.predictions import find
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.control.loop import Loop
from homeostat.data.log_policy import hiding
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.hidden import needing, without
from homeostat.features.logged import Logged
from homeostat.kernel.errors import IntegrityError, InvalidInput

AT, HOUR = 1_704_100_000_000_000, 3_600_000_000
VISITS = hs.Table(
    "visits",
    key="visit",
    event_time="at",
    contract={
        "visit": hs.text(),
        "at": hs.instant(),
        "due": hs.instant(),
        "buyer": hs.text(),
        "born": hs.integer(),
        "shop": hs.text(),
        "note": hs.text(),
    },
)
PURCHASES = hs.Table(
    "purchases",
    key="visit",
    event_time="at",
    contract={"visit": hs.text(), "at": hs.instant(), "buyer": hs.text(), "shop": hs.text(), "spent": hs.number()},
)


@hs.transform
def age(born: Any) -> Any:
    return 2024 - born


@hs.transform
def older(age: Any) -> Any:
    return age + 1


FEATURES: list[Any] = [
    VISITS["shop"],
    hs.Window(PURCHASES, by=["buyer", "shop"], over=["6h"], values={"bought": hs.count()}),
    age,
    older,
]
VALUES = {"shop": "north", "buyer_bought_6h": 1.0, "shop_bought_6h": 1.0, "age": 40.0, "older": 41.0}


def loop_of(features: Sequence[Any] = FEATURES, **parts: Any) -> Loop:
    label = hs.Label(PURCHASES, "spent > 10", matures="2h after due")
    train = lambda rows, config: None  # noqa: E731
    return hs.Loop(name="visits", question=VISITS, features=features, label=label, train=train, **parts)


HIDES = loop_of(log=hs.Log(hashed=["buyer", "note"], left_out=["born"]))


def record(loop: Loop) -> PredictionRecord:
    asked = {
        "visit": "v1",
        "at": AT,
        "due": AT,
        "buyer": "ada lovelace",
        "born": 1984,
        "shop": "north",
        "note": "calls twice",
    }
    hide = hiding(loop.log, bytes(32)) or dict
    return PredictionRecord(
        "018cc8a0-0000-7000-8000-000000000001", "visits", '["v1"]', AT, AT, 10, "v1", "champion", 1, 0.25, False, 90,
        False, hide(asked), [VALUES[name] for name in loop.feature_set.names], loop.feature_set.hash,
    )  # fmt: skip


@pytest.fixture
def tables(tmp_path: Path) -> DeltaTables:
    fact: Mapping[str, Any] = {"visit": "v0", "at": AT - HOUR, "buyer": "ada lovelace", "shop": "north", "spent": 5.0}
    rows = pa.Table.from_pylist([{**fact, SEQUENCE: 1, KNOWN_AT: AT - HOUR}], schema=facts_schema(PURCHASES))
    found = DeltaTables(tmp_path / "tables")
    found.append("purchases", rows, writer="test", upto=1)
    return found


@pytest.fixture
def log(tmp_path: Path) -> DeltaTables:
    found = DeltaTables(tmp_path / "log")
    found.append("visits", log_of(Logged.of(HIDES.feature_set), [(1, record(HIDES))]), writer="test", upto=1)
    return found


def test_the_log_holds_hashes_and_nothing_of_what_is_left_out(log: DeltaTables, tmp_path: Path) -> None:
    row = log.read("visits").to_pylist()[0]
    assert row["q_buyer"].startswith("hashed:")
    assert row["q_born"] is None
    assert row["x_age"] == 40.0
    held = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    assert b"lovelace" not in held
    assert b"calls twice" not in held


def test_features_made_from_hidden_columns_are_not_recomputed_and_the_others_are(
    log: DeltaTables, tables: DeltaTables
) -> None:
    check = SkewCheck(HIDES.feature_set, tables, hidden=HIDES.log.hidden)
    day = check.day(log.read("visits"), 1.0, upto=10)
    assert (day.rows, day.differing) == (1, {"shop": 0, "shop_bought_6h": 0})
    wrongly = SkewCheck(HIDES.feature_set, tables).day(log.read("visits"), 1.0, upto=10)
    assert wrongly.differing["buyer_bought_6h"] == 1


def test_an_explanation_says_what_it_cannot_explain(log: DeltaTables, tables: DeltaTables) -> None:
    served = find(log, HIDES, record(HIDES).prediction_id)
    made = explained(HIDES, tables, served, newest=5)
    assert (made["agrees"], made["same_definitions"]) == (True, True)
    told = {one["feature"]: (one["how"], one["served"], one["agrees"]) for one in made["features"]}
    assert told["buyer_bought_6h"] == ("hidden", 1.0, None)
    assert told["older"] == ("hidden", 41.0, None)
    assert told["shop_bought_6h"] == ("window", 1.0, True)
    alone = explained(HIDES, tables, served, newest=5, feature="age")["features"]
    assert "hashes or leaves out" in alone[0]["definition"]


def test_everything_may_depend_on_what_is_hidden(log: DeltaTables, tables: DeltaTables) -> None:
    alone = loop_of([age], log=hs.Log(left_out=["born"]))
    lost = needing(alone.feature_set, alone.log.hidden)
    assert (lost, without(alone.feature_set, lost).names) == ({"age"}, ())
    row = record(HIDES)
    rows = log_of(Logged.of(alone.feature_set), [(1, _with(row, alone))])
    day = SkewCheck(alone.feature_set, tables, hidden=alone.log.hidden).day(rows, 1.0, upto=10)
    assert day.differing == {}


def _with(row: PredictionRecord, loop: Loop) -> PredictionRecord:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return PredictionRecord(**{**fields, "features": [40.0], "definitions": loop.feature_set.hash})


def test_what_reads_nothing_hidden_keeps_every_definition() -> None:
    features = loop_of().feature_set
    assert needing(features, []) == frozenset()
    assert without(features, ()).names == features.names


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        (hs.Log(hashed=["visit"]), "its key, by which labels are joined"),
        (hs.Log(left_out=["at"]), "it is the event time"),
        (hs.Log(left_out=["due"]), "it is what the label matures by"),
        (hs.Log(hashed=["shop"]), "a feature, on which versions are judged again later"),
        (hs.Log(hashed=["born"]), "only text is hashed"),
        (hs.Log(left_out=["bron"]), "Did you mean 'born'"),
        (["buyer"], "no log policy"),
    ],
)
def test_what_the_log_must_have_cannot_be_hidden(hidden: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        loop_of(log=hidden)
    assert refused.value.mend


def test_the_unit_may_be_hashed_and_not_left_out() -> None:
    assert loop_of(unit="buyer", log=hs.Log(hashed=["buyer"])).log.hidden == {"buyer"}
    with pytest.raises(InvalidInput, match="Hash it instead"):
        loop_of(unit="buyer", log=hs.Log(left_out=["buyer"]))


def test_hiding_a_column_leaves_the_definitions_as_they_were() -> None:
    assert dataclasses.replace(HIDES, log=hs.Log()).feature_set.hash == HIDES.feature_set.hash


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    key = log_key(path)
    assert (len(key), log_key(path)) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    with pytest.raises(IntegrityError, match="chmod 600"):
        log_key(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(IntegrityError, match="has 5 bytes"):
        log_key(path)
