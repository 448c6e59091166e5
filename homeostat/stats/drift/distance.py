"""How far two distributions are apart, from shares or counts alone, so that no raw value is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, filled, same_length, shares

FLOOR = 1e-4
"""A bin with a smaller share, an empty one above all, is read as having this one."""


@dataclass(frozen=True, slots=True)
class KsBounds:
    """The Kolmogorov-Smirnov distance seen at bin edges, and the most it can be inside the bins."""

    value: float
    most: float


def psi(expected_share: ArrayLike, actual_share: ArrayLike, *, floor: float = FLOOR) -> float:
    """Population stability index: 0 for equal shares, by custom stable below 0.1 and shifted above 0.2.

    Args: shares per bin, each list adding up to 1. Shares below ``floor`` are read as ``floor``, so an
    empty bin costs a finite, stated amount; shares above it are used as they are.
    By chance alone, two samples of n and m independent rows over k bins show about (k-1)(1/n + 1/m).
    Raises: InvalidInput for missing or negative shares, unequal lengths or sums other than 1.
    Source: Siddiqi (2006), Credit Risk Scorecards; it is the Jeffreys divergence of binned shares.

    >>> round(psi([0.5, 0.5], [0.4, 0.6]), 6)
    0.040547
    """
    return float(psi_contributions(expected_share, actual_share, floor=floor).sum())


def psi_contributions(expected_share: ArrayLike, actual_share: ArrayLike, *, floor: float = FLOOR) -> Floats:
    """The part of each bin in the PSI, none negative: shows where the distribution moved.

    >>> psi_contributions([0.5, 0.5], [0.4, 0.6]).round(4).tolist()
    [0.0223, 0.0182]
    """
    if not 0.0 < floor < 1.0:
        raise InvalidInput(f"{floor} is no floor.", mend="Pass a small share, such as 1e-4.", floor=str(floor))
    expected, actual = shares("expected_share", expected_share), shares("actual_share", actual_share)
    same_length(expected_share=expected, actual_share=actual)
    expected, actual = np.maximum(expected, floor), np.maximum(actual, floor)
    return (actual - expected) * np.log(actual / expected)


def share_swings(expected_shares: Floats, actual_shares: Floats) -> Floats:
    """How far the bin that gained most and the one that lost most came apart: sees few rows that move between two bins.

    The greatest rise of the square root of a share less the deepest fall; roots, because chance moves them all alike,
    however seldom a bin is filled. 0.1 is reached when half of a bin of 5 % moves to another of 5 %.
    Args: shares per bin along the last axis, each adding up to 1. Returns: in [0, 2], one less dimension.
    Source: Bartlett (1936), Supplement to the Journal of the Royal Statistical Society 3(1), 68-78, for the roots.

    >>> share_swings(np.array([0.25, 0.25, 0.5]), np.array([0.36, 0.16, 0.48])).round(2).tolist()
    0.2
    """
    apart = np.sqrt(actual_shares) - np.sqrt(expected_shares)
    return np.asarray(apart.max(axis=-1) - apart.min(axis=-1))


def ks_from_counts(expected: ArrayLike, actual: ArrayLike) -> KsBounds:
    """The greatest gap between two cumulative distributions, from counts over the same ordered bins.

    ``value`` is exact at the edges; the distance of the raw samples lies in [``value``, ``most``], at most
    the mass of one bin away. Raises: NotEnoughData when a side has no rows; InvalidInput as `psi`.

    >>> ks_from_counts([1, 1, 2], [2, 1, 1])
    KsBounds(value=0.25, most=0.5)
    """
    first, second = _cumulative("expected", expected), _cumulative("actual", actual)
    same_length(expected=first, actual=second)
    at_edges = np.abs(first - second)
    inside = np.maximum(first[1:] - second[:-1], second[1:] - first[:-1])
    return KsBounds(float(at_edges.max()), float(max(at_edges.max(), inside.max())))


def ks_of_samples(first: ArrayLike, second: ArrayLike) -> float:
    """The Kolmogorov-Smirnov distance of two samples: the greatest share of rows by which one has more values
    below some value than the other. NaN is missing and counts as lower than every number, so that a value put
    where the other side has none moves its whole share.

    Raises: NotEnoughData when a side has no rows.
    Source: Smirnov (1939), Bulletin of Moscow University 2(2), 3-16.

    >>> ks_of_samples([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, float("nan")])
    0.25
    """
    sides = [np.sort(_missing_lowest(values)) for values in (first, second)]
    for name, side in zip(("The first", "The second"), sides, strict=True):
        if not side.size:
            raise NotEnoughData(f"{name} sample has no rows.", mend="Wait for rows.", rows=0)
    points = np.unique(np.concatenate(sides))
    below = [np.searchsorted(side, points, side="right") / side.size for side in sides]
    return float(np.abs(below[0] - below[1]).max())


def total_variation(first: Mapping[object, int], second: Mapping[object, int]) -> float:
    """The share of rows that would have to change category for two counts to have equal shares.

    Raises: NotEnoughData when a side has no rows.

    >>> total_variation({"a": 3, "b": 1}, {"a": 1, "c": 1})
    0.5
    """
    totals = sum(first.values()), sum(second.values())
    if not all(totals):
        raise NotEnoughData("A side of the comparison has no rows.", mend="Wait for rows.", rows=0)
    names = first.keys() | second.keys()
    gaps = [abs(first.get(name, 0) / totals[0] - second.get(name, 0) / totals[1]) for name in names]
    return float(sum(sorted(gaps)) / 2)


def _missing_lowest(values: ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(numbers), -np.inf, numbers)


def _cumulative(name: str, values: ArrayLike) -> Floats:
    bins = filled(name, values)
    return np.concatenate(([0.0], np.cumsum(bins) / float(bins.sum())))
