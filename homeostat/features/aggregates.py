"""Window values of one entity from its facts: the plain-Python half of parity, used within a request."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.data.contracts import Value
from homeostat.data.expressions import Condition
from homeostat.features.summaries import Aggregate
from homeostat.features.views import Window
from homeostat.kernel.clock import Instant

SHRINK = 2.0**-64
"""Brings sums of the greatest doubles back into range; exact, being a power of two."""
Series = tuple[Sequence[Instant], Sequence[Value]]
"""Times, oldest first, and the values then; no nulls."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One entity's facts, oldest first: event times, and per value of the window what it reads, without nulls."""

    times: Sequence[Instant]
    series: Mapping[str, Series]


def facts_of(view: Window, times: Sequence[Instant], columns: Sequence[Sequence[Value]]) -> Facts:
    """Arrange facts, sorted by (event time, sequence); ``columns`` are in the order of ``view.columns``."""
    given = dict(zip(view.columns, columns, strict=True))
    made: dict[str, Series] = {}
    for one in view.values.values():
        if one.condition is not None and one.condition not in made:
            made[one.condition] = _present(times, truths(view, view.conditions[one.condition], given))
        elif one.column is not None and one.column not in made:
            made[one.column] = _present(times, given[one.column])
    return Facts(times, made)


def truths(view: Window, condition: Condition, columns: Mapping[str, Sequence[Value]]) -> list[Value]:
    """Per fact 1.0 where a condition holds, 0.0 where not, None where something that it reads is null."""
    if not len(columns[condition.columns[0]]):
        return []
    kinds = {name: view.table.contract[name].kind for name in condition.columns}
    given = {
        name: np.array(columns[name], dtype=object)
        if kinds[name] == "text"
        else np.array([math.nan if value is None else value for value in columns[name]], dtype=np.float64)
        for name in condition.columns
    }
    return [None if value != value else value for value in condition.evaluate(given).tolist()]


def window_values(view: Window, facts: Facts, at: Instant) -> list[Value]:
    """The values of ``view.features`` at an instant; facts must reach back over the longest range."""
    found: list[Value] = []
    for aggregate in view.values.values():
        read = aggregate.condition or aggregate.column
        times, values = (facts.times, ()) if read is None else facts.series[read]
        end = bisect_right(times, at)
        for length in view.ranges:
            begin = bisect_right(times, at - length, 0, end)
            found.append(float(end - begin) if read is None else summary(aggregate, values[begin:end]))
    return found


def summary(aggregate: Aggregate, values: Sequence[Value]) -> Value:
    """What an aggregate makes of a window's values, oldest first and without nulls; None is missing.

    >>> summary(Aggregate("last", "gate"), ["A", "B"]), summary(Aggregate("distinct", "gate"), ["A", "B", "A"])
    ('B', 2.0)
    """
    kind = aggregate.kind
    if kind == "distinct":
        return float(len(set(values)))
    if kind in ("first", "last"):
        return _plain(values[0 if kind == "first" else -1]) if values else None
    numbers: Sequence[float] = [float(value) for value in values if value is not None]
    if not numbers:
        return 0.0 if kind == "sum" else None
    if kind in ("minimum", "maximum"):
        return min(numbers) if kind == "minimum" else max(numbers)
    if kind == "quantile":
        return quantile_of(sorted(numbers), aggregate.q or 0.0)
    if kind == "std":
        return deviation(numbers)
    total = exact_sum(numbers)
    return total if kind == "sum" or total is None else total / len(numbers)


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


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation; None below two values, or when their sum passes the greatest double.

    Around the mean, corrected for the mean's own rounding, and scaled: exactly 0 for equal values.

    >>> deviation([1.0, 3.0]) == 2 ** 0.5, deviation([0.1] * 3), deviation([5.0])
    (True, 0.0, None)
    """
    total = exact_sum(values)
    if len(values) < 2 or total is None:
        return None
    if min(values) == max(values):
        return 0.0
    centre = total / len(values)
    apart = [value - centre for value in values]
    greatest = max(abs(value) for value in apart)
    if not math.isfinite(greatest):
        return None
    exponent = math.frexp(greatest)[1]
    near = [math.ldexp(value, -exponent) for value in apart]
    squares = math.fsum(value * value for value in near) - math.fsum(near) ** 2 / len(values)
    return math.ldexp(math.sqrt(max(squares, 0.0) / (len(values) - 1)), exponent)


def quantile_of(values: Sequence[float], q: float) -> float | None:
    """The quantile of sorted values, on the line between its neighbours, as NumPy's default.

    >>> quantile_of([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = (len(values) - 1) * q
    below = math.floor(place)
    low, high = values[below], values[min(below + 1, len(values) - 1)]
    found = low + (high - low) * (place - below)
    return found if math.isfinite(found) else None


def _present(times: Sequence[Instant], values: Sequence[Value]) -> Series:
    if None not in values:
        return times, values
    kept = [at for at, value in zip(times, values, strict=True) if value is not None]
    return kept, [value for value in values if value is not None]


def _plain(value: Value) -> Value:
    return value if value is None or isinstance(value, str) else float(value)
