"""Which bins a profile counts over: quantile bins of a number, the most frequent names of a text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from homeostat.stats.arrays import Floats

TOP_CATEGORIES = 50


def quantile_edges(values: Floats, bins: int) -> tuple[float, ...]:
    """Edges of about equally full bins; none where no value is finite.

    A value that fills a whole bin by itself gets its own bin, so a move to either side of it shows.
    Edges lie halfway between neighbouring values, so rounding to float32 moves no value across.

    >>> quantile_edges(np.arange(8.0), 4)
    (1.5, 3.5, 5.5)
    """
    distinct, repeats = np.unique(values[np.isfinite(values)], return_counts=True)
    if not distinct.size:
        return ()
    upto, share = np.cumsum(repeats), repeats.sum() / bins
    cuts = np.searchsorted(upto, share * np.arange(1, bins))
    heavy = np.flatnonzero(repeats >= share)
    after = np.unique(np.concatenate((cuts, heavy, heavy - 1)))
    edges = [_edge_after(distinct, int(place)) for place in after]
    return tuple(sorted({edge for edge in edges if np.isfinite(edge)}))


def top_categories(tally: Mapping[str, int]) -> tuple[str, ...]:
    """The most frequent names, in the order of the alphabet.

    >>> top_categories({"JFK": 3, "EWR": 4})
    ('EWR', 'JFK')
    """
    first = sorted(tally, key=lambda name: (-tally[name], name))[:TOP_CATEGORIES]
    return tuple(sorted(first))


def _edge_after(distinct: Floats, place: int) -> float:
    """Halfway between neighbours; beyond the ends, half the nearest gap away."""
    if 0 <= place < distinct.size - 1:
        left, right = float(distinct[place]), float(distinct[place + 1])
        middle = left / 2 + right / 2
        return middle if left <= middle < right else left
    last = place >= 0
    end, gap = float(distinct[-1 if last else 0]), 0.0
    if distinct.size > 1:
        gap = float(distinct[-1] - distinct[-2] if last else distinct[1] - distinct[0]) / 2
    reach = gap or 1e-6 * max(1.0, abs(end))
    return end + reach if last else end - reach
