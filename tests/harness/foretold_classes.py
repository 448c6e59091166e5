"""Days of a loop that answers one of three classes, each with what is expected of it when it ends."""

from __future__ import annotations

import numpy as np

from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.performance.estimating import with_estimates
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.windows import day_name
from homeostat.stats.figures.class_figures import class_counts
from homeostat.stats.tasks import Multiclass
from tests.harness.world import BEGINS, DAY

CLASSES = Multiclass(("early", "on time", "late"))
_WEIGHTS = np.array([[2.0, 0.0, -2.0], [0.5, -1.0, 0.5]])
ROWS = 300


def answered(
    rng: np.random.Generator, rows: int = ROWS, moved: float = 0.0, turned: bool = False, shock: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Places of classes, and chances that are too sure of themselves; ``moved`` shifts what is asked, ``shock`` is what
    rows of the day share and no chance shows."""
    odds = (rng.normal(size=(rows, 2)) + np.array([moved, 0.0])) @ _WEIGHTS
    truth = odds[:, ::-1] if turned else odds
    return _drawn(rng, _shares(truth + shock * rng.normal(size=3))), _shares(1.5 * odds)


def class_days(number: int, *, moves: int = 10_000, moved: float = 1.5, only: int | None = None) -> list[Day]:
    """So many days, labels of each mature two days after it ended; from day ``moves`` on others are asked about.

    ``only``: no other class ever comes.
    """
    rng, days, to_come = np.random.default_rng(1), list[Day](), dict[str, Outcomes]()
    for place in range(number):
        start, name = BEGINS + place * DAY, day_name(19_723 + place)
        truth, chances = answered(rng, moved=moved if place >= moves else 0.0, shock=0.2)
        sums = CLASSES.sums(truth if only is None else np.full_like(truth, only), chances)
        to_come[name] = Outcomes(ROWS, 0, 0, sums, {"v1": sums})
        made = EstimatedDay(tuple(class_counts(chances).ravel().tolist()), classes=3)
        inputs = Inputs(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {}, estimated=made)
        ended = Day(name, start, start + DAY, start + 3 * DAY, inputs)
        days = [
            day.with_outcomes(to_come[day.day]) if day.outcomes is None and day.mature_at <= ended.end else day
            for day in days
        ]
        days += with_estimates(days, [ended], 0.5)
    return days


def _shares(odds: np.ndarray) -> np.ndarray:
    told = np.exp(odds)
    return np.asarray(told / told.sum(axis=1, keepdims=True))


def _drawn(rng: np.random.Generator, shares: np.ndarray) -> np.ndarray:
    return np.asarray((shares.cumsum(axis=1) < rng.random((len(shares), 1))).sum(axis=1).clip(max=2))
