"""The days of a reference add up to it, whatever the order of rows, and are read back as written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.data.daily import MOST_DAYS, DailyCounts, Rows
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.kernel.errors import InvalidInput
from tests.harness.examples import examples

KINDS = {"hour": "number", "origin": "text"}


def _daily(days: list[int], seed: int = 1) -> tuple[ReferenceProfile, DailyCounts]:
    rng, rows = np.random.default_rng(seed), len(days)
    hours = np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 24, rows))
    columns = {"hour": hours, "origin": rng.choice(np.array(["EWR", "JFK", None], dtype=object), rows)}
    scores = rng.random(rows)
    reference = ReferenceProfile.of(KINDS, columns, scores)  # type: ignore[arg-type]
    asked = np.array(days, dtype=np.int64)
    return reference, DailyCounts.of(reference, Rows(columns, asked), Rows({PREDICTION: scores}, asked))


@settings(max_examples=examples(30), deadline=None)
@given(days=st.lists(st.integers(-3, 12), min_size=1, max_size=200), seed=st.integers(0, 99))
def test_days_add_up_to_their_reference(days: list[int], seed: int) -> None:
    reference, daily = _daily(days, seed)
    for name, profile in {**reference.features, PREDICTION: reference.prediction}.items():
        table = daily.of_subject(name, profile)
        assert table is not None
        assert table.sum(axis=0).tolist() == [*profile.counts, profile.missing]
        assert [int(each) for each in table.sum(axis=1)] == [days.count(day) for day in range(min(days), max(days) + 1)]


def test_written_days_are_read_back() -> None:
    reference, daily = _daily([1, 1, 2, 5])
    again = DailyCounts.from_json(json.loads(json.dumps(daily.to_json())))
    assert all((again.counts[name] == table).all() for name, table in daily.counts.items())
    assert again.usual_rows() == 1.0
    assert reference.features.keys() | {PREDICTION} == again.counts.keys()


def test_only_the_newest_days_are_kept() -> None:
    _, daily = _daily([0, MOST_DAYS + 10])
    assert {len(table) for table in daily.counts.values()} == {MOST_DAYS}


def test_days_over_other_bins_are_not_taken_for_these() -> None:
    reference, daily = _daily([1, 2])
    assert daily.of_subject("origin", reference.features["hour"]) is None
    assert daily.of_subject("nothing", reference.features["hour"]) is None


@pytest.mark.parametrize(
    "value", [{"hour": [1, 2]}, {"hour": [[-1, 2]]}, {"hour": [["a"]]}, {"hour": [[1], [1, 2]]}, [3]]
)
def test_what_are_no_days_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        DailyCounts.from_json(value)  # type: ignore[arg-type]


def test_no_rows_are_no_days() -> None:
    _, daily = _daily([])
    assert {len(table) for table in daily.counts.values()} == {0}
    assert daily.usual_rows() == 0.0
