"""What is promised of rows before they are seen: how low and high one may be, and how many a block may hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from homeostat.kernel.errors import Conflict, InvalidInput
from homeostat.stats.arrays import Floats, counts, finite, same_length

_ROUNDING = 1e-9
"""Sums of floats may leave their range by so much of it; more is a broken promise."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A promise that lets bounds hold at every look: each row in [low, high], at most ``largest`` rows a block.

    All three are fixed before the first look. A range twice as wide, or a ``largest`` twice the usual size, costs
    twice the blocks; rows outside are to be clipped first, and then the mean of clipped rows is what is bounded.
    With ``largest`` 1 and every size 1, a block is one value: its mean.

    >>> Bounded(0.0, 1.0, largest=100).scaled([30.0, 90.0], [60, 100])
    (array([0.3, 0.9]), array([0.6, 1. ]))
    """

    low: float
    high: float
    largest: float = 1.0

    def __post_init__(self) -> None:
        """Raises: InvalidInput for an empty or infinite range, or blocks without room for a row."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidInput(f"[{self.low}, {self.high}] is no range.", mend="Pass finite low < high.")
        if not (math.isfinite(self.largest) and self.largest > 0.0):
            raise InvalidInput(
                f"A block cannot hold at most {self.largest} rows.", mend="Pass the most that one block may hold."
            )

    @property
    def width(self) -> float:
        """The length of the range, in the unit of the rows."""
        return self.high - self.low

    def scaled(self, sums: ArrayLike, sizes: ArrayLike) -> tuple[Floats, Floats]:
        """Blocks with rows as (sum, size) in shares of the largest block, rows in [0, 1]: ``0 <= sum <= size <= 1``.

        Blocks without rows say nothing and are left out.
        Raises: InvalidInput where a block breaks the promise, with how far; nothing is clipped silently.
        """
        totals, counted = finite("sums", sums), counts("sizes", sizes)
        same_length(sums=totals, sizes=counted)
        totals, counted = totals[counted > 0], counted[counted > 0]
        parts, shares = (totals - self.low * counted) / self.width, counted
        slack = _ROUNDING * shares
        if (shares > self.largest).any():
            raise self._broken(f"holds {shares.max():g} rows, more than {self.largest:g}")
        if (parts < -slack).any() or (parts > shares + slack).any():
            worst = int((abs(parts / shares - 0.5)).argmax())
            raise self._broken(f"has mean {totals[worst] / counted[worst]:g}, outside [{self.low:g}, {self.high:g}]")
        return parts.clip(0.0, shares) / self.largest, shares / self.largest

    def unscaled(self, mean: float) -> float:
        """A mean of rows in [0, 1] in the unit of the rows."""
        return self.low + self.width * mean

    def share(self, mean: float) -> float:
        """A mean in the unit of the rows as a share of the range. Raises: InvalidInput outside it, NaN included."""
        if not self.low <= mean <= self.high:
            raise InvalidInput(
                f"{mean} is no mean of rows in [{self.low:g}, {self.high:g}].", mend="Pass a mean within the range."
            )
        return (mean - self.low) / self.width

    def check_same(self, other: Bounded) -> None:
        """Raises: Conflict when the other promise is not this one, so that their blocks cannot be put together."""
        if self != other:
            raise Conflict(f"{self} and {other} differ.", mend="Add only blocks of which the same was promised.")

    def to_json(self) -> dict[str, float]:
        """The JSON form, one key per field."""
        return {"low": self.low, "high": self.high, "largest": self.largest}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Bounded:
        """Read `to_json` back. Raises: InvalidInput when a part is missing or makes no sense."""
        try:
            return cls(float(value["low"]), float(value["high"]), float(value["largest"]))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(error) from error

    def _broken(self, how: str) -> InvalidInput:
        return InvalidInput(f"A block {how}.", mend="Fix wider limits before the first look, or clip the rows.")


def unreadable(error: Exception) -> InvalidInput:
    """What to raise for JSON that `to_json` did not write."""
    return InvalidInput(f"This is no state of a sequence: {error!r}.", mend="Read what to_json wrote.")
