"""What each signal, decision and state says to the rules that raise alerts."""

from __future__ import annotations

import dataclasses

import pytest

import homeostat as hs
from homeostat.control.alerting.decisions import decision_readings, state_readings
from homeostat.control.alerting.early import early_readings
from homeostat.control.alerting.heartbeats import heartbeat_readings, overdue
from homeostat.control.alerting.late import late_readings
from homeostat.control.days import Counted, Day, Inputs, Outcomes
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import Answer, Held, LoopState, Question, Rollout, initial_state
from homeostat.data.profiles import PREDICTION
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import duration
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.alerts.rules import RULES
from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.monitoring.skew import Cause, SkewDay
from homeostat.serving.routing import Route
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.intervals import Interval

DAY = duration("1d")
LIMITS = Alerts()


def day(number: int, **inputs: object) -> Day:
    made = Inputs(1_000, {"v1": 1_000}, {}, 0, "v1", {"x": 0.05}, {}, 0.05, {}, {})
    made = dataclasses.replace(made, **inputs)  # type: ignore[arg-type]
    return Day(f"day {number}", number * DAY, (number + 1) * DAY, (number + 2) * DAY, made)


def labelled(number: int, score: float = 0.3, rate: float = 0.3, labels: int = 1_000, without: int = 0) -> Day:
    truth = [True] * round(rate * 100) + [False] * round((1 - rate) * 100)
    sums = ScoreSums.of(truth, [score] * 100)
    return day(number).with_outcomes(Outcomes(labels, without, 0, sums, {"v1": sums}))


def of(rule: str, readings: list[Reading]) -> list[Reading]:
    return [one for one in readings if one.rule == rule]


def said(rule: str, readings: list[Reading]) -> dict[str, str]:
    return {one.subject: one.said for one in of(rule, readings)}


def early(*days: Day, missing: dict[str, float] | None = None) -> list[Reading]:
    return early_readings(days, LIMITS, missing or {})


def test_drift_is_read_of_every_input_and_unknown_is_no_pass() -> None:
    found = early(day(0, psi={"a": 0.3, "b": 0.2, "c": None}, prediction_psi=None))
    assert said("drift", found) == {"a": "over", "b": "within", "c": "unknown"}
    assert said("prediction_drift", found) == {"predictions": "unknown"}


def test_drift_is_held_against_each_signals_own_limit_over_every_window() -> None:
    known = (
        Drifted(
            "psi", 1, {"a": 0.3, "b": 0.3, "c": None, PREDICTION: 0.1}, dict.fromkeys(["a", "b", "c", PREDICTION], 0.5)
        ),
        Drifted(
            "ks", 7, {"a": 0.2, "b": None, "c": None, PREDICTION: 0.3}, dict.fromkeys(["a", "b", "c", PREDICTION], 0.1)
        ),
    )
    found = early(day(0, psi={"a": 9.0}, drift=known))
    assert said("drift", found) == {"a": "over", "b": "within", "c": "unknown"}
    assert said("prediction_drift", found) == {"predictions": "over"}
    assert of("drift", found)[0].text == "ks of a over 7 days 0.2 > 0.1"


def test_a_source_that_is_silent_for_days_is_more_urgent() -> None:
    silent = [day(number, freshness={"table weather": False, "table planes": None}) for number in range(3)]
    first, last = of("freshness", early(silent[0]))[0], of("freshness", early(*silent))[0]
    assert (first.said, first.severity, last.severity) == ("over", None, "P1")
    assert said("freshness", early(silent[0]))["table planes"] == "unknown"


@pytest.mark.parametrize(
    ("apart", "rows", "expected"),
    [
        (0, 0, ("within", None)),
        (19, 0, ("within", None)),
        (20, 1000, ("within", None)),
        (200, 1000, ("over", None)),
        (2000, 1000, ("over", "P1")),
        (25, 0, ("over", "P1")),
    ],
)
def test_rows_kept_apart_count_as_a_share_from_a_score_on(apart: int, rows: int, expected: tuple[str, str]) -> None:
    [found] = of("quarantine", early(day(0, quarantined={"visits": apart}, rows=rows)))
    assert (found.said, found.severity) == expected


def test_missing_is_held_against_training_and_only_upwards() -> None:
    counted = {name: Counted((600,), 400) for name in ("new", "usual", "rare", "unknown")}
    counted["unknown"] = Counted((1,), 9)
    training = {"new": 0.0, "usual": 0.3, "rare": 0.9, "unknown": 0.0, "absent": 0.1}
    found = said("missing", early(day(0, counted=counted), missing=training))
    assert found == {"new": "over", "usual": "within", "rare": "unknown", "unknown": "unknown", "absent": "unknown"}


def test_skew_is_over_on_its_lower_bound_and_names_its_cause() -> None:
    cause = {"x": Cause("time_cutoff", "rows equal the state an hour before")}
    bad = dataclasses.replace(day(0), skew=SkewDay(1.0, 200, {"x": 60, "y": 0}, cause))
    found = {one.subject: one for one in of("skew", early(bad))}
    assert (found["x"].said, found["x"].severity, found["y"].said) == ("over", "P1", "within")
    assert "time_cutoff: rows equal" in found["x"].text
    odd = dataclasses.replace(day(0), skew=SkewDay(1.0, 200, {"x": 1}, {}))
    assert said("skew", early(odd)) == {"x": "within"}
    assert of("skew", early(day(0))) == []


