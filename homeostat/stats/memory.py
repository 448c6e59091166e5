"""How much a history of days knows of the next: how many independent days or weeks it is worth, and no more.

Neighbours that are alike make a history say less than its length. What is found in one subject is held to be at least
what is usual among all: of many subjects, those of which the memory was missed by chance would be taken for free of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.stats.arrays import Floats

WEEK = 7
LEAST_WEEKS = 10.0
"""Fewer independent weeks say nothing of how far a week, or several, can lie from them."""
LEAST_WEEKS_FOR_A_DAY = 5.0
_STRICT = 0.8416212335729143
"""The normal quantile at 80 %: a memory that is missed makes limits too narrow, one too many only wide."""
_MOST = 0.99


@dataclass(frozen=True, slots=True)
class Memory:
    """Correlation of neighbouring days and of neighbouring weeks, at most what chance leaves open, and their number."""

    days: int
    weeks: int
    of_days: float
    of_weeks: float

    @property
    def independent_days(self) -> float:
        """What the days are worth, as of a first-order process."""
        return self.days * (1.0 - self.of_days) / (1.0 + self.of_days)

    @property
    def independent_weeks(self) -> float:
        """What the weeks are worth."""
        return self.weeks * (1.0 - self.of_weeks) / (1.0 + self.of_weeks)

    def supports(self, span: int, rate: float) -> bool:
        """Whether something that happens to one window of ``span`` days in 1 / ``rate`` can be told from it."""
        if span < WEEK:
            few = min(self.blocks(span), self.independent_weeks)
            return self.independent_days >= 1.0 / rate and few >= LEAST_WEEKS_FOR_A_DAY
        return self.independent_weeks >= LEAST_WEEKS

    def blocks(self, span: int) -> float:
        """How many independent stretches of time windows of ``span`` days stand on: of so many days, or weeks."""
        return self.independent_days / span if span < WEEK else self.independent_weeks

    def wider(self, span: int) -> float:
        """By what factor deviations of windows that were put together from weeks drawn one by one are to be wider.

        For what neighbouring weeks know of each other, and for the mean that was taken off few of them.
        """
        blocks, likeness = self.blocks(span), 0.0 if span < WEEK else self.of_weeks
        together = max(1, span // WEEK)
        lags = np.arange(1, together)
        sums = 1.0 + 2.0 * float(((1.0 - lags / together) * likeness**lags).sum())
        return float(np.sqrt(sums * blocks / (blocks - 1.0)))

    def further(self, span: int, rate: float, lent: float = 0.0) -> float:
        """By what factor what a window exceeds once in 1 / ``rate`` lies further out, as few blocks tell its unit, and
        others as so many ``lent`` ones would."""
        from scipy.stats import norm, t  # heavy, and whoever only reads limits that were earned needs none of it

        return float(t.isf(rate / 2.0, self.blocks(span) - 1.0 + lent) / norm.isf(rate / 2.0))


def memories_of(histories: Sequence[Floats]) -> list[Memory]:
    """The memory of each history, (days, quantities) of the same days; quantities that never vary have none."""
    days, weeks = ([_at_most(_in_weeks(one, length)) for one in histories] for length in (1, WEEK))
    usual = [float(np.median(found)) if found else 0.0 for found in (days, weeks)]
    return [
        Memory(len(one), len(one) // WEEK, max(of_days, usual[0]), max(of_weeks, usual[1]))
        for one, of_days, of_weeks in zip(histories, days, weeks, strict=True)
    ]


def moving(counts: Floats, ordered: bool) -> Floats:
    """What moves from day to day: the share of each bin, or up to each of ``ordered`` bins; a day without rows is like
    all days."""
    rows, total = counts.sum(axis=1, keepdims=True), max(float(counts.sum()), 1.0)
    shares = np.where(rows > 0.0, counts, counts.sum(axis=0)) / np.where(rows > 0.0, rows, total)
    return np.asarray(np.cumsum(shares, axis=1)[:, :-1] if ordered else shares)


def _in_weeks(history: Floats, length: int) -> Floats:
    """Means of stretches of ``length`` days; the oldest days are left out where they fill none."""
    blocks = len(history) // length
    return np.asarray(history[len(history) - blocks * length :].reshape(blocks, length, -1).mean(axis=1))


def _at_most(means: Floats) -> float:
    """The largest lag-1 correlation, over all quantities together, that chance leaves open, in [0, 0.99].

    With what few blocks take off it added again. The more quantities move apart from one another, the less chance
    leaves open: of n blocks their common correlation varies by 1/n times the sum of the squared variances of the
    directions they move in, over the square of the sum of these variances.
    Sources: Kendall (1954), Biometrika 41(3-4), 403-404, for the bias; Bartlett (1946), JRSS Supplement 8(1), 27-41,
    for the 1/n of one quantity.
    """
    apart = means - means.mean(axis=0)
    spread = float((apart * apart).sum())
    if len(means) < 3 or spread <= 0.0:
        return 0.0
    seen = float((apart[:-1] * apart[1:]).sum()) / spread
    alone = float(np.linalg.norm(apart.T @ apart)) / spread
    most = seen + (1.0 + 3.0 * seen) / len(means) + _STRICT * alone / np.sqrt(len(means))
    return float(np.clip(most, 0.0, _MOST))
