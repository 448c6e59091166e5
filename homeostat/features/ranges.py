"""Counts, sums and extremes of many ranges of one column at once, in NumPy.

Sums are differences of prefix sums that carry their rounding errors along, so that a small window after
large values loses nothing: the technique of Ogita, Rump and Oishi (2005), SIAM J. Sci. Comput. 26(6).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Pair = tuple[Floats, Floats]
"""A sum and its correction, to be added last."""
_SAFE = 1e290
_CHUNK = 1 << 15
_WORDS = 42
"""Enough doubles for a sum of the least and the greatest one; ordinary columns need one to three."""


class Ranges:
    """A column of numbers, NaN for null, ready for reductions over ``[low, high)`` of many pairs.

    >>> column = Ranges(np.array([1e9, 0.1, np.nan, -1e9]))
    >>> total = column.total(np.array([0, 2]), np.array([4, 3]))
    >>> (total[0] + total[1]).tolist(), column.present(np.array([0, 2]), np.array([4, 3])).tolist()
    ([0.1, 0.0], [3, 0])
    """

    def __init__(self, values: Floats | None, hidden: npt.NDArray[np.bool_] | None = None) -> None:
        """``hidden`` values count as null; without values, what is not hidden is only counted."""
        self._values = np.empty(0) if values is None else values
        self._null = np.zeros(0, dtype=bool) if hidden is None else hidden
        if values is not None:
            self._null = np.isnan(values) if hidden is None else np.isnan(values) | hidden
        self._any_null = bool(self._null.any())

    def present(self, low: Ints, high: Ints) -> Ints:
        """How many values of each range are not null."""
        counts: Ints = self._counts[high] - self._counts[low] if self._any_null else high - low
        return counts

    def total(self, low: Ints, high: Ints) -> Pair:
        """The sum of each range's values that are not null; 0 for none."""
        total = np.zeros(len(low))
        rest = np.zeros(len(low))
        for prefix in self._prefixes:
            difference, error = two_sum(prefix[high], -prefix[low])
            total, carried = two_sum(total, difference)
            rest += error + carried
        return total, rest

    def least(self, low: Ints, high: Ints) -> Floats:
        """The least value of each range; infinity for none."""
        return _least(self._filled(np.inf), low, high)

    def greatest(self, low: Ints, high: Ints) -> Floats:
        """The greatest value of each range; minus infinity for none."""
        return -_least(-self._filled(-np.inf), low, high)

    def _filled(self, null: float) -> Floats:
        return np.where(self._null, null, self._values) if self._any_null else self._values

    @cached_property
    def _counts(self) -> Ints:
        return np.concatenate(([0], np.cumsum(~self._null, dtype=np.int64)))

    @cached_property
    def _prefixes(self) -> list[Floats]:
        terms = self._filled(0.0)
        prefixes: list[Floats] = []
        for _ in range(_WORDS):
            prefix = np.zeros(len(terms) + 1)
            np.cumsum(terms, out=prefix[1:])
            prefixes.append(prefix)
            terms = _errors(prefix[:-1], terms)
            if not terms.any():
                break
        return prefixes


def two_sum(a: Floats, b: Floats) -> Pair:
    """The rounded sum and its exact rounding error (Knuth)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def _errors(a: Floats, b: Floats) -> Floats:
    """The rounding errors of ``a + b``, some at a time: what is worked with stays in the processor's cache."""
    errors = np.empty_like(b)
    for begin in range(0, len(b), _CHUNK):
        here = slice(begin, begin + _CHUNK)
        errors[here] = two_sum(a[here], b[here])[1]
    return errors


def may_overflow(values: npt.NDArray[Any]) -> bool:
    """Whether adding these values up could pass the greatest double."""
    return bool(len(values)) and float(np.nanmax(np.abs(values), initial=0.0)) * len(values) > _SAFE


def _least(values: Floats, low: Ints, high: Ints) -> Floats:
    """Two overlapping blocks of a power of two cover any range; block minima double level by level."""
    found = np.full(len(low), np.inf)
    level = np.frexp((high - low).astype(np.float64))[1] - 1
    for k in range(int(level.max(initial=-1)) + 1):
        here = np.flatnonzero(level == k)
        found[here] = np.minimum(values[low[here]], values[high[here] - (1 << k)])
        values = np.minimum(values[: -(1 << k)], values[1 << k :])
    return found
