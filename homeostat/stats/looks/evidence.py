"""E-values: evidence that may be watched, stopped at any moment, and put together over features and streams.

An e-value is at least 0 and, where the null is true, has mean at most 1: as e, it is reached with probability 1/e at
most. It is the money of one who began with 1 and bet against the null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, counts, finite
from homeostat.stats.looks.betting import BoundedMean

MOST = 1e300
"""E-values beyond it are given as this, so that they stay numbers."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a stream says against a null after its last block.

    ``e_value`` is the money now: use it to combine. ``peak`` is the most there ever was, at block ``peak_at`` counted
    from 0; ``p_value`` is ``1 / peak``, at most 1, and stays valid at every look. ``peak`` itself is no e-value.
    """

    e_value: float
    peak: float
    peak_at: int

    @property
    def p_value(self) -> float:
        """The chance, under the null, that the money ever reaches ``peak``. Source: Ville (1939)."""
        return min(1.0, 1.0 / self.peak) if self.peak > 0.0 else 1.0

    def to_json(self) -> dict[str, float | int]:
        """The JSON form, with the p-value."""
        return {"e_value": self.e_value, "peak": self.peak, "peak_at": self.peak_at, "p_value": self.p_value}


def mean_evidence(blocks: BoundedMean, null: float, *, beyond: Literal["above", "below"] = "above") -> Evidence:
    """Evidence that a mean is beyond ``null``, against: it is at the null or on its other side.

    Valid where every block's mean given the earlier ones is on the null's side; it need not be constant. Blocks are
    read in the order in which they were seen.
    Raises: NotEnoughData before the first block; InvalidInput where ``null`` is not inside the range.

    >>> days = BoundedMean.of_means([0.4] * 30, low=0.0, high=1.0)
    >>> found = mean_evidence(days, 0.25)
    >>> round(found.e_value), round(found.p_value, 4)
    (368381, 0.0)
    """
    logs = blocks.log_wealth_above(null) if beyond == "above" else blocks.log_wealth_below(null)
    peak = int(logs.argmax())
    return Evidence(_number(logs[-1]), _number(logs[peak]), peak)


def exceedance_evidence(values: ArrayLike, limit: float, *, rate: float) -> Evidence:
    """Evidence that a signal exceeds its limit more often than the ``rate`` it was promised to, in (0, 1).

    Args: ``values`` has one figure per block, in order of time; each exceedance may have probability up to ``rate``
    given the earlier ones.
    Raises: NotEnoughData without values; InvalidInput for missing ones or a rate that is none.

    >>> exceedance_evidence([0.1, 0.3, 0.4, 0.1, 0.5, 0.6], 0.2, rate=0.05).e_value > 20
    True
    """
    over = (finite("values", values) > limit).astype(np.float64)
    return mean_evidence(BoundedMean.of_means(over, low=0.0, high=1.0), rate)


def mean_e_value(e_values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """One e-value for "all these nulls are true", however the parts depend on one another.

    Args: ``weights`` are fixed in advance; without them all count alike.
    Raises: NotEnoughData for no e-value; InvalidInput for a negative one, or weights that do not fit.
    Source: Vovk and Wang (2021), Annals of Statistics 49(3), 1736-1754.

    >>> round(mean_e_value([30.0, 0.5, 0.4]), 6)
    10.3
    """
    parts = _e_values(e_values)
    shares = np.ones(parts.size) if weights is None else counts("weights", weights)
    if shares.size != parts.size or not shares.sum() > 0.0:
        raise InvalidInput("Weights do not fit the e-values.", mend="Pass one weight each, not all 0.")
    return float(np.dot(parts, shares / shares.sum()))


def _number(log: float) -> float:
    return float(np.exp(min(log, np.log(MOST))))


def _e_values(e_values: ArrayLike) -> Floats:
    parts = counts("e-values", e_values)
    if not parts.size:
        raise NotEnoughData("No e-value.", mend="Wait for the first block of a feature.", e_values=0)
    return parts
