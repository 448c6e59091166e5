"""Windows added up by SQLite itself, over facts or over tiles, wherever that is certain to be close enough.

Counts and extremes are exact. A sum that SQLite adds up in doubles is off by no more than the count of terms
times the rounding of their absolute sum: where that is far below 1e-9 of the result it is taken, else the caller
adds the facts up exactly. So values that do not nearly cancel cost what plain SQL costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from homeostat.adapters.sqlite.online_names import quoted
from homeostat.adapters.sqlite.online_tiles import TileTable
from homeostat.data.contracts import Value
from homeostat.features.summaries import Aggregate
from homeostat.features.views import Window

Row = Sequence[Any]
"""Count of facts, then each part."""
_ROUNDING = 2.0**-52
_CLOSE = 2e-10
"""Relative error allowed here, of the 1e-9 that is promised."""
_TINY = 1e-290
"""Below it squares lose digits that no bound accounts for."""
_UNSURE = math.nan
_PARTS = {
    "count": (),
    "sum": ("total", "mass"),
    "mean": ("present", "total", "mass"),
    "std": ("present", "total", "squares"),
    "minimum": ("least",),
    "maximum": ("greatest",),
}
_OF_FACTS = {
    "present": "count({})",
    "total": "total({})",
    "mass": "total(abs({}))",
    "squares": "total({0} * {0})",
    "least": "min({})",
    "greatest": "max({})",
}
_OF_TILES = {**_OF_FACTS, "present": "total({})", "mass": "total({})", "squares": "total({})"}


class Sums:
    """What SQLite adds up for one view, and the values that this makes."""

    def __init__(self, view: Window, tiles: TileTable) -> None:
        wanted = [(part, one.column or "") for one in view.values.values() for part in _PARTS[one.kind]]
        self._parts = list(dict.fromkeys(wanted))
        self._merge = [sum, *(_MERGE.get(part, sum) for part, _ in self._parts)]
        self._values = [_finisher(one, self._parts) for one in view.values.values()]
        slots = {part: tiles.slots[place.start] for part, place in tiles.shape.slots.items()}
        self.of_tiles = ["total(s0)", *(_OF_TILES[part].format(slots[part, name]) for part, name in self._parts)]

    @staticmethod
    def apply_to(view: Window) -> bool:
        """Whether every value of a view is a count, an extreme, or made of sums of a column."""
        return all(one.kind in _PARTS for one in view.values.values())

    def of_facts(self, only: str = "") -> list[str]:
        """Expressions over facts, those for which a condition holds."""
        given = f" FILTER (WHERE {only})" if only else ""
        sums = (_OF_FACTS[part].format(quoted(name)) for part, name in self._parts)
        return [f"{one}{given}" for one in ("count(*)", *sums)]

    @property
    def width(self) -> int:
        """Values in a row."""
        return 1 + len(self._parts)

    def merge(self, rows: Sequence[Row]) -> Row:
        """Rows of separate facts as one."""
        if len(rows) == 1:
            return rows[0]
        return [merge(values) for merge, values in zip(self._merge, zip(*rows, strict=True), strict=True)]

    def values(self, rows: Sequence[Row]) -> list[Value] | None:
        """The view's values from one row per range; None where a sum is not certain."""
        found: list[Value] = [finish(row) for finish in self._values for row in rows]
        return None if any(value != value for value in found) else found


def _finisher(one: Aggregate, parts: Sequence[tuple[str, str]]) -> Callable[[Row], float | None]:
    at = [parts.index((part, one.column or "")) + 1 for part in _PARTS[one.kind]]
    return _FINISH[one.kind](*at)


def _count() -> Callable[[Row], float | None]:
    return lambda row: float(row[0])


def _extreme(place: int) -> Callable[[Row], float | None]:
    return lambda row: None if row[place] is None else float(row[place])


def _sum(total: int, mass: int) -> Callable[[Row], float | None]:
    def finish(row: Row) -> float | None:
        found: float = row[total]
        return found if row[0] * _ROUNDING * row[mass] <= _CLOSE * abs(found) < math.inf else _UNSURE

    return finish


def _mean(present: int, total: int, mass: int) -> Callable[[Row], float | None]:
    add = _sum(total, mass)

    def finish(row: Row) -> float | None:
        found = add(row)
        return found / row[present] if row[present] and found is not None else None

    return finish


def _std(present: int, total: int, squares: int) -> Callable[[Row], float | None]:
    def finish(row: Row) -> float | None:
        count, found = row[present], row[squares]
        if count < 2:
            return None
        apart = found - row[total] * row[total] / count
        certain = 5 * row[0] * _ROUNDING * found <= _CLOSE * apart < math.inf and found > _TINY
        return math.sqrt(apart / (count - 1)) if certain else _UNSURE

    return finish


_FINISH: dict[str, Callable[..., Callable[[Row], float | None]]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "std": _std,
    "minimum": _extreme,
    "maximum": _extreme,
}


def _outer(choose: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda values: choose([value for value in values if value is not None] or [None])


_MERGE: dict[str, Callable[[Sequence[Any]], Any]] = {"least": _outer(min), "greatest": _outer(max)}
