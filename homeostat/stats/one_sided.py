"""Labels that are all of one class, or all one number: whether chance can have made them so."""

from __future__ import annotations

import math
from collections.abc import Sequence

from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums

CHANCE = 1e-6
"""Less than once in so many days is no chance."""
FEWEST_DAYS = 7
_LIKE = 2.0
"""Days of up to twice as many or few rows are alike."""
_SAME = 1e-9


def only_label(sums: Sums) -> float | None:
    """What all labels of some rows are: the place of a class, 1 for true, or a number; None where they differ.

    >>> only_label(ScoreSums.of([0, 0], [0.1, 0.2])), only_label(ScoreSums.of([0, 1], [0.1, 0.2]))
    (0.0, None)
    """
    if not sums.rows:
        return None
    if isinstance(sums, NumberSums):
        return sums.mean if all(_same(one, sums.mean) for one in sums.levels) else None
    there = [place for place, rows in enumerate(_by_class(sums)) if rows]
    return float(there[0]) if len(there) == 1 else None


def other_share(sums: Sums, label: float) -> float:
    """The share of rows with another label; of numbers, which are kept in slices, the least that it can be.

    >>> other_share(ScoreSums.of([0, 0, 1, 0], [0.1] * 4), 0.0)
    0.25
    """
    if not isinstance(sums, NumberSums):
        counts = _by_class(sums)
        return 1.0 - (counts[int(label)] if label < len(counts) else 0) / sums.rows
    slices = sorted(zip(sums.levels, sums.counts, strict=True))
    below = [rows for level, rows in slices if level < label and not _same(level, label)]
    above = [rows for level, rows in slices if level > label and not _same(level, label)]
    # of the slice next to the label, one row alone is sure to differ
    return (sum(below[:-1]) + bool(below) + sum(above[1:]) + bool(above)) / sums.rows


def by_no_chance(rows: int, sums: Sums, usual: Sequence[Sums]) -> bool:
    """Whether ``rows`` labels that are all alike would be so less than once in a million days.

    Held against half of the least share of other labels on any ``usual`` day of about as many rows: rows of one day
    have much in common, and days differ in what they have. With fewer than 7 such days, or one whose labels were all
    alike, too, it may be chance.

    >>> usual = [ScoreSums.of([1] * 20 + [0] * 80, [0.2] * 100)] * 7
    >>> by_no_chance(100, ScoreSums.of([0] * 100, [0.2] * 100), usual)
    False
    >>> by_no_chance(150, ScoreSums.of([0] * 150, [0.2] * 150), usual)
    True
    """
    label = only_label(sums)
    if label is None:
        return False
    like = [one for one in usual if sums.rows <= _LIKE * one.rows and one.rows <= _LIKE * sums.rows]
    if len(like) < FEWEST_DAYS:
        return False
    least = min(other_share(one, label) for one in like) / 2.0
    return rows * math.log1p(-least) < math.log(CHANCE)


def _by_class(sums: Sums) -> tuple[int, ...]:
    if isinstance(sums, ScoreSums):
        return sums.rows - sums.positives, sums.positives
    return sums.by_class if isinstance(sums, ClassSums) else ()


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=_SAME)
