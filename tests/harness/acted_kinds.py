"""Days of loops that predict numbers or classes and are acted on, as control keeps them: then there is no label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

import homeostat as hs
from homeostat.app.control.scoring import answers_of
from homeostat.app.control.used import Used, trail_before
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.data.feedback import Feedback, predicted
from homeostat.data.tables import Table
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.labels import LABELLED, SHAPED, JoinedLabels
from homeostat.serving.answers import said
from homeostat.stats.figures.class_figures import class_counts
from homeostat.stats.tasks import Multiclass, Regression, Task

DAYS, ROWS, MICROS = 14, 600, 86_400_000_000
ORDERS = hs.Table("orders", key="id", event_time="at", contract={
    "id": hs.text(), "at": hs.instant(), "spared": hs.boolean(), "hold": hs.number(0, 1, nullable=True)
})  # fmt: skip
CLASSES = Multiclass(("fine", "odd", "fraud"))


@dataclass(frozen=True)
class Acted:
    """Days as they are kept, beside the truth of every row."""

    days: list[Day]
    truth: list[Any]


def acted(declared: Feedback, task: Task, seed: int = 0, days: int = DAYS, question: Table = ORDERS) -> Acted:
    """Errors, and what would be acted on, are larger where more is predicted."""
    draw, rng = declared.drawing(f"orders-{seed}", question, task), np.random.default_rng(seed)
    found: list[Day] = []
    every = []
    for place in range(days):
        truth, scores = _numbers(rng) if isinstance(task, Regression) else _classes(rng)
        asked = [{"spared": bool(rng.random() < 0.3), "hold": 0.3} for _ in range(ROWS)]
        names = [f"{seed}-{place}-{row}" for row in range(ROWS)]
        answers = [said(task, 0.5, one) for one in scores.tolist()]
        drawn = [draw(predicted(*one), row, name) for one, row, name in zip(answers, asked, names, strict=True)]
        log = pa.table({
            "prediction_id": names, "prediction": [one for one, _ in answers], "probabilities": [p for _, p in answers],
            "acts": [one.acts for one in drawn], "explored": [one.explored for one in drawn],
            "propensity": [one.propensity for one in drawn],
        })  # fmt: skip
        found.append(_kept(declared, task, place, log, truth, found))
        every.append(task.sums(truth, scores))
    return Acted(found, every)


def _kept(declared: Feedback, task: Task, place: int, log: pa.Table, truth: np.ndarray, before: list[Day]) -> Day:
    gone = log["acts"].to_numpy(zero_copy_only=False)
    status = np.where(gone, SHAPED, LABELLED).astype(np.int8)
    rows, late = np.arange(ROWS), np.zeros(ROWS, dtype=bool)
    joined = JoinedLabels(rows, status, np.where(gone, np.nan, truth), late, np.zeros(ROWS, dtype=np.int64), 0)
    made = None
    if isinstance(task, Multiclass):
        made = EstimatedDay(tuple(class_counts(answers_of(log, task)).ravel().tolist()), classes=3)
    inputs = Inputs(ROWS, {}, {}, 0, "v1", {}, {}, None, {}, {}, estimated=made)
    day = Day(f"day {place:02}", place * MICROS, (place + 1) * MICROS, (place + 1) * MICROS, inputs)
    typed = (lambda told: told.astype(np.int64)) if isinstance(task, Multiclass) else (lambda told: told)
    used = Used.of(declared, log, joined, trail_before(day, before), typed, task)
    live = task.sums(used.labels, answers_of(used.rows, task))
    return day.with_outcomes(Outcomes(live.rows, 0, 0, live, {"v1": live}, feedback=used.feedback))


def _numbers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    told = rng.gamma(2.0, 5.0, ROWS)
    return told * (1.0 - 0.01 * told) + (0.5 + 0.15 * told) * rng.normal(size=ROWS), told


def _classes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    odds = rng.normal(size=(ROWS, 3)) * 1.2 + np.array([1.0, 0.0, -0.5])
    right = np.exp(odds - np.array([0.0, 0.0, 0.4]))
    told = np.exp(odds)
    right, told = (one / one.sum(axis=1, keepdims=True) for one in (right, told))
    return (right.cumsum(axis=1) < rng.random((ROWS, 1))).sum(axis=1).clip(max=2), told
