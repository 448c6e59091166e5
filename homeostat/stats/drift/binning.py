"""Counting numbers into bins: the one pass over raw rows that every distance from counts stands on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.arrays import Floats, Integers

_CHUNK = 32_768
"""Values compared at a time: they stay in a core's cache while every edge is held against them."""
_FEW_VALUES, _MANY_EDGES = 500, 100
"""Where looking each value up is quicker than holding every edge against all values."""


def counts_between(values: NDArray[np.generic], edges: Floats) -> Integers:
    """Count values into ``(edges[i-1], edges[i]]``, the first and last bin open; NaN is in none.

    Exactly what looking up each value gives, ten times as fast for many values: below each edge lie as many as
    compare so, chunk by chunk. Memory beyond ``values`` is that of a chunk, whatever their number.
    Args: ``values`` are one-dimensional numbers of any kind, infinities among them; ``edges`` ascend.

    >>> counts_between(np.array([1.0, 2.0, 2.5, np.inf, np.nan]), np.array([1.0, 2.0])).tolist()
    [1, 1, 2]
    """
    if values.size < _FEW_VALUES or edges.size > _MANY_EDGES:
        numbers = values.astype(np.float64, copy=False)
        known = numbers[~np.isnan(numbers)]
        return np.bincount(np.searchsorted(edges, known), minlength=edges.size + 1)
    upto = np.zeros(edges.size + 1, dtype=np.int64)
    buffer = np.empty(_CHUNK, dtype=np.bool_)
    for start in range(0, values.size, _CHUNK):
        chunk = values[start : start + _CHUNK].astype(np.float64, copy=False)
        upto += _upto(chunk, edges, buffer[: chunk.size])
    return np.diff(upto, prepend=0)


def _upto(chunk: Floats, edges: Floats, buffer: NDArray[np.bool_]) -> list[int]:
    """How many values lie at or below each edge, and how many there are."""
    below = [int(np.count_nonzero(np.less_equal(chunk, edge, out=buffer))) for edge in edges.tolist()]
    return [*below, int(chunk.size - np.count_nonzero(np.isnan(chunk, out=buffer)))]
