"""How far values moved, in their own unit, from counts alone and with what counts cannot tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, filled, finite, same_length

EXTREME = 1e-4
"""The least share of rows that a rank is told by."""


@dataclass(frozen=True, slots=True)
class WassersteinBounds:
    """The mean way of a row, in the values' own unit.

    ``value`` follows a rule for where in its bin a row lies; that of the raw rows is in [``least``, ``most``]
    whatever the truth. ``most`` is infinite where rows lie in a bin without an end. ``outside`` is the greater
    share, of both sides, of such rows.
    """

    value: float
    least: float
    most: float
    outside: float


def wasserstein_from_counts(
    expected: ArrayLike,
    actual: ArrayLike,
    edges: ArrayLike,
    *,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> WassersteinBounds:
    """The first Wasserstein distance of two distributions counted over the same bins: the least mean way of a row.

    Args: counts of one bin more than there are ``edges``, which ascend; the first bin begins at ``lowest``, the last
    ends at ``highest``. A row is taken to lie in the middle of its bin; in a bin without an end, at the edge it has.
    With open ends ``value`` is thus about values cut off at the outermost edges, and never more than that of the
    raw ones by more than what bins hide; ``least`` stays true of the raw ones, for cutting off brings values nearer.
    Raises: NotEnoughData when a side has no rows or there is no edge; InvalidInput for edges that do not ascend
    between ``lowest`` and ``highest``, or counts that do not fit them.
    Source: Vallender (1974), Theory of Probability and Its Applications 18(4), 784-786: the area between both
    distribution functions.

    >>> wasserstein_from_counts([0, 4, 0], [0, 2, 2], [0.0, 1.0], highest=2.0)
    WassersteinBounds(value=0.5, least=0.0, most=1.5, outside=0.0)
    """
    first, second, inner = filled("expected", expected), filled("actual", actual), finite("edges", edges)
    same_length(expected=first, actual=second)
    ends = _ends(inner, first.size, lowest, highest)
    below, others = _cumulative(first), _cumulative(second)
    open_bins = ~np.isfinite(np.diff(ends))
    outside = max(float(side[open_bins].sum() / side.sum()) for side in (first, second))
    widths = np.where(open_bins, 0.0, np.diff(ends))
    apart = np.maximum(below[:-1] - others[1:], others[:-1] - below[1:])
    across = np.maximum(below[1:] - others[:-1], others[1:] - below[:-1])
    way = np.abs(below - others)[1:-1] * np.diff(_middles(ends))
    most = math.inf if outside else float(np.dot(widths, across))
    return WassersteinBounds(float(way.sum()), float(np.dot(widths, np.maximum(0.0, apart))), most, outside)


def rank_shifts(expected_shares: Floats, actual_shares: Floats) -> Floats:
    """How far rows moved among the ranks of the expected ones, on average: 0.1 is a tenth of all that was expected.

    The first Wasserstein distance after every value became the share of expected rows below it: free of units, of
    outliers and of where open bins end, so that it may be compared between features. It sees a shift that all rows
    share with fewer rows than a KS distance.
    Args: shares per ordered bin along the last axis, each adding up to 1; expected rows are taken to lie evenly in
    their bins. Returns: in [0, 1/2], one less dimension.

    >>> rank_shifts(np.full((1, 4), 0.25), np.array([[0.0, 0.25, 0.25, 0.5]])).tolist()
    [0.1875]
    """
    apart = np.abs(np.cumsum(actual_shares - expected_shares, axis=-1))
    before = np.concatenate((np.zeros_like(apart[..., :1]), apart[..., :-1]), axis=-1)
    return np.asarray(((before + apart) / 2.0 * expected_shares).sum(axis=-1))


def rank_spreads(expected_shares: Floats, actual_shares: Floats) -> Floats:
    """By how much rows lie further from their own middle than expected, or nearer to it: 0.1 is a tenth more variance.

    The change of the variance after every value became the normal score of its rank among the expected rows: free of
    units and outliers, and blind to a shift, also of a mean that wanders from day to day. Of normal values it is how
    much their variance grew, as a share.
    Args: shares per ordered bin along the last axis, each adding up to 1; expected rows are taken to lie evenly in
    the ranks of their bins, so that how far a row lies beyond its outermost bin's usual score does not count. Ranks
    that hardly an expected row has count as the outermost ``EXTREME`` of them.
    Returns: at least 0, one less dimension.
    Source: Klotz (1962), Annals of Mathematical Statistics 33(2), 498-512.

    >>> rank_spreads(np.full((1, 4), 0.25), np.array([[0.5, 0.0, 0.0, 0.5]])).round(3).tolist()
    [0.854]
    """
    apart, (scores, squares) = actual_shares - expected_shares, _scores(expected_shares)
    return np.asarray(np.abs((apart * squares).sum(axis=-1) - (apart * scores).sum(axis=-1) ** 2))


def _scores(shares: Floats) -> tuple[Floats, Floats]:
    """The mean normal score of the ranks in each bin, and their mean square."""
    from scipy.special import ndtri  # whoever only reads what was measured needs none of it

    upto = np.cumsum(shares, axis=-1)
    ends = ndtri(np.clip(np.concatenate((np.zeros_like(upto[..., :1]), upto), axis=-1), EXTREME, 1.0 - EXTREME))
    density = np.exp(-ends * ends / 2.0) / math.sqrt(2.0 * math.pi)
    full = shares > EXTREME
    rows = np.where(full, shares, 1.0)
    scores = np.where(full, -np.diff(density, axis=-1) / rows, (ends[..., 1:] + ends[..., :-1]) / 2.0)
    squares = 1.0 - np.diff(ends * density, axis=-1) / rows
    return scores, np.where(full, squares, (ends[..., 1:] ** 2 + ends[..., :-1] ** 2) / 2.0)


def _ends(edges: Floats, bins: int, lowest: float, highest: float) -> Floats:
    """Where bins begin and end, the outer ones maybe infinite."""
    if not edges.size:
        raise NotEnoughData("There is one bin, and it has no ends.", mend="Compare over bins with edges.", bins=1)
    ends = np.concatenate(([lowest], edges, [highest]))
    if bins != ends.size - 1:
        raise InvalidInput(f"{bins} counts do not fit {edges.size} edges.", mend="Pass one more.", bins=bins)
    if not (np.diff(ends) > 0.0).all():
        raise InvalidInput("Edges do not ascend.", mend="Sort them, between lowest and highest.", edges=edges.size)
    return ends


def _middles(ends: Floats) -> Floats:
    """Where the rows of each bin are taken to lie."""
    left = np.where(np.isfinite(ends[:-1]), ends[:-1], ends[1:])
    right = np.where(np.isfinite(ends[1:]), ends[1:], ends[:-1])
    return left / 2.0 + right / 2.0


def _cumulative(counts: Floats) -> Floats:
    return np.concatenate(([0.0], np.cumsum(counts) / counts.sum()))
