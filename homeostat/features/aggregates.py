"""Window values of one entity from its facts: the plain-Python half of parity, used within a request."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.data.contracts import Value
from homeostat.features.views import AggregateKind, Window
from homeostat.kernel.clock import Instant

SHRINK = 2.0**-64
"""Brings sums of the greatest doubles back into range; exact, being a power of two."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One entity's facts, oldest first: event times, and per column its times and values without nulls."""

    times: Sequence[Instant]
    columns: dict[str, tuple[Sequence[Instant], Sequence[float]]]


def facts_of(view: Window, times: Sequence[Instant], columns: Sequence[Sequence[Value]]) -> Facts:
    """Arrange facts, sorted by event time, for windows; ``columns`` are in the order of ``view.columns``."""
    arranged: dict[str, tuple[Sequence[Instant], Sequence[float]]] = {}
    for name, values in zip(view.columns, columns, strict=True):
        if None in values:
            kept = [at for at, value in zip(times, values, strict=True) if value is not None]
            arranged[name] = (kept, [float(value) for value in values if value is not None])
        else:
            arranged[name] = (times, [float(value) for value in values if value is not None])
    return Facts(times, arranged)


def window_values(view: Window, facts: Facts, at: Instant) -> list[Value]:
    """The values of ``view.features`` at an instant; facts must reach back over the longest range."""
    found: list[Value] = []
    for aggregate in view.values.values():
        times, values = (facts.times, ()) if aggregate.column is None else facts.columns[aggregate.column]
        end = bisect_right(times, at)
        for length in view.ranges:
            begin = bisect_right(times, at - length, 0, end)
            found.append(_reduce(aggregate.kind, values, begin, end))
    return found


def exact_sum(values: Sequence[float]) -> float | None:
    """The sum rounded once; None when it passes the greatest double.

    >>> exact_sum([1e9, 0.1, -1e9])
    0.1
    """
    try:
        return math.fsum(values)
    except OverflowError:
        total = math.fsum(value * SHRINK for value in values) / SHRINK
        return total if math.isfinite(total) else None


def _reduce(kind: AggregateKind, values: Sequence[float], begin: int, end: int) -> float | None:
    if kind == "count":
        return float(end - begin)
    if begin == end:
        return 0.0 if kind == "sum" else None
    if kind == "minimum":
        return min(values[begin:end])
    if kind == "maximum":
        return max(values[begin:end])
    total = exact_sum(values[begin:end])
    return total if kind == "sum" or total is None else total / (end - begin)
