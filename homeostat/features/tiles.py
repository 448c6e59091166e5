"""Tiles: mergeable summaries of aligned stretches of event time, so that a window reads some tens of rows.

An online store keeps them beside the facts of busy entities. All here is arithmetic: which tiles a stretch of
time is made of, what a tile says of its facts, and how several say it together. Sums are kept as several doubles
that add up to them exactly, so that neither the order of arrival nor the way of merging can be seen in a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from homeostat.data.contracts import Value
from homeostat.features.aggregates import Facts, Series
from homeostat.features.summaries import Aggregate, AggregateKind
from homeostat.features.views import Window
from homeostat.kernel.clock import Duration, Instant

FAN = 16
"""Tiles of one level that make one of the next."""
FULL = 64
"""Facts from which a tile is divided into finer ones."""
_DEPTH = 5
"""Levels at most: the finest are a millionth of the longest range."""
_TOTAL, _SQUARES = 3, 4
"""Doubles that a sum, and a sum of squares, is kept as."""
_LEAST_SQUARED, _GREATEST_SQUARED = 1e-140, 1e140
"""Between these a square is two doubles exactly."""

Partial = tuple[Any, ...]
"""What a tile says: count of facts, whether its sums could be kept exactly, then the shape's slots."""
Stretch = tuple[int, Instant, Instant]
"""Tiles of a level whose starts are within ``[low, high)``."""
_READS_FACTS: frozenset[AggregateKind] = frozenset({"distinct", "quantile"})
_PARTS: dict[AggregateKind, tuple[str, ...]] = {
    "count": (),
    "sum": ("present", "total", "mass"),
    "mean": ("present", "total", "mass"),
    "share": ("present", "total"),
    "std": ("present", "total", "squares"),
    "minimum": ("least",),
    "maximum": ("greatest",),
    "first": ("first",),
    "last": ("last",),
}
_WIDTH = {
    "present": 1,
    "mass": 1,
    "total": _TOTAL,
    "squares": _SQUARES,
    "least": 1,
    "greatest": 1,
    "first": 2,
    "last": 2,
}


def tiled(view: Window) -> bool:
    """Whether tiles help: a count of different values or a quantile is not made of parts, and reads the facts."""
    return all(one.kind not in _READS_FACTS for one in view.values.values()) and len(widths(view.longest)) > 1


