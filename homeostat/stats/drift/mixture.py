"""How much of a distribution has turned into another known one: a mixture's share, and what it leaves unexplained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, finite, same_length

Measure = Literal["ks", "total_variation"]
_POINTS = 256


@dataclass(frozen=True, slots=True)
class Mixture:
    """``share`` of the rows are of the other distribution. ``apart`` is the distance of what was seen from the own
    distribution, ``left`` that from the best mixture of both."""

    share: float
    apart: float
    left: float


def grid(*samples: Floats) -> Floats:
    """Points at which several samples are compared: quantiles of each, so that no sample is seen coarsely.

    Raises: NotEnoughData where a sample is empty.
    """
    if any(not one.size for one in samples):
        raise NotEnoughData("A sample has no value.", mend="Wait for rows.", rows=0)
    shares = np.linspace(0.0, 1.0, _POINTS)
    return np.unique(np.concatenate([np.quantile(one, shares, method="inverted_cdf") for one in samples]))


def cumulated(values: Floats, points: Floats) -> Floats:
    """The share of values at or below each point.

    >>> cumulated(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 9.0])).tolist()
    [0.5, 1.0]
    """
    return np.searchsorted(np.sort(values), points, side="right") / values.size


def distance(first: Floats, second: Floats, measure: Measure) -> float:
    """Kolmogorov-Smirnov of two cumulated rows, or total variation of two rows of shares."""
    gaps = np.abs(first - second)
    return float(gaps.max(initial=0.0) if measure == "ks" else gaps.sum() / 2.0)


def mixture(seen: ArrayLike, own: ArrayLike, other: ArrayLike, *, measure: Measure) -> Mixture:
    """The mixture of ``own`` and ``other`` that is nearest to ``seen`` in squares.

    Args: cumulated shares at the same points ("ks"), or shares of the same values ("total_variation").
    Raises: NotEnoughData where own and other are the same; InvalidInput for lengths that differ.

    >>> found = mixture([0.3, 0.7], [0.1, 0.9], [0.9, 0.1], measure="total_variation")
    >>> round(found.share, 6), round(found.apart, 6), round(found.left, 6)
    (0.25, 0.2, 0.0)
    """
    rows, mine, others = (finite(name, one) for name, one in (("seen", seen), ("own", own), ("other", other)))
    same_length(seen=rows, own=mine, other=others)
    if measure not in ("ks", "total_variation"):
        raise InvalidInput(f"{measure!r} is no measure.", mend="Pass 'ks' or 'total_variation'.")
    way = others - mine
    reach = float(way @ way)
    if reach <= 1e-12:
        raise NotEnoughData("Both distributions are the same.", mend="Compare with another one.", reach=reach)
    share = float(np.clip((rows - mine) @ way / reach, 0.0, 1.0))
    return Mixture(share, distance(rows, mine, measure), distance(rows, mine + share * way, measure))
