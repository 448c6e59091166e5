"""Variances that each stand on little, steadied by what is usual among their like."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from homeostat.stats.arrays import Floats, finite, same_length

LEAST = 4
"""Of fewer variances nobody can say what is usual."""
_STEPS, _ENOUGH = 50, 1e-10


def moderated(variances: ArrayLike, degrees: ArrayLike) -> tuple[Floats, float]:
    """Each variance drawn towards what is usual among all, and how many degrees of freedom that lends to each.

    Variances that differ by no more than chance are taken for one, known by all degrees together; the more they
    differ, the less is lent, and each keeps its own.
    Args: ``variances`` above 0 of like things, each with its ``degrees`` of freedom above 0. Of fewer than 4 nothing
    is lent. What is lent is at most what the others have.
    Source: Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3(1), article 3, section 6.

    >>> alike, lent = moderated([0.9, 1.0, 1.1, 1.0], [30, 30, 30, 30])
    >>> alike.round(2).tolist(), lent
    ([0.99, 1.02, 1.04, 1.02], 90.0)
    >>> moderated([0.1, 1.0, 10.0, 100.0], [30, 30, 30, 30])[1] < 1
    True
    """
    from scipy.special import digamma, polygamma  # heavy, and whoever only reads limits needs none of it

    found, own = finite("variances", variances), finite("degrees", degrees)
    same_length(variances=found, degrees=own)
    if found.size < LEAST:
        return found, 0.0
    logs = np.log(found) - digamma(own / 2.0) + np.log(own / 2.0)
    apart = float(logs.var(ddof=1) - polygamma(1, own / 2.0).mean())
    most = float(own.mean()) * (found.size - 1)
    lent = min(most, 2.0 * _trigamma_inverse(apart)) if apart > 0.0 else most
    usual = float(np.exp(logs.mean() + digamma(lent / 2.0) - np.log(lent / 2.0)))
    return np.asarray((lent * usual + own * found) / (lent + own)), lent


def _trigamma_inverse(value: float) -> float:
    """Where the trigamma function has a value above 0, by Newton's steps on its reciprocal, which is nearly a line."""
    from scipy.special import polygamma

    found = 0.5 + 1.0 / value
    for _ in range(_STEPS):
        there = float(polygamma(1, found))
        step = there * (1.0 - there / value) / float(polygamma(2, found))
        found += step
        if abs(step) < _ENOUGH * found:
            break
    return found
