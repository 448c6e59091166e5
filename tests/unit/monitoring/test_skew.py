"""The sample is stable and fair, and a rate is as unsure of itself as it should be."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.days import Day, Inputs, read_day
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.monitoring.skew import Cause, SkewDay, main_cause, sampled, skew_rate, skew_rate_or_none

IDS = [f"0190a{number:06}-7c0e" for number in range(20_000)]
shares = st.floats(0, 1)


def day(rows: int, differing: int, cause: Cause | None = None) -> SkewDay:
    return SkewDay(0.01, rows, {"hour": differing}, {"hour": cause} if cause else {})


@given(shares, shares)
def test_a_greater_share_keeps_every_row_of_a_smaller_one(one: float, other: float) -> None:
    few, many = (sampled(IDS[:500], share) for share in sorted((one, other)))
    assert not (few & ~many).any()


def test_a_row_is_chosen_whoever_its_neighbours_are_and_as_often_as_stated() -> None:
    chosen = sampled(IDS, 0.05)
    assert sampled(IDS[::-1], 0.05)[::-1].tolist() == chosen.tolist()
    assert [bool(sampled([one], 0.05)[0]) for one in IDS[:200]] == chosen[:200].tolist()
    assert 0.045 < chosen.mean() < 0.055
    assert 0.04 < chosen[::10].mean() < 0.06


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="no share of rows"):
        sampled(IDS[:1], share)


def test_a_rate_of_nothing_is_unknown_and_never_0() -> None:
    for days in ([], [day(0, 0)], [SkewDay(0.01, 10, {}, {})]):
        assert skew_rate_or_none("hour", days) is None
    with pytest.raises(NotEnoughData):
        skew_rate("hour", [])


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=12))
def test_bounds_hold_the_rate_within_0_and_1_and_say_on_what_they_stand(given: list[tuple[int, float]]) -> None:
    rate = skew_rate("hour", [day(rows, round(rows * share)) for rows, share in given])
    seen = rate.interval
    assert 0 <= seen.low <= seen.value + 1e-9
    assert seen.value - 1e-9 <= seen.high <= 1
    assert (seen.blocks, seen.rows) == (len(given), sum(rows for rows, _ in given))
    assert rate.basis == ("days" if len(given) >= 5 else "rows")


def test_an_episode_on_one_day_leaves_more_doubt_than_the_same_rows_spread_out() -> None:
    episode = skew_rate("hour", [day(100, 100), *[day(100, 0)] * 9]).interval
    spread = skew_rate("hour", [day(100, 10)] * 10).interval
    assert episode.value == spread.value == 0.1
    assert episode.high > 1.5 * spread.high
    assert spread.low > 0.05


def test_days_without_any_difference_do_not_prove_that_there_never_is_one() -> None:
    assert skew_rate("hour", [day(30, 0)] * 10).interval.high == pytest.approx(0.0126, abs=1e-4)


def test_the_cause_of_most_differing_rows_is_told_with_its_newest_evidence() -> None:
    stale, window = Cause("time_cutoff", "3h before"), Cause("different_statistics", "12h instead of 24h")
    newer = Cause("time_cutoff", "6h before")
    assert main_cause("hour", [day(9, 2, stale), day(9, 3, window), day(9, 2, newer)]) == newer
    assert main_cause("hour", [day(9, 0)]) is None


def test_days_from_before_skew_was_measured_can_still_be_read() -> None:
    inputs = Inputs(1, {}, {}, 0, None, {}, {}, None, {}, {})
    found = Day("2013-02-01", 0, 1, 2, inputs, skew=day(5, 1, Cause("time_cutoff", "3h before")))
    kept = msgspec.json.encode(found)
    assert read_day(kept) == found
    old = {name: value for name, value in msgspec.json.decode(kept).items() if name != "skew"}
    assert read_day(msgspec.json.encode(old)).skew is None
