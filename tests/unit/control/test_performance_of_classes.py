"""Several classes are estimated before labels, held to account, and the policy of estimates reads them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest

from homeostat.control.backtest.matrix import Monitor, Trial
from homeostat.control.days import Day, read_day
from homeostat.control.performance.told import Seen, performance_of
from homeostat.control.policies.outcomes import Estimated
from homeostat.control.policies.retrain import Retrain
from homeostat.control.reading import situation_of, trail_of
from homeostat.control.state import initial_state
from homeostat.stats.figures.class_figures import CLASS_FIGURES
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import Regression
from tests.harness.foretold_classes import CLASSES, ROWS, class_days
from tests.harness.world import DAY


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Forty days, from the 34th on of others than before; the labels of the last two are not in."""
    return class_days(40, moves=34, moved=2.0)


def told(days: list[Day]) -> Any:
    return json.loads(json.dumps(performance_of(Seen("visits", days, 0.5, days[-1].end, 2 * DAY, CLASSES), 14)))


def test_what_is_told_has_every_figure_before_and_with_labels_and_the_record(days: list[Day]) -> None:
    found = told(days)
    estimated = found["estimated"]
    assert (estimated["days"], estimated["rows"], estimated["calibrated"]["by"]) == (2, 2 * ROWS, "by class")
    assert estimated["figures"].keys() == found["realised"][2]["figures"].keys() == CLASS_FIGURES.keys()
    for name, one in estimated["figures"].items():
        assert one["low"] < one["value"] < one["high"], name
        assert found["record"]["day"][name]["days"] > 30
        assert found["record"]["trail"][name]["covered"] > 0.8, name
    auc = found["realised"][2]["figures"]["roc_auc"]
    assert 0.7 < auc["low"] < auc["value"] < auc["high"] < 1
    assert found["power"]["roc_auc"]["sentence"]


def test_figures_may_be_looked_at_every_day_and_beside_another_version(days: list[Day]) -> None:
    found = told(days)
    watched, fixed = found["watched"], found["realised"][3]["figures"]
    assert (watched["guarantee"], watched["days"], watched["version"]) == ("every_look", 38, "v1")
    for name in ("accuracy", "brier"):
        one = watched["figures"][name]
        assert one["low"] < fixed[name]["low"] < fixed[name]["high"] < one["high"]
    assert 0 < watched["figures"]["clipped_log_loss"]["value"] <= fixed["log_loss"]["high"]
    worse = []
    for day in days:
        if day.outcomes is not None:
            lost = dataclasses.replace(day.outcomes.live, brier=day.outcomes.live.brier + 0.5 * ROWS)
            day = day.with_outcomes(dataclasses.replace(day.outcomes, versions={"v1": day.outcomes.live, "v0": lost}))
        worse.append(day)
    (beside,) = told(worse)["watched"]["beside"]
    assert (beside["version"], beside["brier"]["guarantee"]) == ("v0", "every_look")
    assert beside["brier"]["value"] == pytest.approx(-0.5)
    assert -0.5 < beside["brier"]["high"] < 0


def test_estimates_see_that_others_are_asked_about_before_any_label_does(days: list[Day]) -> None:
    """Those who come now are easier to tell: 36 was estimated when no label of such a day was in."""
    before, first = days[33], days[34]
    assert before.inputs.estimated is not None
    assert first.inputs.estimated is not None
    was, foreseen = (one.inputs.estimated.figures["accuracy"].known for one in (before, first))
    realised = first.outcomes.live.figure("accuracy")
    assert realised - was > 0.1
    assert foreseen == pytest.approx(realised, abs=0.06)
    record = told(days)["record"]["day"]["accuracy"]
    assert record["mean_absolute_error"] < record["naive_error"]


def test_days_with_estimates_are_stored_and_read(days: list[Day]) -> None:
    assert read_day(msgspec.json.encode(days[30])) == days[30]


def test_the_policy_of_estimates_reads_several_classes(days: list[Day]) -> None:
    state = dataclasses.replace(initial_state("visits"), retrained_at=days[0].start)
    promise = Interval(0.9, 0.85, 0.95, 14, 4_000, 0.95)
    for skill, name in ((0.9, "lasting_loss"), (0.2, "as_promised")):
        policy = Retrain(when=Estimated())
        seen = situation_of(policy, state, days, dataclasses.replace(promise, value=skill), days[-1].end)
        assert Estimated().at(seen, 0).reasons[0].code == name


def test_a_trail_of_classes_has_an_auc_and_days_without_one_are_told_too(days: list[Day]) -> None:
    trail = trail_of(days, "v1")
    assert trail is not None
    assert trail.auc == trail.frozen_auc
    old = []
    for day in days:
        live = day.outcomes and dataclasses.replace(day.outcomes.live, by_score=())
        old.append(day if live is None else day.with_outcomes(dataclasses.replace(day.outcomes, live=live)))
    bare = trail_of(old, None)
    assert bare is not None
    assert bare.auc is None
    assert bare.skill == pytest.approx(trail.skill)
    assert told(old)["estimated"]["figures"]["accuracy"]["unknown"] == "scores_not_counted"


def test_a_back_test_has_the_chances_of_past_days(days: list[Day]) -> None:
    day = days[5]
    trial = Trial("v1", 0, 0, sums={0: day.outcomes.live, 1: Regression().sums([1.0], [2.0])})
    made = Monitor().expected(trial, 0, 0)
    assert made is not None
    assert (made.scores, made.classes) == (day.inputs.estimated.scores, 3)
    assert Monitor().expected(trial, 0, 1) is None
    assert Monitor().expected(trial, 0, 2) is None


def test_one_class_and_too_few_days_are_unknown_with_their_reason() -> None:
    assert told(class_days(12, only=1))["estimated"]["figures"]["accuracy"]["unknown"] == "one_class"
    assert told(class_days(3))["estimated"]["figures"]["accuracy"]["unknown"] == "too_few_matured_days"
