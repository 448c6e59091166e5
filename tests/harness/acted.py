"""Days of a loop whose predictions are acted on: payments that are blocked, served, joined and kept as control does."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.feedback import PAYMENTS, Served, serve, stream
from homeostat.app.control.used import Used, trail_before
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.data.feedback import Feedback
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.labels import LABELLED, MATURED_WITHOUT_LABEL, JoinedLabels
from homeostat.stats.figures.sums import ScoreSums, score_counts

DAYS, ROWS = 21, 1_500
DECLARED = Feedback(acts="probability >= 0.3", explore="5%")
MICROS = 86_400_000_000
BEGINS = 1_704_067_200_000_000


class Scorer:
    """A scorer that knows something, and is too sure of it."""

    def predict_proba(self, features: Any) -> Any:
        chance = 1 / (1 + np.exp(-(features @ np.array([1.4, -1.0, 0.7, 0.0]) - 3.0)))
        return np.stack([1 - chance, chance], axis=1)


def served(declared: Feedback, seed: int, days: int = DAYS) -> list[Served]:
    draw = declared.drawing(f"payments-{seed}", PAYMENTS)
    return [serve(one, place, Scorer(), draw) for place, one in enumerate(stream(seed, days, ROWS))]


def joined(one: Served, labelled: Any = True) -> JoinedLabels:
    rows = np.arange(one.label.size)
    status = np.where(np.broadcast_to(labelled, rows.shape), LABELLED, MATURED_WITHOUT_LABEL).astype(np.int8)
    late = np.zeros(rows.size, dtype=bool)
    return JoinedLabels(rows, status, one.label.astype(float), late, np.zeros(rows.size, dtype=np.int64), 0)


def loop_days(days: list[Served], declared: Feedback) -> list[Day]:
    """Days as control keeps them."""
    found: list[Day] = []
    for place, one in enumerate(days):
        start = BEGINS + place * MICROS
        inputs = Inputs(len(one.scores), {}, {}, 0, "v1", {}, {}, None, {}, {},
                        estimated=EstimatedDay(score_counts(one.scores)))  # fmt: skip
        day = Day(f"day {place}", start, start + MICROS, start + MICROS, inputs)
        used = Used.of(declared, one.log, joined(one), trail_before(day, found))
        live = ScoreSums.of(used.labels, used.rows["probability"].to_numpy())
        found.append(day.with_outcomes(Outcomes(live.rows, 0, 0, live, {}, feedback=used.feedback)))
    return found
