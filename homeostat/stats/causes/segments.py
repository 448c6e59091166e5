"""Which groups of rows grew worse than the rest of the same days, with the day as the unit of inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, Integers, same_length

_LEAST_DAYS = 3


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more a group's mean loss rose than that of all other rows, in the loss's unit, and its standard
    error. ``p_value`` is one-sided, against: it rose no more than the rest. Rows are those of before and after."""

    group: int
    effect: float
    error: float
    p_value: float
    before: int
    after: int


def excesses(
    before: tuple[Integers, Floats, Integers], after: tuple[Integers, Floats, Integers], *, groups: int
) -> list[Excess]:
    """One `Excess` per group whose rows are worth three days and more on both sides, and that not all rows are in.

    Args: each side has the group of every row (from 0 to below ``groups``), its loss and its day. What moves all rows
    of a day alike moves no difference between a group and the rest. Errors come from leaving out a day at a time on
    either side; p-values from Student's t with Welch's degrees of freedom, from as many days as the group's rows are
    worth: a group that is seen on few days, such as a kind of weather, has few.
    Raises: InvalidInput where lengths differ or a group is out of range.
    Source: Efron and Stein (1981), Annals of Statistics 9(3), 586-596; Welch (1947), Biometrika 34(1-2), 28-35.

    >>> rng = np.random.default_rng(1)
    >>> side = lambda more: (rng.integers(0, 4, 2_000), rng.normal(0.5, 0.1, 2_000), np.arange(2_000) % 10)
    >>> old, (where, cost, day) = side(0), side(1)
    >>> found = excesses(old, (where, cost + 0.2 * (where == 3), day), groups=4)
    >>> [(one.group, round(one.effect, 1)) for one in found if one.p_value < 0.001]
    [(3, 0.2)]
    """
    return excesses_of_sums(*(_by_day(*one, groups=groups) for one in (before, after)))


def excesses_of_sums(before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> list[Excess]:
    """`excesses` from what days keep: each side has the rows and the sums of losses, of shape (days, groups).

    Every row of a day is in one group.

    >>> rows = np.full((10, 2), 50.0)
    >>> loss = 0.5 * rows + np.arange(20).reshape(10, 2) % 3
    >>> [one.group for one in excesses_of_sums((rows, loss), (rows, loss + [0.0, 20.0])) if one.p_value < 0.001]
    [1]
    """
    sides = [_side(*one) for one in (before, after)]
    (old, old_variance, old_rows, old_days), (new, new_variance, new_rows, new_days) = sides
    variance = old_variance + new_variance
    usable = (old_days >= _LEAST_DAYS) & (new_days >= _LEAST_DAYS) & np.isfinite(old + new) & (variance > 0.0)
    found = []
    for group in np.flatnonzero(usable).tolist():
        effect, error = float(new[group] - old[group]), float(np.sqrt(variance[group]))
        freedom = variance[group] ** 2 / (
            old_variance[group] ** 2 / (old_days[group] - 1) + new_variance[group] ** 2 / (new_days[group] - 1)
        )
        p_value = _upper_tail(effect / error, float(freedom))
        found.append(Excess(group, effect, error, p_value, int(old_rows[group]), int(new_rows[group])))
    return found


def _by_day(group: Integers, losses: Floats, days: Integers, *, groups: int) -> tuple[Floats, Floats]:
    """The rows and the sum of losses by day and group."""
    same_length(group=group, losses=losses, days=days)
    if group.size and not 0 <= group.min() <= group.max() < groups:
        raise InvalidInput("A group is out of range.", mend="Number groups from 0.", groups=groups)
    names, place = np.unique(days, return_inverse=True)
    shape = (names.size, groups)
    cells = place * groups + group
    rows = np.bincount(cells, minlength=names.size * groups).reshape(shape).astype(np.float64)
    sums = np.bincount(cells, weights=losses, minlength=names.size * groups).reshape(shape)
    return rows, sums.astype(np.float64)


def _side(rows: Floats, sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Per group: its mean loss less that of the rest, the variance of that, its rows and its days."""
    days = len(rows)
    whole_rows, whole = rows.sum(axis=0), sums.sum(axis=0)
    all_rows, everything = whole_rows.sum(), whole.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        value = _contrast(whole, whole_rows, everything, all_rows)
        left_sums, left_rows = whole - sums, whole_rows - rows
        left = _contrast(left_sums, left_rows, left_sums.sum(axis=1, keepdims=True), left_rows.sum(axis=1)[:, None])
        spread = left - left.mean(axis=0)
        variance = (days - 1) / max(days, 1) * np.square(spread).sum(axis=0)
        worth = np.square(whole_rows) / np.square(rows).sum(axis=0)
    return value, variance, whole_rows, np.nan_to_num(worth)


def _contrast(sums: Floats, rows: Floats, everything: Floats | float, all_rows: Floats | float) -> Floats:
    return np.asarray(sums / rows - (everything - sums) / (all_rows - rows))


def _upper_tail(ratio: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, -ratio))
