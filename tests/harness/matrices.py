"""Evaluation matrices made of losses: how every version did on every day, without training anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homeostat.control.backtest.matrix import WEEK, Matrix, PastDay, Trial
from homeostat.control.backtest.release import Rules
from homeostat.control.gates import Gate
from homeostat.control.rollouts import Canary
from homeostat.monitoring.windows import Window, day_name
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from tests.harness.world import BEGINS, DAY

ROWS, POSITIVES, FIRST = 200, 60, 19_723
LEAD = 10
"""Days before the loop serves, on which the first versions are judged."""
EASY = Rules(Gate(margin=5.0, min_skill=-50.0), Canary(holds=("3d", "1d", "1d", "1d"), margin=5.0))
"""Rules by which nearly every version is released."""
_EMPTY = (0,) * SCORE_BINS


def matrix_of(losses: Floats, *, late: int = 1, seconds: Sequence[float] | None = None) -> Matrix:
    """``losses`` are mean log-losses with shape (weeks, LEAD + 7 * weeks); labels mature ``late`` days after a day."""
    weeks, days = losses.shape
    assert days == LEAD + WEEK * weeks
    past = [_day(number, late) for number in range(days)]
    trials = [_trial(losses[week], week, seconds[week] if seconds else 1.0) for week in range(weeks)]
    return Matrix(past, trials, LEAD)


def ageing(weeks: int, rng: np.random.Generator, *, rate: float = 0.004, noise: float = 0.02) -> Floats:
    """Losses that grow with a version's age, in a world whose weeks differ."""
    days = np.arange(LEAD + WEEK * weeks)
    age = np.maximum(days[None, :] - (LEAD + WEEK * np.arange(weeks))[:, None] + LEAD, 0)
    common = rng.normal(scale=noise, size=days.size)
    return np.asarray(0.45 + rate * age + common[None, :] + rng.normal(scale=noise / 4, size=(weeks, days.size)))


def sums_of(loss: float, rows: int = ROWS, positives: int = POSITIVES) -> ScoreSums:
    """A day's sums; nothing here looks at scores."""
    return ScoreSums(rows, positives, loss * rows, 0.2 * rows, _EMPTY, _EMPTY)


def _day(number: int, late: int) -> PastDay:
    start = BEGINS + number * DAY
    return PastDay(Window(start, start + DAY, day_name(FIRST + number)), start + (1 + late) * DAY, ROWS, ROWS, 0)


def _trial(losses: Floats, week: int, seconds: float) -> Trial:
    asked, cutoff = LEAD + WEEK * week, WEEK * week
    sums = {place: sums_of(float(losses[place])) for place in range(cutoff, losses.size)}
    return Trial(f"w{week:02}", BEGINS + asked * DAY, BEGINS + cutoff * DAY, (0, ROWS * (30 + cutoff)), seconds, sums)
