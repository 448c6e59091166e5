"""Estimates are made from what was known when a day ended, and held to account once its labels are in."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest

from homeostat.control.days import Day, read_day
from homeostat.control.performance.estimating import HISTORY, estimates, recent, with_estimates
from homeostat.control.performance.powers import detection_of
from homeostat.control.performance.record import kept, realised_of, records
from homeostat.control.performance.told import Seen, performance_of
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.signals import Unknown
from homeostat.stats.figures.scores import FIGURES
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import Interval
from tests.harness.foretold import LACKING, ROWS, foretold_days, without_estimates
from tests.harness.world import DAY

DELAY = 2 * DAY


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Fifty days; the labels of the last two are not in."""
    return foretold_days(50)


def told(days: list[Day], trail: int = 14) -> Any:
    """As a command or a route has it: nothing but JSON."""
    now = days[-1].end if days else None
    return json.loads(json.dumps(performance_of(Seen("visits", days, 0.5, now, DELAY), trail), allow_nan=False))


def test_a_day_is_estimated_from_days_that_were_mature_when_it_ended(days: list[Day]) -> None:
    for place in (5, 20, 49):
        made = days[place].inputs.estimated
        assert made is not None
        assert (made.days, made.unlabelled) == (min(HISTORY, place - 1), 2)


def test_an_estimate_can_be_made_again_from_what_is_stored_whenever_that_is(days: list[Day]) -> None:
    made = days[30].inputs.estimated
    assert made is not None
    bare = dataclasses.replace(days[30].inputs, estimated=EstimatedDay(made.scores))
    again = with_estimates(days, [dataclasses.replace(days[30], inputs=bare)], 0.5)
    assert again[0].inputs.estimated == made


def test_days_keep_their_estimates_in_the_store_and_older_days_are_read(days: list[Day]) -> None:
    assert read_day(msgspec.json.encode(days[40])) == days[40]
    old = json.loads(msgspec.json.encode(days[40]))
    del old["inputs"]["estimated"], old["outcomes"]["absent"]
    read = read_day(json.dumps(old))
    assert read.inputs.estimated is None
    assert with_estimates([], [read], 0.5) == [read]


def test_the_record_holds_each_estimate_beside_what_labels_showed(days: list[Day]) -> None:
    found = kept(days, "accuracy", "day")
    assert [one.day for one in found] == [day.day for day in days[4:48]]
    one = found[-1]
    assert one.realised == realised_of(days[47], "accuracy", 0.5)
    record = records(days, "day")["accuracy"]
    assert record.days == 44
    assert record.mean_absolute_error == pytest.approx(sum(abs(one.error) for one in found) / 44)
    assert record.mean_absolute_error < 0.05
    assert record.covered is not None
    assert record.covered >= 0.85
    trail = records(days, "trail")["accuracy"]
    assert trail.mean_absolute_error < record.mean_absolute_error


