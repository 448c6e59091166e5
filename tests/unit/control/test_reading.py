"""Reading: from stored days to what the judges see, each day one block, unknown where too little is known."""

from __future__ import annotations

import dataclasses

import pytest

import homeostat as hs
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.policies.judging import judge_retrain
from homeostat.control.policies.situation import Look
from homeostat.control.reading import TRAIL_DAYS, canary_window, situation_of, skill_of, trail_of
from homeostat.control.state import LoopState, Rollout, initial_state
from homeostat.kernel.clock import duration, parse_instant
from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.estimates import Estimate, EstimatedDay
from homeostat.monitoring.performance import PairSums
from homeostat.serving.routing import Route
from homeostat.stats.figures.sums import ScoreSums

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


POLICY = hs.Retrain(when=hs.Sustained(hs.Realised(trail=4), 3) | hs.Emergency())


def test_a_look_stands_on_a_full_trail_or_is_none() -> None:
    seen = situation_of(POLICY, _state(), [_day(n) for n in range(5)], None, 9 * DAY)
    looks = seen.looks(4, 0.9)
    assert [look.day for look in looks] == ["d02", "d03", "d04"]
    assert [look.skill is None for look in looks] == [True, False, False]
    assert [look.skill.blocks for look in looks if look.skill] == [4, 4]
    assert [look.skill.blocks for look in seen.looks(3, 0.9) if look.skill] == [3]


def test_days_before_the_last_retraining_and_days_without_labels_are_no_part_of_the_situation() -> None:
    days = [_day(0, BAD), _day(1, BAD), *(_day(n) for n in range(2, 6)), _day(6, NONE), _day(7, None)]
    seen = situation_of(POLICY, _state(2 * DAY), days, None, 9 * DAY)
    assert seen.looks(4, 0.9)[-1].day == "d05"
    assert seen.looks(4, 0.9)[-1].skill == skill_of([GOOD] * 4, confidence=0.9)


def test_with_nothing_known_there_are_no_looks_and_no_emergency() -> None:
    seen = situation_of(POLICY, _state(), [], None, 0)
    assert (seen.looks(4, 0.9), seen.looks(3, 0.9), seen.drift, seen.labelled) == ((), (), (), ())
    assert skill_of([None, None]) is None


def test_an_estimate_before_labels_counts_once_its_trail_lies_after_the_last_retraining() -> None:
    expected = EstimatedDay((3, 3), trail={"skill": Estimate(0.05, 0.01, 0.09)})
    days = [
        dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, estimated=expected))
        for day in (_day(n, None) for n in range(TRAIL_DAYS + 1))
    ]
    seen = situation_of(hs.Retrain(when=hs.Sustained(hs.Estimated(), 2)), _state(), days, None, 20 * DAY)
    assert seen.estimated is not None
    assert [(one.day, one.skill.high if one.skill else None) for one in seen.estimated] == [
        ("d13", 0.09),
        ("d14", 0.09),
    ]
    later = situation_of(hs.Retrain(when=hs.Estimated()), _state(2 * DAY), days, None, 20 * DAY)
    assert later.estimated == (Look("d14", None),)
    assert situation_of(POLICY, _state(), days, None, 20 * DAY).estimated is None


def test_only_what_the_policy_needs_is_read() -> None:
    days = [_drifting(n, 0.1 * n) for n in range(8)]
    bare = situation_of(hs.Retrain(when=hs.Schedule(at_latest="60d")), _state(), days, None, 9 * DAY)
    assert (bare.realised, bare.drift, bare.labelled) == ((), (), ())
    policy = hs.Retrain(when=hs.Sustained(hs.Drift(), 2, of=3) & hs.Volume(rows=5))
    full = situation_of(policy, _state(2 * DAY), days, None, 9 * DAY)
    assert [one.values for one in full.drift] == [{"x": 0.1 * n} for n in (5, 6, 7)]
    assert full.labelled == (42,)  # labels of the days 1 to 7 matured since midnight of day 2


def test_limits_of_drift_are_those_of_the_day_and_customary_ones_where_it_has_none() -> None:
    policy = hs.Retrain(when=hs.Drift(), cool_down=None)
    (old,) = situation_of(policy, _state(), [_drifting(1, 0.15)], None, 9 * DAY).drift
    assert (old.limits, old.kinds) == ({"x": 0.2}, {"x": "customary"})
    day = _drifting(1, 0.15)
    told = Drifted("psi", 1, {"x": 0.15, "prediction": 9.0}, {"x": 0.08, "prediction": 0.1})
    earned = dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, drift=(told,)))
    seen = situation_of(policy, _state(), [earned], None, 9 * DAY)
    text = "psi of 1 of 1 above the limit in d01 (x 0.15 > 0.08 earned): 1 >= 1"
    assert judge_retrain(seen, policy).texts == (text,)
    of_predictions = hs.Retrain(when=hs.Drift(signal="prediction_psi"), cool_down=None)
    (window,) = situation_of(of_predictions, _state(), [earned], None, 9 * DAY).drift
    assert window.values == {"prediction": 9.0}
    weekly = hs.Retrain(when=hs.Drift(span=7))
    assert situation_of(weekly, _state(), [earned], None, 9 * DAY).drift == ()


def test_days_against_another_reference_say_nothing_of_the_champion() -> None:
    policy = hs.Retrain(when=hs.Drift())
    other = dataclasses.replace(_drifting(3, 9.0), inputs=dataclasses.replace(_drifting(3, 9.0).inputs, reference="v0"))
    assert situation_of(policy, _state(), [_drifting(2, 0.1), other], None, 9 * DAY).drift[-1].day == "d02"


def test_trainings_are_counted_by_month_of_the_loops_zone() -> None:
    first = parse_instant("2013-03-01T03:00:00Z")
    state = dataclasses.replace(_state(first), trainings=(first - 20 * DAY, first, first + 9 * DAY))
    seen = situation_of(POLICY, state, [], None, first + 10 * DAY)
    away = situation_of(POLICY, state, [], None, first + 10 * DAY, timezone="America/New_York")
    assert (seen.trainings, seen.local, away.trainings, away.local) == (2, "2013-03-11T03:00", 1, "2013-03-10T23:00")
    older = dataclasses.replace(state, trainings=())
    assert situation_of(POLICY, older, [], None, first + 10 * DAY).trainings == 1


def _drifting(number: int, psi: float) -> Day:
    day = _day(number)
    return dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, psi={"x": psi}))


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
    assert trail.log_loss_low <= trail.log_loss <= trail.log_loss_high
    assert trail.frozen_skill == pytest.approx(trail.skill)
    without = trail_of(days, "v0")
    assert without is not None
    assert without.frozen_skill is None
