"""Which of many nulls to reject when a stated share of the rejected ones may be wrong on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, finite


@dataclass(frozen=True, slots=True)
class Discoveries:
    """``rejected`` are places in the input, in ascending order; ``limit`` is what a p- or e-value had to reach.

    Of nulls rejected at many such looks, the share ``rate`` at most is expected to be true: a false alarm each.
    """

    rejected: tuple[int, ...]
    limit: float
    of: int
    rate: float

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {"rejected": list(self.rejected), "limit": self.limit, "of": self.of, "rate": self.rate}


def benjamini_hochberg(p_values: ArrayLike, *, rate: float = 0.05) -> Discoveries:
    """Reject with a false share of at most ``rate``; p-values are independent or positively dependent.

    For one look, or looks whose number is fixed and divided into ``rate``; p-values of `Evidence` hold at any look.
    Raises: NotEnoughData without p-values; InvalidInput outside [0, 1].
    Source: Benjamini and Hochberg (1995), JRSS B 57(1), 289-300; Benjamini and Yekutieli (2001).

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5], rate=0.1).rejected
    (0, 1, 2)
    """
    return _step_up(_p_values(p_values), _rate(rate))


def _step_up(values: Floats, rate: float) -> Discoveries:
    most = rate * np.arange(1, values.size + 1) / values.size
    passed = np.flatnonzero(np.sort(values) <= most)
    limit = float(most[passed[-1]]) if passed.size else float(most[0])
    rejected = np.flatnonzero(values <= limit) if passed.size else passed
    return Discoveries(tuple(rejected.tolist()), limit, values.size, rate)


def _p_values(p_values: ArrayLike) -> Floats:
    values = finite("p-values", p_values)
    _some(values)
    if values.min() < 0.0 or values.max() > 1.0:
        raise InvalidInput("A p-value is outside [0, 1].", mend="Pass probabilities.")
    return values


def _some(values: Floats) -> None:
    if not values.size:
        raise NotEnoughData("Nothing to choose from.", mend="Pass one value per null.", of=0)


def _rate(rate: float) -> float:
    if not 0.0 < rate < 1.0:
        raise InvalidInput(f"{rate} is no share of false rejections.", mend="Pass a number in (0, 1), such as 0.05.")
    return rate
