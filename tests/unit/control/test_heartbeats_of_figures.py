"""Estimates before labels and sums by slice have heartbeats, where a loop can have them at all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from homeostat.control.alerting.figures import estimate_readings, slice_beats
from homeostat.control.alerting.looks import Known, day_readings
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import initial_state
from homeostat.kernel.clock import duration
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.estimates import Estimate, EstimatedDay
from homeostat.monitoring.kept_slices import Slice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slices import Judged, sliced
from homeostat.stats.figures.sums import ScoreSums

DAY = duration("1d")
ORIGIN, HOUR = ("origin",), ("hour",)
KNOWN = EstimatedDay(
    (900, 100), figures={"skill": Estimate(0.2, 0.1, 0.3), "precision": Estimate(Unknown("undefined"))}
)


def without(reason: str) -> EstimatedDay:
    return EstimatedDay((900, 100), figures={"skill": Estimate(Unknown(reason))})


def expecting(*made: EstimatedDay | None, rows: int = 1_000) -> list[Day]:
    found = []
    for number, one in enumerate(made):
        inputs = Inputs(rows, {"v1": rows}, {}, 0, "v1", {}, {}, None, {}, {}, estimated=one)
        start = number * DAY
        found.append(Day(f"2013-03-{number + 1:02d}", start, start + DAY, start + 2 * DAY, inputs))
    return found


def labelled(*kept: tuple[Slice, ...], labels: int = 100) -> list[Day]:
    truth, scores = ([True] * 50 + [False] * 50)[:labels], ([0.5] * 100)[:labels]
    sums, found = ScoreSums.of(truth, scores), []
    for day, slices in zip(expecting(*[KNOWN] * len(kept)), kept, strict=True):
        columns = {name: np.array(["x"] * labels, dtype=object) for of in slices for name in of}
        rows = sliced(slices, columns, {}, Judged.of(truth, scores, 0.5))
        found.append(day.with_outcomes(Outcomes(labels, 0, 0, sums, {}, slices=rows)))
    return found


def only(found: list[Reading]) -> Reading:
    [one] = found
    return one


@pytest.mark.parametrize("why", ["inputs_never_seen", "answers_never_seen", "undefined"])
def test_an_estimate_that_used_to_come_and_does_not_is_told_with_its_reason_and_since_when(why: str) -> None:
    days = expecting(KNOWN, KNOWN, without(why), without(why))
    found = only(list(estimate_readings(days)))
    assert (found.rule, found.subject, found.said, found.severity) == ("stopped", "estimates", "over", None)
    assert found.text == f"no estimate before labels is known since 2013-03-03 ({why.replace('_', ' ')})"
    assert only(list(estimate_readings([*days, *expecting(*[KNOWN] * 5)[4:]]))).said == "within"


def test_answers_whose_scores_can_no_longer_be_read_stop_the_estimate() -> None:
    gone = dataclasses.replace(without("no_rows"), scores=(0, 0), unreadable=1_000)
    assert "(unreadable scores)" in only(list(estimate_readings(expecting(KNOWN, gone)))).text
    assert only(list(estimate_readings(expecting(gone, gone)))).said == "unknown"


def test_an_estimate_whose_making_failed_is_told_also_of_the_first_day() -> None:
    found = only(list(estimate_readings(expecting(without("too_few_matured_days"), without("not_found")))))
    assert (found.said, "(not found)" in found.text) == ("over", True)


@pytest.mark.parametrize(
    "why", ["no_rows", "too_few_matured_days", "one_class", "other_definitions", "scores_not_counted"]
)
def test_a_loop_that_lacks_what_an_estimate_stands_on_is_never_told_of(why: str) -> None:
    assert only(list(estimate_readings(expecting(KNOWN, KNOWN, without(why))))).said == "unknown"


def test_few_rows_first_days_and_days_of_older_releases_have_no_estimate_to_miss() -> None:
    strange = without("inputs_never_seen")
    assert only(list(estimate_readings(expecting(KNOWN, strange, rows=399)))).said == "unknown"
    assert only(list(estimate_readings(expecting(strange, strange)))).said == "unknown"
    assert list(estimate_readings(expecting(KNOWN, None))) == []


def test_what_stopped_a_week_ago_neither_opens_nor_ends_anything() -> None:
    strange = [without("inputs_never_seen")] * 8
    assert only(list(estimate_readings(expecting(KNOWN, *strange[:7])))).said == "over"
    assert only(list(estimate_readings(expecting(KNOWN, *strange)))).said == "unknown"
    lost = labelled((ORIGIN, HOUR), *[(ORIGIN,)] * 8)
    assert only(list(slice_beats(lost[:8], (ORIGIN, HOUR)))).said == "over"
    assert only(list(slice_beats(lost, (ORIGIN, HOUR)))).said == "unknown"


def test_a_declared_slice_whose_sums_stop_is_named_with_its_first_day() -> None:
    days = labelled((ORIGIN, HOUR), (ORIGIN, HOUR), (ORIGIN,), ())
    found = only(list(slice_beats(days[:3], (ORIGIN, HOUR))))
    assert (found.said, found.text) == ("over", "labelled rows are not counted by hour since 2013-03-03")
    both = only(list(slice_beats(days, (ORIGIN, HOUR)))).text
    assert both == "labelled rows are not counted by origin since 2013-03-04; by hour since 2013-03-03"
    assert only(list(slice_beats(days[:2], (ORIGIN, HOUR)))).said == "within"


def test_a_slice_that_is_declared_no_more_or_never_was_counted_is_not_missed() -> None:
    days = labelled((ORIGIN, HOUR), (ORIGIN,))
    assert only(list(slice_beats(days, (ORIGIN,)))).said == "within"
    assert only(list(slice_beats(days, (ORIGIN, ("never",))))).said == "within"
    assert only(list(slice_beats(days, (("never",),)))).said == "unknown"
    assert list(slice_beats(days, ())) == []


def test_a_day_without_labels_says_nothing_of_slices() -> None:
    kept = labelled((ORIGIN,))
    assert list(slice_beats([*kept, *expecting(KNOWN, KNOWN)[1:]], (ORIGIN,))) == []
    empty = labelled((), (), labels=0)[1:]
    assert list(slice_beats([*kept, *empty], (ORIGIN,))) == []


def test_a_look_at_a_loop_reads_both_with_the_slices_that_it_declares() -> None:
    def told(*declared: Slice) -> dict[str, str]:
        days, known = labelled((ORIGIN,), ()), Known(Alerts(), Retrain(), lambda _: {}, lambda _: None, declared)
        found = day_readings(days, days[-1:], initial_state("late"), known)
        return {one.subject: one.said for one in found if one.rule == "stopped"}

    assert (told(ORIGIN)["estimates"], told(ORIGIN)["slices"]) == ("within", "over")
    assert "slices" not in told()
