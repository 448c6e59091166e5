"""Reading: from stored days to what the judges see, each day one block, unknown where too little is known."""

from __future__ import annotations

import dataclasses

import pytest

import homeostat as hs
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.reading import canary_window, record_of, skill_of, trail_of
from homeostat.control.state import LoopState, Rollout, initial_state
from homeostat.kernel.clock import duration
from homeostat.monitoring.performance import PairSums
from homeostat.serving.routing import Route
from homeostat.stats.sums import ScoreSums

DAY = duration("1d")
GOOD = ScoreSums.of([1, 0, 1, 0, 1, 0], [0.8, 0.2, 0.7, 0.3, 0.6, 0.4])
BAD = ScoreSums.of([1, 0, 1, 0, 1, 0], [0.4, 0.6, 0.3, 0.7, 0.4, 0.6])
NONE = ScoreSums.of([], [])


def _day(number: int, sums: ScoreSums | None = GOOD, pair: float | None = None, **counts: int) -> Day:
    """One day of v1 (and, with ``pair``, of v2 against it); ``asked`` and ``faults`` count rows of v2."""
    inputs = Inputs(
        6, {"v1": 6, "v2": counts.get("asked", 0)}, {"v2": counts.get("faults", 0)}, 0, "v1", {}, {}, None, {}, {}
    )
    day = Day(f"d{number:02}", number * DAY, (number + 1) * DAY, (number + 2) * DAY, inputs)
    if sums is None:
        return day
    paired = () if pair is None else (PairSums(day.day, "v2", "v1", 6, pair),)
    return day.with_outcomes(Outcomes(sums.rows, 0, 0, sums, {"v1": sums}, paired))


def _state(retrained_at: int = 0) -> LoopState:
    route = Route("demo", 1, "v1")
    return dataclasses.replace(initial_state("demo"), route=route, retrained_at=retrained_at, first_version="v1")


LIMITS = hs.Retrain(trail=4, sustained=3, emergency_trail=3)


def test_a_look_stands_on_a_full_trail_or_is_none() -> None:
    record = record_of(_state(), [_day(n) for n in range(5)], None, LIMITS, 9 * DAY)
    assert [look.day for look in record.looks] == ["d02", "d03", "d04"]
    assert [look.skill is None for look in record.looks] == [True, False, False]
    assert [look.skill.blocks for look in record.looks if look.skill] == [4, 4]
    assert record.emergency is not None
    assert record.emergency.blocks == 3


def test_days_before_the_last_retraining_and_days_without_labels_are_no_part_of_the_record() -> None:
    days = [_day(0, BAD), _day(1, BAD), *(_day(n) for n in range(2, 6)), _day(6, NONE), _day(7, None)]
    record = record_of(_state(2 * DAY), days, None, LIMITS, 9 * DAY)
    assert record.looks[-1].day == "d05"
    assert record.looks[-1].skill == skill_of([GOOD] * 4, confidence=LIMITS.confidence)


def test_with_nothing_known_there_are_no_looks_and_no_emergency() -> None:
    record = record_of(_state(), [], None, LIMITS, 0)
    assert (list(record.looks), record.emergency) == ([], None)
    assert skill_of([None, None]) is None


ROLLOUT = Rollout("r", "v2", "v1", 1, opened_at=2 * DAY, entered_at=4 * DAY, look_at=6 * DAY, looks=1)
CANARY = hs.Canary()


def test_faults_count_since_the_step_and_outcomes_since_the_rollout() -> None:
    days = [_day(n, pair=-0.1 * n, asked=10, faults=n) for n in range(6)]
    seen = canary_window(ROLLOUT, days, CANARY, 6 * DAY)
    assert (seen.requests, seen.faults) == (20, 4 + 5)
    assert (seen.held, seen.looks, seen.due, seen.step) == (2 * DAY, 1, True, 1)
    assert seen.difference is not None
    assert (seen.difference.blocks, seen.difference.rows) == (4, 24)
    assert seen.difference.value == pytest.approx(-0.1 * (2 + 3 + 4 + 5) / 24)
    assert seen.difference.confidence == CANARY.look_confidence(1)


def test_outcomes_of_another_candidate_or_of_too_few_days_decide_nothing() -> None:
    other = dataclasses.replace(ROLLOUT, candidate="v3")
    days = [_day(n, pair=1.0) for n in range(2, 6)]
    assert canary_window(other, days, CANARY, 5 * DAY).difference is None
    assert canary_window(ROLLOUT, days[:2], CANARY, 5 * DAY).difference is None
    assert not canary_window(ROLLOUT, days, CANARY, 6 * DAY - 1).due


def test_the_trail_is_none_until_it_has_an_interval_and_frozen_only_where_all_days_have_it() -> None:
    assert trail_of([_day(0), _day(1)], "v1") is None
    days = [_day(n, GOOD if n % 2 else BAD) for n in range(20)]
    trail = trail_of(days, "v1")
    assert trail is not None
    assert trail.days == 14
    assert trail.skill_low <= trail.skill <= trail.skill_high
    assert trail.auc_low <= trail.auc <= trail.auc_high
    assert trail.frozen_skill == pytest.approx(trail.skill)
    without = trail_of(days, "v0")
    assert without is not None
    assert without.frozen_skill is None
