"""Labels in, maturing and missing, and whether rows without one look different: of a yes or no, classes and numbers."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pytest
from rich.console import Console

from homeostat.cli import performance as command
from homeostat.control.days import Counted, Day, Inputs, Outcomes
from homeostat.control.performance.told import Seen, performance_of
from homeostat.data.profiles import PREDICTION
from homeostat.monitoring.absent import SCORES
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.windows import day_name
from homeostat.stats.figures.calibration import CENTRES
from homeostat.stats.figures.sums import SCORE_BINS
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from tests.harness.world import BEGINS, DAY

ROWS, LACKING = 200, 50
CLASSES = Multiclass(("early", "late"))
SAID: dict[str, tuple[Task, Any, Any]] = {
    "binary": (BINARY, [True, False], [0.2, 0.9]),
    "multiclass": (CLASSES, [0, 1], [[0.9, 0.1], [0.2, 0.8]]),
    "regression": (Regression(), [1.0, 3.0], [0.0, 5.0]),
}


def days_of(kind: str, number: int = 10) -> list[Day]:
    """Half of the rows are answered with the second answer, and of those alone labels lack; the last two wait."""
    task, truth, answers = SAID[kind]
    half, there = ROWS // 2, ROWS // 2 - LACKING
    sums = task.sums([truth[0]] * half + [truth[1]] * there, [answers[0]] * half + [answers[1]] * there)
    scores = [0] * SCORE_BINS
    for score in (0.2, 0.9):
        scores[int(abs(CENTRES - score).argmin())] = half
    counted = {PREDICTION: Counted((half, half), 0), "x": Counted((half, half), 0)}
    absent = {PREDICTION: Counted((0, LACKING), 0), "x": Counted((LACKING // 2, LACKING // 2), 0)}
    if kind == "binary":
        grouped = [0] * 32
        grouped[int(abs(CENTRES - 0.9).argmin()) * 32 // SCORE_BINS] = LACKING
        absent[SCORES] = Counted(tuple(grouped), 0)
    found = []
    for place in range(number):
        start = BEGINS + place * DAY
        made = EstimatedDay(tuple(scores) if kind == "binary" else ())
        inputs = Inputs(*(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {}), counted=counted, estimated=made)
        day = Day(day_name(19_723 + place), start, start + DAY, start + 3 * DAY, inputs)
        outcomes = Outcomes(ROWS - LACKING, LACKING, 0, sums, {"v1": sums}, absent=absent)
        found.append(day.with_outcomes(outcomes) if place < number - 2 else day)
    return found


def told(kind: str, days: list[Day]) -> Any:
    return performance_of(Seen("visits", days, 0.5, days[-1].end, 2 * DAY, SAID[kind][0]), 14)


@pytest.mark.parametrize("kind", SAID)
def test_every_kind_of_loop_says_which_labels_lack_and_that_those_rows_are_answered_otherwise(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(kind, days_of(kind))
    labels = found["labels"]
    assert (labels["labelled"], labels["maturing"], labels["missing"]) == (8 * 150, 2 * ROWS, 8 * LACKING)
    assert labels["missing_share"]["value"] == pytest.approx(0.25)
    assert labels["mature_by"]
    differ = labels["differ"]
    assert differ["verdict"] == "EXCEEDED"
    by_name = {one["name"]: one for one in differ["subjects"]}
    assert by_name[PREDICTION]["distance"] == pytest.approx(2 / 3)
    assert by_name["x"]["distance"] == pytest.approx(0.0)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        shown = Console(width=300, record=True, file=nowhere)
        monkeypatch.setattr(command, "data", shown)
        command._labels(labels)
    text = shown.export_text()
    assert "1,200 in, 400 still maturing" in text
    assert "400 expected and missing (25.0% of those due)" in text
    assert "look different: prediction" in text


@pytest.mark.parametrize("kind", SAID)
def test_what_was_not_counted_of_rows_without_a_label_is_not_taken_for_none(kind: str) -> None:
    days = [
        day
        if day.outcomes is None
        else day.with_outcomes(dataclasses.replace(day.outcomes, absent={"x": day.outcomes.absent["x"]}))
        for day in days_of(kind)
    ]
    assert [one["name"] for one in told(kind, days)["labels"]["differ"]["subjects"]] == ["x"]