def test_failed_requests_count_from_a_score_on() -> None:
    assert said("failures", early(day(0, failed=19, rows=100))) == {"requests": "within"}
    assert said("failures", early(day(0, failed=30, rows=100))) == {"requests": "over"}
    assert of("failures", early(day(0, failed=0, rows=0))) == []


def test_a_day_without_predictions_is_strange_only_where_there_used_to_be_some() -> None:
    busy, quiet = [day(number) for number in range(7)], day(7, rows=0, psi={}, prediction_psi=None)
    [found] = [one for one in heartbeat_readings([*busy, quiet]) if one.subject == "predictions"]
    assert (found.said, found.severity) == ("over", "P1")
    alone = [day(number, rows=0) for number in range(8)]
    assert [one for one in heartbeat_readings(alone) if one.subject == "predictions"] == []


def test_a_weekday_on_which_nobody_ever_asks_is_not_strange() -> None:
    weeks = [day(number, rows=0 if number % 7 == 6 else 1_000) for number in range(21)]
    told = [one for number in range(13, 21) for one in heartbeat_readings(weeks[: number + 1])]
    assert [one.said for one in told if one.subject == "predictions" and one.said == "over"] == []
    [broken] = [one for one in heartbeat_readings([*weeks, day(21, rows=0)]) if one.subject == "predictions"]
    assert broken.said == "over"


def test_a_day_that_ends_without_its_figures_is_an_alert() -> None:
    known = dataclasses.replace(day(0), skew=SkewDay(0.1, 100, {"x": 0}, {}))
    gone = dataclasses.replace(day(1, psi={"x": None}), skew=None)
    found = said("stopped", heartbeat_readings([known, gone]))
    assert found == {"predictions": "within", "drift": "over", "skew": "over"}
    few = dataclasses.replace(day(1, psi={"x": None}, rows=50), skew=None)
    assert said("stopped", heartbeat_readings([known, few]))["drift"] == "unknown"


def test_labels_that_stop_and_labels_that_grow_few_are_told_apart() -> None:
    days = [labelled(number) for number in range(10)]
    none, few = labelled(10, labels=0, without=1_000), labelled(10, labels=300, without=700)
    assert said("stopped", heartbeat_readings([*days, none]))["labels"] == "over"
    assert said("stopped", heartbeat_readings([*days, few]))["labels"] == "within"
    assert said("labels_missing", late([*days, few])) == {"labels": "over"}
    assert said("labels_missing", late([*days, labelled(10)])) == {"labels": "within"}
    assert said("labels_missing", late([*days[:4], few])) == {"labels": "unknown"}


def test_days_and_labels_that_are_overdue_are_told_and_on_time_they_are_not() -> None:
    days = [labelled(0), day(1)]
    assert said("not_measured", overdue(days, 2 * DAY + 1)) == {"days": "within", "outcomes": "within"}
    assert said("not_measured", overdue(days, 4 * DAY + 1)) == {"days": "over", "outcomes": "over"}
    assert overdue([], 9 * DAY) == []


def serving(**changes: object) -> LoopState:
    route = Route("late", 1, "v1")
    return dataclasses.replace(initial_state("late"), route=route, first_version="v1", **changes)  # type: ignore[arg-type]


def late(
    days: list[Day], promise: float | None = None, retrain: Retrain | None = None, **state: object
) -> list[Reading]:
    told = None if promise is None else Interval(promise, promise, promise, 9, 9, 0.95)
    return late_readings(
        days, serving(**state), LIMITS, retrain or Retrain(when=hs.Emergency() | hs.Realised()), lambda _: told
    )


def test_answers_of_which_callers_report_nothing_are_an_alert_where_they_are_many() -> None:
    def reported(**untold: int) -> list[Day]:
        one = labelled(0)
        assert one.outcomes is not None
        sums = one.outcomes.live
        told = FeedbackDay(1_000, 10, 5, 5.0, 1.0, sums, sums, sums, untold=untold)
        inputs = dataclasses.replace(one.inputs, reported=900)
        return [dataclasses.replace(one, inputs=inputs, outcomes=dataclasses.replace(one.outcomes, feedback=told))]

    assert said("reports_missing", late(reported(unreported=40, no_chance=20))) == {"reports": "over"}
    assert said("reports_missing", late(reported(unreported=40))) == {"reports": "within"}
    assert said("reports_missing", late([labelled(0)])) == {}


