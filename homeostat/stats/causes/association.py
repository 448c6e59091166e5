"""How much one column alone tells about a yes-or-no outcome, whatever its kind and the shape of the relation.

A column is cut into bins; a row's score is its bin's rate of positives on the *other* days. So a text, a number
with a hump and a telling gap are measured alike, and a column of noise scores one half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.arrays import Booleans, Floats, Integers, binary, same_length
from homeostat.stats.intervals import Interval, jackknife
from homeostat.stats.metrics import auc_from_counts

MOST_BINS = 64
"""Bins of a number with more distinct values than this, equally full."""
MIN_GROUPS = 30
"""With fewer groups of rows, what their rates have in common with a column says next to nothing."""
_SHRINKAGE = 20.0
"""Rows of the base rate that every bin is thought to hold besides its own."""
_BLOCKS = 20


def bins_of(values: NDArray[Any]) -> Integers:
    """Number the bin of each value: texts by themselves, numbers by quantile; missing is a bin of its own.

    >>> bins_of(np.array([3.0, np.nan, 1.0, 3.0])).tolist()
    [1, 2, 0, 1]
    """
    if values.dtype == object:
        return np.unique(["" if value is None else str(value) for value in values], return_inverse=True)[1]
    known = ~np.isnan(values)
    distinct = np.unique(values[known])
    if distinct.size > MOST_BINS:
        distinct = np.unique(np.quantile(values[known], np.linspace(0, 1, MOST_BINS + 1)[1:], method="higher"))
    found = np.searchsorted(distinct, values)
    return np.where(known, found, distinct.size).astype(np.int64)


def scores_of(values: NDArray[Any], labels: Booleans, days: Integers) -> Floats:
    """Per row the rate of positives of its bin, learnt on every second day and told about the days between.

    Raises: NotEnoughData on fewer than two days.
    """
    truth, bins, half = binary(labels), bins_of(values), _halves(days)
    same_length(labels=truth, values=bins, days=half)
    scores = np.empty(truth.size)
    for asked in (0, 1):
        learnt = half != asked
        rows = np.bincount(bins[learnt], minlength=bins.max() + 1)
        positives = np.bincount(bins[learnt], weights=truth[learnt], minlength=bins.max() + 1)
        rate = truth[learnt].mean()
        rates = (positives + _SHRINKAGE * rate) / (rows + _SHRINKAGE)
        scores[half == asked] = rates[bins[half == asked]]
    return scores


def auc_of(labels: Booleans, scores: Floats, days: Integers, *, confidence: float = 0.95) -> Interval:
    """AUC with bounds by leaving out a day at a time. Raises: NotEnoughData on few days or one outcome."""
    return _by_day([scores], labels, days, lambda aucs: aucs[0], confidence)


def auc_gap(labels: Booleans, first: Floats, second: Floats, days: Integers, *, confidence: float = 0.95) -> Interval:
    """AUC of ``first`` minus that of ``second`` on the same rows, with bounds by leaving out a day at a time.

    Raises: NotEnoughData on few days or one outcome.
    """
    return _by_day([first, second], labels, days, lambda aucs: aucs[0] - aucs[1], confidence)


def noise_known(
    values: Floats, labels: Booleans, groups: Integers, days: Integers, *, confidence: float = 0.95
) -> Interval:
    """How much of the *chance* in each group's rate of positives a column knows that is constant in the group.

    A column may well foretell the true rates of groups, never how chance made these very rows deviate from
    them. ``labels`` split by days tell how much of the observed rates' variance is true (their reliability); the
    value is the squared correlation of column and observed rates less that. At most 0, to noise, for any honest
    column; near ``1 - reliability`` for one that was computed from these labels.

    Raises: NotEnoughData for fewer than 30 groups seen on both kinds of day.
    Source: the attenuation bound of Spearman (1904), American Journal of Psychology 15(1), 72-101.
    """
    half = _halves(days)
    rows = np.stack([np.bincount(groups[half == one], minlength=groups.max() + 1) for one in (0, 1)])
    hits = np.stack(
        [np.bincount(groups[half == one], weights=labels[half == one], minlength=groups.max() + 1) for one in (0, 1)]
    )
    means = np.bincount(groups, weights=np.nan_to_num(values), minlength=groups.max() + 1)
    used = (rows >= 1).all(axis=0)
    if np.count_nonzero(used) < MIN_GROUPS:
        raise NotEnoughData(
            f"{np.count_nonzero(used)} groups are too few to compare their rates; {MIN_GROUPS} are the least.",
            mend="Take a longer span.",
            groups=int(np.count_nonzero(used)),
        )
    weight = rows.sum(axis=0)[used].astype(np.float64)
    column, rate = means[used] / weight, hits.sum(axis=0)[used] / weight
    early, late = hits[:, used] / rows[:, used]
    column = (column - column.mean()) / (column.std() or 1.0)
    moments = (np.ones_like(rate), column, rate, early, late, column**2, rate**2, column * rate, early * late)
    table = np.stack([weight * moment for moment in moments], axis=1)
    blocks = np.arange(len(table)) % _BLOCKS
    sums = np.stack([table[blocks == block].sum(axis=0) for block in range(_BLOCKS)])
    return jackknife(_chance_known, sums, rows=int(weight.sum()), confidence=confidence)


def _chance_known(total: Floats) -> float:
    column, rate, early, late, columns, rates, both, halves = total[1:] / total[0]
    of_column, of_rate = columns - column**2, rates - rate**2
    if of_column <= 1e-12 or of_rate <= 1e-12:
        return 0.0
    together = both - column * rate
    return float(together**2 / (of_column * of_rate) - (halves - early * late) / of_rate)


def _by_day(scores: list[Floats], labels: Booleans, days: Integers, figure: Any, confidence: float) -> Interval:
    truth, names = binary(labels), np.unique(days, return_inverse=True)[1]
    parts, ends = [], []
    for one in scores:
        distinct, place = np.unique(one, return_inverse=True)
        shape = (int(names.max(initial=0)) + 1, 2 * distinct.size)
        counted = np.zeros(shape)
        np.add.at(counted, (names, place + distinct.size * truth), 1.0)
        parts.append(counted)
        ends.append(distinct.size)

    def of(total: Floats) -> float:
        aucs, start = [], 0
        for size in ends:
            aucs.append(auc_from_counts(total[start : start + size], total[start + size : start + 2 * size]))
            start += 2 * size
        return float(figure(aucs))

    return jackknife(of, np.concatenate(parts, axis=1), rows=int(truth.size), confidence=confidence)


def _halves(days: Integers) -> Integers:
    """0 or 1 for every second day."""
    distinct, place = np.unique(days, return_inverse=True)
    if distinct.size < 2:
        raise NotEnoughData(
            f"{distinct.size} days cannot be learnt on and judged apart.",
            mend="Take a longer span.",
            days=distinct.size,
        )
    return np.asarray(place % 2, dtype=np.int64)
