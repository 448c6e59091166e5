"""A day of labels that are all alike by no chance is unknown to policies, and an alert; of a tiny loop it is a day."""

from __future__ import annotations

import dataclasses

import pytest

import homeostat as hs
from homeostat.control.alerting.heartbeats import heartbeat_readings
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.one_sided import one_sided
from homeostat.control.policies.findings import Finding
from homeostat.control.policies.retrain import Retrain
from homeostat.control.reading import situation_of
from homeostat.control.state import initial_state
from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.serving.routing import Route
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums

DAY = duration("1d")
EMERGENCY = Retrain(when=hs.Emergency())


def answered(rows: int, true: int) -> ScoreSums:
    """Rows of which so many came true; scores tell most of them apart."""
    truth = [True] * true + [False] * (rows - true)
    return ScoreSums.of(truth, [0.7] * true + [0.1] * (rows - true))


def all_true(rows: int) -> ScoreSums:
    """What such rows look like when every label says yes: scores stay as they were."""
    return ScoreSums.of([True] * rows, [0.7] * (rows // 4) + [0.1] * (rows - rows // 4))


def days_of(*sums: Sums, one_in: int = 1) -> list[Day]:
    found = []
    for number, one in enumerate(sums):
        inputs = Inputs(one.rows, {"v1": one.rows}, {}, 0, "v1", {}, {}, None, {}, {}, one_in=one_in)
        start = number * DAY
        day = Day(f"day {number:02}", start, start + DAY, start + 2 * DAY, inputs)
        found.append(day.with_outcomes(Outcomes(one.rows, 0, 0, one, {"v1": one})))
    return found


def judged(days: list[Day], retrained_at: int = 0) -> Finding:
    state = dataclasses.replace(initial_state("late"), route=Route("late", 1, "v1"), first_version="v1")
    state = dataclasses.replace(state, retrained_at=retrained_at)
    return EMERGENCY.when.judge(situation_of(EMERGENCY, state, days, None, days[-1].mature_at))


USUAL = [answered(400, 100)] * 20


def test_no_emergency_follows_from_labels_that_are_broken_and_one_does_from_lost_skill() -> None:
    found = judged(days_of(*USUAL, all_true(400)))
    assert found.name == HOLD
    assert judged(days_of(*USUAL)).reasons == found.reasons
    lost = ScoreSums.of([True] * 399 + [False], [0.05] * 400)
    assert judged(days_of(*USUAL, *[lost] * 3)).name == RETRAIN


def test_a_trail_that_has_too_few_days_without_broken_ones_is_unknown() -> None:
    days = days_of(*USUAL, *[all_true(400)] * 2)
    assert judged(days, retrained_at=18 * DAY).name == INCONCLUSIVE
    assert judged(days, retrained_at=17 * DAY).name == HOLD


def test_labels_that_stay_of_one_class_never_become_usual() -> None:
    days = days_of(*USUAL, *[all_true(400)] * 40)
    assert one_sided(days) == {day.day for day in days[20:]}


@pytest.mark.parametrize("rows", [1, 5])
def test_a_day_of_one_class_is_a_day_like_any_other_where_there_are_few_rows(rows: int) -> None:
    days = days_of(*[answered(rows, rows // 2)] * 20, all_true(rows))
    assert one_sided(days) == frozenset()
    assert judged(days).name != INCONCLUSIVE or rows == 1


def test_first_days_are_judged_by_none() -> None:
    assert one_sided(days_of(*USUAL[:6], all_true(400))) == frozenset()
    assert one_sided(days_of(*USUAL[:7], all_true(400))) == {"day 07"}
    assert one_sided([*days_of(*USUAL[:7]), dataclasses.replace(days_of(all_true(1))[0], outcomes=None)]) == frozenset()


def test_rows_that_stand_for_others_count_once() -> None:
    usual, odd = [answered(200, 100)] * 9, all_true(200)
    assert one_sided(days_of(*usual, odd)) == {"day 09"}
    assert one_sided(days_of(*usual, odd, one_in=10)) == frozenset()
    few = FeedbackDay(200, 190, 10, 10.0, 1.0, odd, answered(10, 10), answered(10, 10))
    shaped = days_of(*usual, odd)
    assert shaped[-1].outcomes is not None
    shaped[-1] = shaped[-1].with_outcomes(dataclasses.replace(shaped[-1].outcomes, feedback=few))
    assert one_sided(shaped) == frozenset()


@pytest.mark.parametrize(
    ("usual", "odd", "told"),
    [
        (answered(400, 100), all_true(400), "true"),
        (answered(400, 100), answered(400, 0), "false"),
        (NumberSums.of(range(100), range(100)), NumberSums.of([3.5] * 100, range(100)), "3.5"),
        (
            ClassSums.of([0, 1, 2] * 50, [[0.4, 0.3, 0.3]] * 150),
            ClassSums.of([1] * 150, [[0.4, 0.3, 0.3]] * 150),
            "of one class",
        ),
    ],
)
def test_labels_that_are_broken_are_told_on_their_first_day(usual: Sums, odd: Sums, told: str) -> None:
    days = days_of(*[usual] * 9, odd)
    [found] = [one for one in heartbeat_readings(days) if one.subject == "labels"]
    assert (found.said, found.severity) == ("over", "P1")
    assert found.text == f"all {odd.rows} labels of day 09 are {told}; by the weeks before, no chance"
    [before] = [one for one in heartbeat_readings(days[:-1]) if one.subject == "labels"]
    assert before.said == "within"
