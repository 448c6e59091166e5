"""How far an estimate may be off ahead, from how far it was off on past days that were left out in turn.

Days left out in turn are surrounded by others like them; days to come are not. Where misses of neighbouring days are
alike, past ones look smaller than those ahead will be, and fewer than they are; and what lies further from the past
than its own days lay from one another is missed by more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, counts, finite, same_length
from homeostat.stats.intervals import Interval, student_interval

_MOST = 0.8
"""A longer memory from one day to the next cannot be told from a lasting change by the 28 days that are looked at."""
_STRICT = 1.2815515655446004
"""The normal quantile at 90 %: a memory that is missed makes bounds too narrow, one too many only wide."""
_GROUPS = 16


@dataclass(frozen=True, slots=True)
class Ahead:
    """The standard error of an estimate of what is to come, and the ``degrees`` of freedom with which it is known."""

    error: float
    degrees: float

    def around(self, value: float, other: float, *, blocks: int, rows: int, confidence: float) -> Interval:
        """Bounds of ``value``: Student's t for the error, or for an ``other`` one if that is larger."""
        error, degrees = max(self.error, other), self.degrees
        return student_interval(value, error, blocks=blocks, rows=rows, confidence=confidence, degrees=degrees)


def ahead(misses: ArrayLike, *, moved: ArrayLike | None = None, now: float = 1.0, days: int = 1) -> Ahead:
    """How far off an estimate is likely to be, and how well that is known, where nothing but chance and time goes on.

    Args: ``misses`` are what past runs of ``days`` days showed less what was expected of each from all others, in order
    of time, in the figure's own unit. ``moved`` says how far the rows of each run lay from those of the others (see
    `moved_from`), and ``now`` how far those to come do: misses count in proportion to the root of it.
    Neighbouring misses are taken for a first-order process with the largest correlation that chance leaves open at
    90 %, at most 0.8 from day to day. Where it is none, the error is the root mean square, with one degree of freedom
    less than there are runs.
    Raises: InvalidInput for misses and moves that do not fit, or fewer than two.
    Source: Bayley and Hammersley (1946), The effective number of independent observations in an autocorrelated time
    series, JRSS Supplement 8(2), 184-197; Kendall (1954), Biometrika 41(3-4), 403-404, for the bias of correlations.

    >>> restless, calm = np.tile([1.0, -1.0], 14), np.repeat([1.0, -1.0], 14)
    >>> found = ahead(restless)
    >>> round(found.error, 3), found.degrees
    (1.0, 27.0)
    >>> found = ahead(calm)
    >>> round(found.error, 2), round(found.degrees, 1)
    (1.27, 5.1)
    >>> round(ahead(restless, moved=np.ones(28), now=4.0).error, 3)
    2.0
    """
    missed = finite("misses", misses)
    lay = np.ones(missed.size) if moved is None else counts("moved", moved)
    same_length(misses=missed, moved=lay)
    if missed.size < 2 or days < 1 or not (lay > 0.0).all() or not now > 0.0:
        raise InvalidInput("Misses do not fit.", mend="Pass two or more, moves above 0, and days >= 1.")
    each = missed / np.sqrt(lay)
    runs, memory = missed.size, _memory(each, days)
    lags = np.arange(1, runs)
    mean = (1.0 + 2.0 * float(((1.0 - lags / runs) * memory**lags).sum())) / runs
    wider = (1.0 + mean) / (1.0 - mean) / ((1.0 + 1.0 / runs) / (1.0 - 1.0 / runs))
    independent = runs * (1.0 - memory**2) / (1.0 + memory**2)
    error = float(np.sqrt(now * wider * np.mean(np.square(each))))
    return Ahead(error, max(independent - 1.0, min(2.0, runs - 1.0)))


def moved_from(past: ArrayLike, now: ArrayLike) -> float:
    """Of how many past rows one would count, were they weighed so that they lie as those now do; 1 where nothing moved.

    Args: rows by bin, bins in order; those of ``past`` are put into 16 groups that are about equally full. At most 16.
    Raises: InvalidInput for counts that do not fit, or none.
    Source: Kish (1965), Survey Sampling, section 11.7.

    >>> moved_from([10, 10], [5, 5]), moved_from([10, 10], [10, 0])
    (1.0, 2.0)
    """
    were, are = counts("past", past), counts("now", now)
    same_length(past=were, now=are)
    if not (were.any() and are.any()):
        raise InvalidInput("Nothing lies anywhere.", mend="Pass rows of both.")
    place = (np.cumsum(were) - were / 2.0) / were.sum()
    group = np.minimum((place * _GROUPS).astype(np.int64), _GROUPS - 1)
    before, after = (np.bincount(group, weights=one, minlength=_GROUPS) / one.sum() for one in (were, are))
    found = float((np.square(after) / np.maximum(before, 1.0 / were.sum())).sum())
    return min(max(found, 1.0), float(_GROUPS))


def _memory(misses: Floats, days: int) -> float:
    """The largest correlation of neighbouring runs that chance leaves open, and no more than that of runs of days with
    the longest memory there may be."""
    runs, apart = misses.size, misses - misses.mean()
    spread = float(apart @ apart)
    if spread <= 0.0:
        return 0.0
    seen = float(apart[:-1] @ apart[1:]) / spread
    most = (runs * seen + 1.0) / max(runs - 3.0, 1.0) + _STRICT / float(np.sqrt(runs))
    return float(np.clip(most, 0.0, _of_runs(_MOST, days)))


def _of_runs(memory: float, days: int) -> float:
    """The correlation of sums over neighbouring runs of days of a first-order process."""
    rest = 1.0 - memory**days
    return memory * rest**2 / (days * (1.0 - memory**2) - 2.0 * memory * rest)