def widths(longest: Duration) -> tuple[Duration, ...]:
    """Widths of tiles, finest first, for windows of at most ``longest``; the last is never kept, only divided.

    >>> widths(40)
    (1, 16, 256)
    """
    found = [max(1, -(-longest // FAN**_DEPTH))]
    while found[-1] < longest:
        found.append(found[-1] * FAN)
    return tuple(found)


def stretches(begin: Instant, end: Instant, sizes: Sequence[Duration]) -> list[Stretch]:
    """The coarsest tiles inside ``[begin, end)``; where a coarse one is not kept, so are none of its parts.

    >>> stretches(14, 50, (1, 16, 256))
    [(0, 14, 16), (0, 48, 50), (1, 16, 48)]
    """
    found: list[Stretch] = []
    for level, (size, above) in enumerate(pairwise(sizes)):
        low, high = -(-begin // size) * size, end // size * size
        next_low, next_high = -(-begin // above) * above, end // above * above
        if next_low >= next_high or level == len(sizes) - 2:
            found.append((level, low, high))
            break
        found += [(level, low, next_low), (level, next_high, high)]
    return [one for one in found if one[1] < one[2]]


@dataclass(frozen=True)
class Shape:
    """What the tiles of one view hold."""

    view: Window

    @cached_property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Which part of which series, in the order of the slots."""
        wanted = [(part, reads(one)) for one in self.view.values.values() for part in _PARTS[one.kind]]
        return tuple(dict.fromkeys(wanted))

    @cached_property
    def slots(self) -> dict[tuple[str, str], slice]:
        """Where each part lies in a partial."""
        found: dict[tuple[str, str], slice] = {}
        at = 2
        for part in self.parts:
            found[part] = slice(at, at + _WIDTH[part[0]])
            at = found[part].stop
        return found

    @property
    def width(self) -> int:
        """Values in a partial."""
        return 2 + sum(_WIDTH[part] for part, _ in self.parts)

    def of(self, facts: Facts) -> Partial:
        """What a tile says of its facts."""
        made: list[Any] = []
        for part, name in self.parts:
            made += _OF[part](facts.series[name])
        return self._sealed(len(facts.times), made)

    def merge(self, partials: Sequence[Partial]) -> Partial:
        """What tiles that follow one another in time say together; of none, what no facts say."""
        if len(partials) == 1:
            return partials[0]
        if not partials:
            return self.of(Facts((), {name: ((), ()) for _, name in self.parts}))
        columns = list(zip(*partials, strict=True))
        if not all(columns[1]):
            return self._inexact(sum(columns[0]))
        made: list[Any] = []
        for part, slot in self.slots.items():
            made += _MERGE[part[0]](columns[slot])
        return self._sealed(sum(columns[0]), made)

    def value(self, one: Aggregate, partial: Partial) -> Value:
        """An aggregate's value; the same that its facts would give."""
        if one.kind == "count":
            return float(partial[0])
        part = {name: partial[self.slots[name, reads(one)]] for name in _PARTS[one.kind]}
        if one.kind in ("minimum", "maximum", "first", "last"):
            return _plain(part[_PARTS[one.kind][0]][-1])
        (present,) = part["present"]
        if one.kind == "std":
            return _deviation(present, part["total"], part["squares"])
        total = math.fsum(part["total"])
        return total if one.kind == "sum" else total / present if present else None

    def _sealed(self, count: int, made: list[Any]) -> Partial:
        if any(value != value for value in made):
            return self._inexact(count)
        return (count, 1, *made)

    def _inexact(self, count: int) -> Partial:
        """Facts whose sums no few doubles hold: only that there are some; they have to be read."""
        return (count, 0, *[None] * (self.width - 2))


def reads(one: Aggregate) -> str:
    """The series that an aggregate reads: a column, or a condition's outcome."""
    return one.condition or one.column or ""


def _present(series: Series) -> Iterable[Any]:
    return (len(series[1]),)


def _total(series: Series) -> Iterable[Any]:
    return _expanded([float(value) for value in series[1] if value is not None], _TOTAL)


def _mass(series: Series) -> Iterable[Any]:
    return (_absolute(float(value) for value in series[1] if value is not None),)


def _absolute(values: Iterable[float]) -> float:
    try:
        return math.fsum(map(abs, values))
    except OverflowError:
        return math.inf


def _squares(series: Series) -> Iterable[Any]:
    return _expanded(list(chain.from_iterable(_square(float(v)) for v in series[1] if v is not None)), _SQUARES)


def _extreme(choose: Callable[[Iterable[float]], float]) -> Callable[[Series], Iterable[Any]]:
    return lambda series: (choose(float(v) for v in series[1] if v is not None) if len(series[1]) else None,)


def _first(series: Series) -> Iterable[Any]:
    return (series[0][0], series[1][0]) if len(series[1]) else (None, None)


def _last(series: Series) -> Iterable[Any]:
    return (series[0][-1], series[1][-1]) if len(series[1]) else (None, None)


def _outer(choose: Callable[[Iterable[Any]], Any]) -> Callable[[Sequence[Sequence[Any]]], Iterable[Any]]:
    def merged(columns: Sequence[Sequence[Any]]) -> Iterable[Any]:
        return (choose([value for value in columns[0] if value is not None] or [None]),)

    return merged


def _dated(backwards: bool) -> Callable[[Sequence[Sequence[Any]]], Iterable[Any]]:
    def merged(columns: Sequence[Sequence[Any]]) -> Iterable[Any]:
        known = sorted((pair for pair in zip(*columns, strict=True) if pair[0] is not None), key=itemgetter(0))
        return known[-1 if backwards else 0] if known else (None, None)

    return merged


def _added(slots: int) -> Callable[[Sequence[Sequence[Any]]], Iterable[Any]]:
    return lambda columns: _expanded([value for column in columns for value in column if value], slots)


def _expanded(values: list[float], slots: int) -> list[float]:
    """A few doubles that add up to a sum exactly, the rounded sum first; NaN last when there are too few.

    >>> _expanded([1e16, 1.0, 1.0, 0.25], 3)
    [1.0000000000000002e+16, 0.25, 0.0]
    """
    found = [0.0] * slots
    try:
        for slot in range(slots):
            rest = math.fsum(values)
            if not rest:
                return found
            found[slot] = rest
            values.append(-rest)
        if math.fsum(values):
            found[-1] = math.nan
    except (OverflowError, ValueError):
        found[-1] = math.nan
    return found


def _square(value: float) -> tuple[float, float]:
    """A square as two doubles that add up to it exactly (Dekker, Veltkamp)."""
    if not value:
        return 0.0, 0.0
    if not _LEAST_SQUARED < abs(value) < _GREATEST_SQUARED:
        return math.nan, 0.0
    square = value * value
    shifted = 134217729.0 * value
    high = shifted - (shifted - value)
    low = value - high
    return square, ((high * high - square) + 2.0 * high * low) + low * low


def _deviation(count: int, total: Sequence[float], squares: Sequence[float]) -> float | None:
    """The sample standard deviation, rounded once."""
    if count < 2:
        return None
    added = sum(map(Fraction, total), Fraction())
    apart = sum(map(Fraction, squares), Fraction()) - added * added / count
    return math.sqrt(apart / (count - 1))


def _plain(value: Value) -> Value:
    return value if value is None or isinstance(value, str) else float(value)


_OF: dict[str, Callable[[Series], Iterable[Any]]] = {
    "present": _present,
    "mass": _mass,
    "total": _total,
    "squares": _squares,
    "least": _extreme(min),
    "greatest": _extreme(max),
    "first": _first,
    "last": _last,
}
_MERGE: dict[str, Callable[[Sequence[Sequence[Any]]], Iterable[Any]]] = {
    "present": lambda columns: (sum(columns[0]),),
    "mass": lambda columns: (_absolute(columns[0]),),
    "total": _added(_TOTAL),
    "squares": _added(_SQUARES),
    "least": _outer(min),
    "greatest": _outer(max),
    "first": _dated(False),
    "last": _dated(True),
}
