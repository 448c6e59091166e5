"""Bounds of a constant mean that hold at every look at once, won by betting against every other mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, finite
from homeostat.stats.intervals import Interval
from homeostat.stats.looks.bounded import Bounded, unreadable

FRACTIONS: Floats = 0.95 * np.exp2(-np.arange(12, dtype=np.float64))
"""Parts of the largest bet that is safe: large ones prove much early, small ones follow a mean to many digits."""
LOG_PARTS: Floats = np.log(np.arange(1.0, 13.0) ** -1.5 / np.sum(np.arange(1.0, 13.0) ** -1.5))
"""Log of the money on each of `FRACTIONS`; most on large bets, for blocks are few."""
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class BoundedMean:
    """A mean per row, bounded at every look with one error budget; grows by blocks of time, not by rows.

    ``sums`` and ``sizes`` hold one number per block: the sum of its rows and their count. The mean that is bounded is
    the row-weighted one, E[sum] / E[size]: the m for which ``E[sum - m * size | earlier blocks] = 0`` in every block.
    That is all that is assumed beside ``bounded``: the mean does not move, and a block's expected excess over it does
    not depend on the past, though its size may. Rows within a block may depend on one another in any way. Blocks that
    are autocorrelated break it: take them longer (`blocks.choose_block`). For a mean that may move, see
    `bernstein.MovingMean`. `of_means` bounds the mean of block means, where every block counts the same.

    Blocks may come in any order, and two states of different blocks add; a year of days is 365 pairs of numbers.
    Source: Waudby-Smith and Ramdas (2024), JRSS B 86(1), 1-27: capital of fixed bets over a grid (hGKelly).

    >>> days = BoundedMean(Bounded(0.0, 1.0, largest=200)).seen([160.0] * 30, [190.0] * 30)
    >>> b = days.interval()
    >>> round(b.low, 3), round(b.value, 3), round(b.high, 3), b.blocks
    (0.718, 0.842, 0.865, 30)
    """

    bounded: Bounded
    sums: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()

    @classmethod
    def of_means(cls, means: ArrayLike, *, low: float, high: float) -> BoundedMean:
        """The mean of block means in [low, high], every block alike, however many rows it has.

        Raises: InvalidInput for a mean that is missing or out of range.
        """
        values = finite("means", means)
        return cls(Bounded(low, high)).seen(values, np.ones(values.size))

    def seen(self, sums: ArrayLike, sizes: ArrayLike) -> BoundedMean:
        """With further blocks. Raises: InvalidInput where a block is missing, or breaks the promise of ``bounded``."""
        self.bounded.scaled(sums, sizes)
        more, rows = finite("sums", sums), finite("sizes", sizes)
        more, rows = more[rows > 0], rows[rows > 0]
        return BoundedMean(self.bounded, (*self.sums, *more.tolist()), (*self.sizes, *rows.tolist()))

    def __add__(self, other: BoundedMean) -> BoundedMean:
        """Both sets of blocks, which are to be different blocks of time. Raises: Conflict for other promises."""
        self.bounded.check_same(other.bounded)
        return BoundedMean(self.bounded, self.sums + other.sums, self.sizes + other.sizes)

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """Bounds that, over all looks together, ever miss the mean with probability at most ``1 - confidence``.

        Returns: ``low <= value <= high`` to rounding, within the range; ``value`` is the row-weighted mean.
        Raises: NotEnoughData before the first block.
        """
        budget = log_budget(confidence)
        sums, sizes = self._scaled()
        low, high = _least(sums, sizes, budget), 1.0 - _least(sizes - sums, sizes, budget)
        mean = min(max(float(sums.sum() / sizes.sum()), low), high)
        value, first, last = (self.bounded.unscaled(one) for one in (mean, low, high))
        rows = round(sum(self.sizes))
        return Interval(value, first, last, len(self.sizes), rows, confidence)

    def log_wealth_above(self, null: float) -> Floats:
        """Log of the money won, after each block, by bets that the mean is above ``null``; starts from log(1) = 0.

        Raises: InvalidInput where ``null`` is not inside the range; NotEnoughData before the first block.
        """
        sums, sizes = self._scaled()
        return _log_wealth(sums, sizes, _inside(self.bounded.share(null)))

    def log_wealth_below(self, null: float) -> Floats:
        """The same for bets that the mean is below ``null``."""
        sums, sizes = self._scaled()
        return _log_wealth(sizes - sums, sizes, _inside(1.0 - self.bounded.share(null)))

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {"bounded": self.bounded.to_json(), "sums": list(self.sums), "sizes": list(self.sizes)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> BoundedMean:
        """Read `to_json` back. Raises: InvalidInput when a part is missing, or a block breaks the promise."""
        try:
            empty, sums, sizes = cls(Bounded.from_json(value["bounded"])), value["sums"], value["sizes"]
        except (KeyError, TypeError) as error:
            raise unreadable(error) from error
        return empty.seen(sums, sizes)

    def _scaled(self) -> tuple[Floats, Floats]:
        if not self.sizes:
            raise NotEnoughData("No block has rows.", mend="Wait for the first block.", blocks=0)
        return self.bounded.scaled(self.sums, self.sizes)


def log_budget(confidence: float) -> float:
    """Log of the money that refutes a mean on one of two sides. Raises: InvalidInput outside (0, 1)."""
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"{confidence} is no confidence.", mend="Pass a number in (0, 1), such as 0.95.")
    return float(np.log(2.0 / (1.0 - confidence)))


def _least(sums: Floats, sizes: Floats, budget: float) -> float:
    """The largest mean that all the money refutes from above, or 0: wealth only falls as the mean grows."""
    low, high = 0.0, float(sums.sum() / sizes.sum())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        refuted = middle > 0.0 and _log_wealth(sums, sizes, middle)[-1] >= budget
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _log_wealth(sums: Floats, sizes: Floats, null: float) -> Floats:
    """After each block: the largest safe bet wins ``sum / null - size``, which is never below -1."""
    won = np.log1p(FRACTIONS[:, None] * (sums / null - sizes))
    return np.asarray(np.logaddexp.reduce(np.cumsum(won, axis=1) + LOG_PARTS[:, None], axis=0))


def _inside(share: float) -> float:
    if not 0.0 < share < 1.0:
        raise InvalidInput("Nothing can refute the end of a range.", mend="Pass a null inside the range.")
    return share
