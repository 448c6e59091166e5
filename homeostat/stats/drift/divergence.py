"""Distances of two distributions over the same bins that ask only how much lies in each, not where the bins lie.

Each is at most that of the raw rows: putting rows into bins can hide a difference, never make one.
Source of that bound: Csiszár (1967), Studia Scientiarum Mathematicarum Hungarica 2, 299-318.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, same_length, shares
from homeostat.stats.drift.distance import FLOOR


def kl_divergence(expected_share: ArrayLike, actual_share: ArrayLike, *, floor: float = FLOOR) -> float:
    """Nats lost per row by reading ``actual_share`` with a code made for ``expected_share``; 0 for equal shares.

    Args: shares per bin, each list adding up to 1. Shares below ``floor`` are read as ``floor`` and all are then
    divided by their sum, so that an empty bin costs a finite, stated amount. Not the same both ways.
    Raises: InvalidInput for missing or negative shares, unequal lengths or sums other than 1.
    Source: Kullback and Leibler (1951), Annals of Mathematical Statistics 22(1), 79-86.

    >>> round(kl_divergence([0.5, 0.5], [0.25, 0.75]), 6)
    0.130812
    """
    if not 0.0 < floor < 1.0:
        raise InvalidInput(f"{floor} is no floor.", mend="Pass a small share, such as 1e-4.", floor=str(floor))
    expected, actual = (np.maximum(side, floor) for side in _both(expected_share, actual_share))
    expected, actual = expected / expected.sum(), actual / actual.sum()
    return max(0.0, float(np.dot(actual, np.log(actual / expected))))


def jensen_shannon(expected_share: ArrayLike, actual_share: ArrayLike, *, base: float = 2.0) -> float:
    """Jensen-Shannon distance: the root of both sides' mean divergence from their mixture; 0 to 1, the same both ways.

    Args: shares per bin, each list adding up to 1; an empty bin needs no rule. ``base`` of the logarithm: 2 makes 1
    the distance of what has nothing in common; tools that use base e show 0.8326 times as much.
    Raises: InvalidInput as `kl_divergence`, or for a base that is not above 1.
    Source: Lin (1991), IEEE Transactions on Information Theory 37(1), 145-151; Endres and Schindelin (2003) for the
    root, ibid. 49(7), 1858-1860.

    >>> round(jensen_shannon([0.5, 0.5], [0.25, 0.75]), 6), jensen_shannon([1.0, 0.0], [0.0, 1.0])
    (0.220896, 1.0)
    """
    if not (math.isfinite(base) and base > 1.0):
        raise InvalidInput(f"{base} is no base of a logarithm.", mend="Pass 2, or math.e.", base=str(base))
    expected, actual = _both(expected_share, actual_share)
    expected, actual = expected / expected.sum(), actual / actual.sum()
    middle = (expected + actual) / 2.0
    nats = (_relative_entropy(expected, middle) + _relative_entropy(actual, middle)) / 2.0
    return math.sqrt(max(0.0, nats) / math.log(base))


def hellinger(expected_share: ArrayLike, actual_share: ArrayLike) -> float:
    """Hellinger distance, 0 to 1: sees a change of rare bins that the total variation hardly shows.

    Args: shares per bin, each list adding up to 1; an empty bin needs no rule.
    Raises: InvalidInput as `kl_divergence`.
    Source: Hellinger (1909), Journal für die reine und angewandte Mathematik 136, 210-271.

    >>> round(hellinger([0.5, 0.5], [0.25, 0.75]), 6), hellinger([1.0, 0.0], [0.0, 1.0])
    (0.184592, 1.0)
    """
    expected, actual = _both(expected_share, actual_share)
    return math.sqrt(float(np.square(np.sqrt(expected) - np.sqrt(actual)).sum()) / 2.0)


def total_variation_of_shares(expected_share: ArrayLike, actual_share: ArrayLike) -> float:
    """The share of rows that would have to change bin, 0 to 1.

    Args: shares per bin, each list adding up to 1. Raises: InvalidInput as `kl_divergence`.

    >>> total_variation_of_shares([0.5, 0.5], [0.25, 0.75])
    0.25
    """
    expected, actual = _both(expected_share, actual_share)
    return float(np.abs(expected - actual).sum() / 2.0)


def _both(expected_share: ArrayLike, actual_share: ArrayLike) -> tuple[Floats, Floats]:
    expected, actual = shares("expected_share", expected_share), shares("actual_share", actual_share)
    same_length(expected_share=expected, actual_share=actual)
    return expected, actual


def _relative_entropy(of: Floats, against: Floats) -> float:
    """Nats of ``of`` relative to ``against``, which is nowhere empty where ``of`` is not."""
    there = of > 0.0
    return float(np.dot(of[there], np.log(of[there] / against[there])))
