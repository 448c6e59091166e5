"""Could two sets of counts be samples of one distribution? A test, and the size of the effect beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.arrays import filled, same_length


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Pearson's ``statistic`` with its degrees of ``freedom`` and the size of the ``effect``.

    With many rows the slightest difference has a p-value of 0, so limits belong on ``effect`` (Cramér's V): 0 where
    both sides have equal shares, 1 where they have no bin in common, whatever the number of rows.
    """

    statistic: float
    freedom: int
    effect: float

    @property
    def p_value(self) -> float:
        """The chance of such a statistic, or a greater one, where both sides share one distribution."""
        from scipy.special import chdtrc  # the import takes longer than the test

        return float(chdtrc(self.freedom, self.statistic))


def chi_square(expected: ArrayLike, actual: ArrayLike) -> ChiSquare:
    """Test whether two rows of counts over the same bins share one distribution.

    Both are samples: a reference's own chance is allowed for. Bins that are empty on both sides are left out. The
    p-value holds for independent rows and some five or more expected in each bin.
    Raises: NotEnoughData when a side has no rows or fewer than two bins are filled; InvalidInput for counts that
    are missing or negative, or of unequal length.
    Source: Pearson (1900), Philosophical Magazine 50(302), 157-175; Cramér (1946), Mathematical Methods of Statistics.

    >>> found = chi_square([10, 20, 30], [20, 20, 20])
    >>> round(found.statistic, 6), found.freedom, round(found.p_value, 6), round(found.effect, 6)
    (5.333333, 2, 0.069483, 0.210819)
    """
    first, second = filled("expected", expected), filled("actual", actual)
    same_length(expected=first, actual=second)
    both = first + second
    used = both > 0.0
    freedom = int(np.count_nonzero(used)) - 1
    if not freedom:
        raise NotEnoughData("All rows lie in one bin.", mend="Compare over bins that tell rows apart.", bins=1)
    rows, others = float(first.sum()), float(second.sum())
    gaps = first[used] / rows - second[used] / others
    statistic = float(np.dot(gaps, gaps / both[used])) * rows * others
    effect = min(1.0, math.sqrt(statistic / (rows + others)))
    return ChiSquare(statistic, freedom, effect)