def test_what_is_told_has_labels_figures_estimates_and_power(days: list[Day]) -> None:
    found = told(days)
    labels = found["labels"]
    assert (labels["labelled"], labels["missing"]) == (12 * (ROWS - LACKING), 12 * LACKING)
    assert (labels["maturing"], labels["maturing_days"]) == (2 * ROWS, 2)
    assert labels["missing_share"]["value"] == pytest.approx(LACKING / ROWS)
    assert labels["differ"]["verdict"] == "EXCEEDED"
    assert {one["name"] for one in labels["differ"]["subjects"]} == {"prediction", "x"}
    assert [one["days"] for one in found["realised"]] == [1, 7, 14, 28]
    assert set(found["realised"][2]["figures"]) == set(FIGURES)
    assert found["estimated"]["days"] == 2
    auc = found["estimated"]["figures"]["roc_auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert found["power"]["accuracy"]["sentence"].startswith("a 5-point drop would take ")
    assert found["power"]["log_loss"]["sentence"].startswith("a 5-point rise would take ")
    assert found["days"][-1]["realised"] is None
    assert found["days"][0]["realised"]["accuracy"] is not None
    watched, fixed = found["watched"], found["realised"][3]["figures"]
    assert (watched["guarantee"], watched["days"]) == ("every_look", 48)
    for name in ("accuracy", "brier"):
        one = watched["figures"][name]
        assert one["low"] < fixed[name]["low"] < fixed[name]["high"] < one["high"]
    clipped = watched["figures"]["clipped_log_loss"]
    assert clipped["low"] < clipped["value"] <= fixed["log_loss"]["high"]


def test_a_relation_that_turns_is_not_seen_until_labels_come_and_then_it_is() -> None:
    found = foretold_days(50, turns=40)
    seen = kept(found, "roc_auc", "day")
    turned = [one for one in seen if one.day >= found[40].day]
    assert all(one.estimate.covers(one.realised) is False for one in turned[:2])
    assert turned[0].estimate.known == pytest.approx(seen[-len(turned) - 1].estimate.known, abs=0.05)
    low = turned[-1].estimate.low
    assert low is not None
    assert low < turned[0].estimate.low


@pytest.mark.parametrize(
    ("made", "realised", "estimated"),
    [
        ({"number": 0}, "no_labels", "no_rows"),
        ({"number": 2}, "no_labels", "too_few_matured_days"),
        ({"number": 20, "one_class": True}, "undefined", "one_class"),
        ({"number": 20, "delay": 40}, "no_labels", "too_few_matured_days"),
    ],
)
def test_too_little_is_unknown_with_its_reason_and_never_0(made: Any, realised: str, estimated: str) -> None:
    found = told(foretold_days(**made))
    for part in found["realised"]:
        assert (part["figures"]["roc_auc"]["value"], part["figures"]["roc_auc"]["unknown"]) == (None, realised)
    one = found["estimated"]["figures"]["roc_auc"]
    assert (one["value"], one["unknown"]) == (None, estimated)
    assert "roc_auc" not in found["record"]["day"]


def test_days_of_older_homes_say_that_their_scores_were_not_counted(days: list[Day]) -> None:
    found = told(without_estimates(days))
    assert found["realised"][2]["figures"]["accuracy"]["value"] is not None
    assert found["estimated"]["figures"]["accuracy"]["unknown"] == "scores_not_counted"
    assert found["labels"]["differ"]["verdict"] == "INCONCLUSIVE"
    assert found["record"] == {"day": {}, "trail": {}}


def test_a_day_without_traffic_has_no_estimate_and_breaks_nothing(days: list[Day]) -> None:
    last = days[-1]
    quiet = dataclasses.replace(last.inputs, rows=0, estimated=EstimatedDay((0,) * SCORE_BINS, unreadable=3))
    after = dataclasses.replace(last, day="2024-02-20", start=last.end, end=last.end + DAY, inputs=quiet)
    (found,) = with_estimates(days, [after], 0.5)
    assert found.inputs.estimated is not None
    assert found.inputs.estimated.figures["accuracy"].value == Unknown("no_rows")
    assert told([*days, found])["estimated"]["unreadable"] == 3


def test_both_classes_that_one_day_alone_holds_are_as_one_class() -> None:
    history = [ScoreSums.of([1, 0], [0.9, 0.1]), *[ScoreSums.of([0], [0.3])] * 5]
    made = estimates([1] * SCORE_BINS, history, 0.5)
    assert {one.value for one in made.values()} == {Unknown("one_class")}


def test_scores_are_calibrated_on_more_days_where_labels_take_long() -> None:
    assert len(recent([ScoreSums.of([], [])] * 100)) == HISTORY
    assert len(recent([ScoreSums.of([], [])] * 100, 7)) == 56


def test_more_labels_late_or_days_that_vary_more_make_a_worsening_go_unseen_for_longer() -> None:
    calm, wild = Interval(0.8, 0.79, 0.81, 14, 1_000, 0.95), Interval(0.8, 0.7, 0.9, 14, 1_000, 0.95)
    assert detection_of(calm, label_delay=1).days < detection_of(wild, label_delay=1).days
    assert detection_of(calm, label_delay=9).days == detection_of(calm, label_delay=1).days + 8
    with pytest.raises(NotEnoughData):
        detection_of(Interval(0.8, 0.8, 0.8, 14, 1_000, 0.95), label_delay=1)
