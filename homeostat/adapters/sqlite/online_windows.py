"""Windows read from the online store: a quiet entity's from its facts, a busy one's from tiles and a few facts."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from homeostat.adapters.sqlite.online_names import about, listed, quoted
from homeostat.adapters.sqlite.online_quick import QuickPlan
from homeostat.adapters.sqlite.online_sums import Sums
from homeostat.adapters.sqlite.online_tiles import TileTable, arranged
from homeostat.data.contracts import Value
from homeostat.features import tiles
from homeostat.features.aggregates import window_values
from homeostat.features.online import Ask
from homeostat.features.tiles import Partial
from homeostat.features.views import Entity, Window
from homeostat.kernel.clock import Duration, Instant

FEW = 192
"""Facts up to which reading them all is quicker than reading tiles."""
TOGETHER = 4
"""Times asked of one entity from which its facts are read once for all of them."""
Rows = list[Sequence[Any]]


class WindowPlan:
    """How one view is read; made once for each."""

    def __init__(self, view: Window) -> None:
        self._view = view
        self._tiled = tiles.tiled(view)
        self._sql = TileTable(view)
        self._quick = QuickPlan(view) if Sums.apply_to(view) else None
        self._bounds = sorted(view.ranges, reverse=True)
        at = quoted(view.table.event_time)
        columns = listed((view.table.event_time, *view.columns))
        self._select = f"SELECT {columns} {about(view)} AND {at} > ? AND {at} <= ? ORDER BY {at}, _sequence"
        limit = f" LIMIT {FEW + 1}"
        newest = f"SELECT {columns} {about(view)} AND {at} > ? AND {at} <= ? ORDER BY {at} DESC, _sequence DESC"
        self._select_newest = newest + limit if self._tiled else newest

    def read(self, db: sqlite3.Connection, asks: Sequence[Ask]) -> list[Sequence[Value]]:
        """Per ask the values of the view's features; what several ask of one entity is read once."""
        if len(asks) == 1 or len({entity for entity, _ in asks}) == len(asks):
            return [self._one(db, entity, at) for entity, at in asks]
        wanted: dict[Entity, list[tuple[Instant, int]]] = {}
        for position, (entity, at) in enumerate(asks):
            wanted.setdefault(entity, []).append((at, position))
        answers: list[Sequence[Value]] = [()] * len(asks)
        for entity, moments in wanted.items():
            if self._quick is not None and len(moments) < TOGETHER:
                for at, position in moments:
                    answers[position] = self._one(db, entity, at)
                continue
            for near in _clusters(sorted(moments), self._view.longest):
                for (_, position), values in zip(near, self._near(db, entity, near), strict=True):
                    answers[position] = values
        return answers

    def _near(
        self, db: sqlite3.Connection, entity: Entity, moments: Sequence[tuple[Instant, int]]
    ) -> Iterator[Sequence[Value]]:
        first, last = moments[0][0], moments[-1][0]
        rows = self._newest(db, entity, first - self._view.longest, last)
        if self._tiled and len(rows) > FEW:
            yield from (self._one(db, entity, at) for at, _ in moments)
            return
        facts = arranged(self._view, rows)
        yield from (window_values(self._view, facts, at) for at, _ in moments)

    def _one(self, db: sqlite3.Connection, entity: Entity, at: Instant) -> Sequence[Value]:
        if self._quick is not None:
            found = self._quick.read(db, entity, at)
            if found is not None:
                return found
        rows = self._newest(db, entity, at - self._view.longest, at)
        if self._tiled and len(rows) > FEW:
            return self._busy(db, entity, at, rows)
        return window_values(self._view, arranged(self._view, rows), at)

    def _newest(self, db: sqlite3.Connection, entity: Entity, after: Instant, until: Instant) -> Rows:
        """The newest facts of a window, oldest first; one more than ``FEW`` when there are more."""
        rows = db.execute(self._select_newest, (*entity, after, until)).fetchall()
        rows.reverse()
        return rows

    def _busy(self, db: sqlite3.Connection, entity: Entity, at: Instant, newest: Rows) -> Sequence[Value]:
        cuts = [*(at - length + 1 for length in self._bounds), at + 1]
        covered = self._covered(db, entity, cuts, newest[-1][0])
        known = _Known(newest)
        found: dict[Duration, Partial] = {}
        later: list[Partial] = []
        for length, (begin, end), tiled in reversed(list(zip(self._bounds, pairwise(cuts), covered, strict=True))):
            gaps = [(begin, tiled.begin), (tiled.end, end)] if tiled.parts else [(begin, end)]
            edges = [self._edge(db, entity, known, *gap) for gap in gaps if gap[0] < gap[1]]
            later = [self._sql.shape.merge([*later, *tiled.parts, *edges])]
            found[length] = later[0]
        if not later[0][1]:  # a sum that cannot be kept exactly: its facts can always be added up
            rows = db.execute(self._select, (*entity, at - self._view.longest, at)).fetchall()
            return window_values(self._view, arranged(self._view, rows), at)
        shape, ranges = self._sql.shape, self._view.ranges
        return [shape.value(one, found[length]) for one in self._view.values.values() for length in ranges]

    def _covered(
        self, db: sqlite3.Connection, entity: Entity, cuts: Sequence[Instant], newest: Instant
    ) -> list[_Covered]:
        """Per segment between two cuts, the tiles inside; what they leave is at its ends."""
        found = [_Covered() for _ in cuts[1:]]
        asked = [one for low, high in pairwise(cuts) for one in tiles.stretches(low, min(high, newest), self._widths)]
        if not asked:
            return found
        bound = [value for stretch in asked for value in (*entity, *stretch)]
        for level, start, *partial in db.execute(self._sql.select_all(len(asked)), bound):
            segment = bisect_left(cuts, start + 1) - 1
            found[segment].add(start, start + self._widths[level], tuple(partial))
        return found

    @property
    def _widths(self) -> Sequence[Duration]:
        return self._sql.widths

    def _edge(self, db: sqlite3.Connection, entity: Entity, known: _Known, low: Instant, high: Instant) -> Partial:
        rows = known.between(low, high)
        if rows is None:
            rows = db.execute(self._select, (*entity, low - 1, high - 1)).fetchall()
        return self._sql.shape.of(arranged(self._view, rows))


@dataclass
class _Covered:
    """The tiles found within a segment: they cover ``[begin, end)`` of it."""

    begin: Instant = 0
    end: Instant = 0

    def __post_init__(self) -> None:
        self.parts: list[Partial] = []

    def add(self, begin: Instant, end: Instant, partial: Partial) -> None:
        """One more tile."""
        self.begin = min(self.begin, begin) if self.parts else begin
        self.end = max(self.end, end) if self.parts else end
        self.parts.append(partial)


class _Known:
    """The newest facts of a window, which need not be read again."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._times = [row[0] for row in rows]

    def between(self, low: Instant, high: Instant) -> Rows | None:
        """Facts within ``[low, high)``; None when these may not be all."""
        if low <= self._times[0]:
            return None
        return self._rows[bisect_left(self._times, low) : bisect_left(self._times, high)]


def _clusters(moments: list[tuple[Instant, int]], gap: Duration) -> Iterator[list[tuple[Instant, int]]]:
    """Split sorted moments where nothing between two neighbours would be read for either."""
    begin = 0
    for end in range(1, len(moments) + 1):
        if end == len(moments) or moments[end][0] - moments[end - 1][0] > gap:
            yield moments[begin:end]
            begin = end