def test_reports_that_stop_are_told_when_the_day_ends_and_those_that_come_at_night_are_not_missed() -> None:
    def told(*reported: int | None) -> dict[str, str]:
        days = [day(number) for number in range(len(reported))]
        inputs = [dataclasses.replace(one.inputs, reported=of) for one, of in zip(days, reported, strict=True)]
        made = [dataclasses.replace(one, inputs=of) for one, of in zip(days, inputs, strict=True)]
        return {name: one for name, one in said("stopped", heartbeat_readings(made)).items() if name == "reports"}

    assert told(900, 950, 0) == told(900, 950, 400) == {"reports": "over"}
    assert told(900, 950, 700) == {"reports": "within"}
    assert told(9, 0, 8) == {"reports": "within"}
    assert told(0, 0, 0) == {"reports": "unknown"}
    assert told(None, None) == {}


def test_lost_skill_is_what_the_retraining_policy_calls_so_even_while_it_cools_down() -> None:
    poor = [labelled(number, score=0.3 + 0.01 * (number % 3)) for number in range(20)]
    assert said("skill", late(poor, promise=0.3)) == {"skill": "over"}
    assert said("skill", late(poor, promise=-0.05)) == {"skill": "within"}
    assert said("skill", late(poor, promise=None)) == {"skill": "unknown"}
    wrong = [labelled(number, score=0.8 + 0.01 * (number % 3)) for number in range(20)]
    [found] = of("skill", late(wrong, promise=0.3))
    assert (found.said, found.severity) == ("over", "P1")
    assert "emergency limit" in found.text


def test_lost_skill_is_told_also_where_a_retraining_was_asked_for_because_of_it() -> None:
    poor = [labelled(number, score=0.3 + 0.01 * (number % 3)) for number in range(20)]
    asked = poor[-1].mature_at
    assert said("skill", late(poor, promise=0.3, retrained_at=asked)) == {"skill": "over"}
    later = [*poor, labelled(20)]
    assert said("skill", late(later, promise=0.3, retrained_at=asked)) == {"skill": "over"}


def test_calibration_is_over_on_the_bound_nearer_to_nothing() -> None:
    high = [labelled(number, score=0.5 + 0.01 * (number % 3)) for number in range(14)]
    [found] = of("calibration", late(high))
    assert (found.said, "too high" in found.text) == ("over", True)
    right = [labelled(number, score=0.3) for number in range(14)]
    assert said("calibration", late(right)) == {"probability": "within"}
    assert said("calibration", late(right[:13])) == {"probability": "unknown"}


def draft(kind: str, actor: str = "policy", verdict: str = "HOLD") -> Draft:
    return Draft(f"late/{kind}", "late", 5, kind, verdict, "Title", ("why",), "v2", actor)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (draft("rollback", "limits"), "taken_back"),
        (draft("rollback", "policy"), "candidate_left"),
        (draft("rollback", "command line"), None),
        (draft("fail"), "training_failed"),
        (draft("reject"), "candidate_left"),
        (draft("halt", "limits"), "arm_stopped"),
        (draft("stand_down"), "stands_down"),
        (draft("restore_failed"), "state_not_restored"),
        (draft("drill", verdict="REJECT"), "drill_failed"),
        (draft("drill", verdict="ACCEPT"), None),
        (draft("promote"), None),
    ],
)
def test_decisions_that_somebody_should_hear_of_are_read_and_a_persons_own_are_not(
    one: Draft, rule: str | None
) -> None:
    assert [found.rule for found in decision_readings([one])] == [rule] * (rule is not None)


def test_what_waits_for_somebody_is_read_from_the_state() -> None:
    assert {one.said for one in state_readings(serving(), 9)} == {"within"}
    question = Question("q", "take over from v1", 5, ("why",))
    rollout = Rollout("r", "v2", "v1", 0, 1, 1, 9, asked=question)
    asking = serving(rollout=rollout, held=Held("v3", 5, 0, "no checkpoint"))
    assert said_over(asking) == {"held", "asks"}
    answered = dataclasses.replace(rollout, asked=dataclasses.replace(question, answer=Answer("ann", "fine", 6)))
    assert said_over(serving(rollout=answered)) == set()
    proposed = Question("p", "train v2 to follow v1", 5, ("why",))
    (read,) = [one for one in state_readings(serving(asked=proposed), 9) if one.said == "over"]
    assert (read.rule, read.text) == ("asks", "may Homeostat train v2 to follow v1?")
    told = dataclasses.replace(proposed, answer=Answer("ann", "fine", 6))
    assert said_over(serving(asked=told)) == set()
    assert {one.said for one in state_readings(serving(asked=proposed), 8 * DAY)} == {"within"}
    assert said_over(dataclasses.replace(serving(), route=Route("late", 2, None))) == {"nobody_serves"}
    assert said_over(initial_state("late")) == set()
    assert [one.text for one in state_readings(serving(), 9, ("outage",)) if one.said == "over"] == ["outage"]


def said_over(state: LoopState) -> set[str]:
    return {one.rule for one in state_readings(state, 9) if one.said == "over"}


def test_every_reading_is_of_a_rule_that_there_is() -> None:
    days = [labelled(number) for number in range(20)]
    found = [
        *early(*days),
        *heartbeat_readings(days),
        *late(days, 0.1),
        *overdue(days, 0),
        *state_readings(serving(), 0),
    ]
    assert {one.rule for one in found} <= RULES.keys()
