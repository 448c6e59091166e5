"""Bounds, at every look at once, of where a mean that may move has been on average; the state is five numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.intervals import Interval
from homeostat.stats.looks.betting import FRACTIONS, LOG_PARTS, log_budget
from homeostat.stats.looks.bounded import Bounded, unreadable

_CUMULANTS = -np.log1p(-FRACTIONS) - FRACTIONS
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class MovingMean:
    """The average so far of a mean that need not stay the same, bounded at every look with one error budget.

    What is bounded after t blocks is ``sum of E[sum_i | earlier blocks, size_i] / sum of size_i``: the row-weighted
    average of what each block was expected to be. Nothing is assumed beside ``bounded``: not that the mean is
    constant, not that blocks are independent. Mind that with autocorrelated blocks the expectation given the past
    moves, too, and its average is then not the long-run mean. Where the mean is constant, `betting.BoundedMean` is
    narrower. With ``largest`` 1 and every size 1, the blocks count alike.

    ``total`` and ``rows`` are in shares of the largest block and of the range; ``spread`` is the sum of squares of
    what earlier blocks did not foretell. States add: the later blocks to the earlier, or those of streams that do not
    depend on one another.
    Source: Howard, Ramdas, McAuliffe and Sekhon (2021), Annals of Statistics 49(2), 1055-1080, theorem 4, with a
    discrete mixture as the boundary.

    >>> days = MovingMean(Bounded(0.0, 1.0)).seen([0.8, 0.6] * 50, [1] * 100)
    >>> b = days.interval()
    >>> round(b.low, 3), round(b.value, 3), round(b.high, 3), b.blocks
    (0.631, 0.7, 0.769, 100)
    """

    bounded: Bounded
    blocks: int = 0
    rows: float = 0.0
    total: float = 0.0
    spread: float = 0.0

    def seen(self, sums: ArrayLike, sizes: ArrayLike) -> MovingMean:
        """With further blocks, in order of time. Raises: InvalidInput where a block breaks the promise."""
        parts, shares = self.bounded.scaled(sums, sizes)
        rows = self.rows + np.cumsum(shares)
        totals = self.total + np.cumsum(parts)
        foretold = (0.5 + totals - parts) / (1.0 + rows - shares)
        spread = self.spread + float(np.square(parts - foretold * shares).sum())
        last = (float(rows[-1]), float(totals[-1])) if parts.size else (self.rows, self.total)
        return MovingMean(self.bounded, self.blocks + int(parts.size), *last, spread)

    def __add__(self, other: MovingMean) -> MovingMean:
        """Both sets of blocks. Raises: Conflict for other promises."""
        self.bounded.check_same(other.bounded)
        return MovingMean(
            self.bounded,
            self.blocks + other.blocks,
            self.rows + other.rows,
            self.total + other.total,
            self.spread + other.spread,
        )

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """Bounds that, over all looks together, ever miss the average with probability at most ``1 - confidence``.

        Returns: ``low <= value <= high``, within the range. Raises: NotEnoughData before the first block.
        """
        if not self.blocks:
            raise NotEnoughData("No block has rows.", mend="Wait for the first block.", blocks=0)
        mean, reach = self.total / self.rows, _reach(self.spread, log_budget(confidence)) / self.rows
        ends = (mean, max(mean - reach, 0.0), min(mean + reach, 1.0))
        value, low, high = (self.bounded.unscaled(one) for one in ends)
        return Interval(value, low, high, self.blocks, round(self.rows * self.bounded.largest), confidence)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {
            "bounded": self.bounded.to_json(),
            "blocks": self.blocks,
            "rows": self.rows,
            "total": self.total,
            "spread": self.spread,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MovingMean:
        """Read `to_json` back. Raises: InvalidInput when a part is missing, or sums could not have come of blocks."""
        try:
            bounded, blocks = Bounded.from_json(value["bounded"]), int(value["blocks"])
            rows, total, spread = (float(value[name]) for name in ("rows", "total", "spread"))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(error) from error
        if not (0.0 <= total <= rows <= blocks and 0.0 <= spread <= blocks):
            raise unreadable(ValueError(f"{total}, {rows} and {spread} are no sums of {blocks} blocks"))
        return cls(bounded, blocks, rows, total, spread)


def _reach(spread: float, budget: float) -> float:
    """How far a sum may be from what was expected of its parts: where the mixture of bets reaches the budget."""

    def log_wealth(reach: float) -> float:
        return float(np.logaddexp.reduce(LOG_PARTS + FRACTIONS * reach - _CUMULANTS * spread))

    low, high = 0.0, 1.0
    while log_wealth(high) < budget:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if log_wealth(middle) < budget else (low, middle)
    return high
