"""Error gaps: how much worse a cohort is served than all others, and whether a retraining made that worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.degraded import LEAST_ROWS
from homeostat.monitoring.slice_figures import FALSE_SHARE
from homeostat.stats.arrays import Floats
from homeostat.stats.intervals import MIN_BLOCKS, Interval, jackknife, student_interval

LEAST_WIDER = 0.1
"""A gap that widened by less than this part of the mean loss before is not worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class CohortDays:
    """A cohort beside all other rows while one version served: ``sums`` has a row for each day with the primary loss
    and rows of the cohort, then those of the others."""

    version: str
    sums: Floats

    @property
    def rows(self) -> int:
        """Rows of the cohort."""
        return int(self.sums[:, 1].sum())

    @property
    def mean_loss(self) -> float:
        """Mean primary loss of all rows: in nats, or squares and the like of numbers; 0 where there are none."""
        lost, rows, others, other_rows = self.sums.sum(axis=0)
        every = rows + other_rows
        return float((lost + others) / every) if every else 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Mean primary loss of a cohort less that of all others under a version, a row; ``rows`` are the cohort's."""

    version: str
    rows: int
    difference: Interval


@dataclass(frozen=True, slots=True)
class Widened:
    """How much wider a gap is now than ``before``: ``by`` with two-sided bounds at the confidence of the search."""

    cohort: str
    before: Gap
    now: Gap
    by: Interval


def gap_of(days: CohortDays, *, confidence: float = 0.95) -> Gap | None:
    """The gap under one version, the day being the unit; None with fewer than 50 rows of the cohort, fewer than 3 days,
    or where one day holds all rows of a side.

    >>> days = CohortDays("v1", np.array([[40.0, 50, 30.0, 100], [45.0, 50, 32.0, 100], [42.0, 50, 29.0, 100]]))
    >>> found = gap_of(days)
    >>> round(found.difference.value, 3), found.rows
    (0.543, 150)
    """
    sums = days.sums[(days.sums[:, 1] > 0) | (days.sums[:, 3] > 0)]
    if days.rows < LEAST_ROWS or len(sums) < MIN_BLOCKS:
        return None
    without = sums.sum(axis=0) - sums
    if (without[:, [1, 3]] <= 0).any():
        return None
    found = jackknife(_difference, sums, rows=int(sums[:, [1, 3]].sum()), confidence=confidence)
    return Gap(days.version, days.rows, found)


def widened(cohort: str, past: Sequence[CohortDays], now: CohortDays, *, looked_at: int) -> list[Widened]:
    """By how much a gap is wider than under each version before, where both are known; the widest first.

    ``looked_at`` is how many such comparisons are made together: where nothing changed, any of them has its bounds
    above 0 with a chance of 1/90 at most (Bonferroni).
    """
    confidence = 1.0 - 2.0 * FALSE_SHARE / max(1, looked_at)
    present = gap_of(now)
    if present is None:
        return []
    found = []
    for days in past:
        before = gap_of(days)
        if before is not None:
            found.append(Widened(cohort, before, present, _wider(before, present, confidence)))
    return sorted(found, key=lambda one: -one.by.low)


def worth_telling(one: Widened, mean_loss: float) -> bool:
    """Whether it surely widened, and by enough beside the mean loss under the version before."""
    return one.by.low > 0.0 and one.by.value >= LEAST_WIDER * mean_loss


def _difference(total: Floats) -> float:
    lost, rows, others, other_rows = total
    if not (rows > 0 and other_rows > 0):
        raise NotEnoughData("A cohort without rows has no gap.", mend="Take a longer span.")
    return float(lost / rows - others / other_rows)


def _wider(before: Gap, now: Gap, confidence: float) -> Interval:
    """Days before and days now are others: variances add."""
    one, other = before.difference, now.difference
    error = float(np.hypot(_error(one), _error(other)))
    blocks = min(one.blocks, other.blocks)
    return student_interval(
        other.value - one.value, error, blocks=blocks, rows=one.rows + other.rows, confidence=confidence
    )


def _error(found: Interval) -> float:
    from scipy import special

    reach = float(special.stdtrit(found.blocks - 1, (1.0 + found.confidence) / 2.0))
    return (found.high - found.low) / 2.0 / reach
