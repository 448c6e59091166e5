"""Names outside the list are counted exactly, in bounded room, and add in any order."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.unlisted import KEPT, Unlisted
from homeostat.kernel.errors import InvalidInput

ROWS = st.lists(st.integers(0, 120).map("n{}".format), max_size=200)


@given(ROWS, ROWS, ROWS)
def test_merging_is_pooling_in_any_order_and_grouping(first: list[str], second: list[str], third: list[str]) -> None:
    a, b, c = (Unlisted.of(Counter(rows)) for rows in (first, second, third))
    whole = Unlisted.of(Counter([*first, *second, *third]))
    assert (a + b) + c == a + (b + c) == c + (b + a) == Unlisted.merged([b, c, a]) == whole


@given(ROWS)
def test_counts_are_exact_and_names_bounded(rows: list[str]) -> None:
    tally = Counter(rows)
    kept = Unlisted.of(tally)
    assert len(kept.rows) == min(KEPT, len(tally))
    assert kept.more == (len(tally) > KEPT)
    assert all(tally[name] == count for name, count in kept.rows.items())


@given(ROWS, ROWS)
def test_what_is_said_never_to_have_occurred_never_did(seen: list[str], asked: list[str]) -> None:
    kept = Unlisted.of(Counter(seen))
    for name in asked:
        if kept.decides(name):
            assert (name in kept.rows) == (name in seen)


@given(ROWS)
def test_the_json_form_reads_back_exactly(rows: list[str]) -> None:
    kept = Unlisted.of(Counter(rows))
    assert Unlisted.from_json(json.loads(json.dumps(kept.to_json()))) == kept


def test_a_flood_of_names_takes_no_more_room_and_its_size_is_told_about_right() -> None:
    flood = Unlisted.of({f"id-{number}": 1 for number in range(20_000)})
    assert len(flood.rows) == KEPT
    assert flood.distinct() == pytest.approx(20_000, rel=0.5)
    assert Unlisted.of({"a": 3, "b": 1}).distinct() == 2.0


def test_the_estimate_of_distinct_names_is_off_by_about_a_fifth() -> None:
    told = [Unlisted.of({f"{run}-{number}": 1 for number in range(500)}).distinct() / 500 for run in range(60)]
    assert np.mean(told) == pytest.approx(1.0, abs=0.1)
    assert np.std(told) < 0.3


def test_very_long_names_are_cut_and_still_told_apart() -> None:
    kept = Unlisted.of({"x" * 10_000 + "a": 1, "x" * 10_000 + "b": 2})
    assert sorted(kept.rows.values()) == [1, 2]
    assert max(map(len, kept.rows)) < 100


def test_what_is_no_names_is_refused() -> None:
    for broken in ({}, {"rows": ["a"], "more": False}, {"rows": {"a": "many"}, "more": False}, {"rows": {}}):
        with pytest.raises(InvalidInput):
            Unlisted.from_json(broken)
