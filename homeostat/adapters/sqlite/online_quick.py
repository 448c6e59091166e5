"""Windows of counts, sums and extremes, read as plain SQL over facts, or over tiles where an entity is busy."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from homeostat.adapters.sqlite.online_names import about, facts, index, quoted
from homeostat.adapters.sqlite.online_sums import Row, Sums
from homeostat.adapters.sqlite.online_tiles import TileTable
from homeostat.data.contracts import Value
from homeostat.features import tiles
from homeostat.features.views import Entity, Window
from homeostat.kernel.clock import Instant

BUSY = 600
"""Facts under tiles from which these are read instead."""


class QuickPlan:
    """How one view is read; only for views that ``Sums`` applies to."""

    def __init__(self, view: Window) -> None:
        self._view, self._longest, self._ranges = view, view.longest, view.ranges
        self._bounds = sorted(view.ranges, reverse=True)
        self._shorter = [length for length in view.ranges if length != view.longest]
        self._tiles = TileTable(view)
        self._sums = Sums(view, self._tiles)
        self._tiled = tiles.tiled(view)
        self._coarse = self._coarsest()
        self._width = self._tiles.widths[self._coarse]
        self._at = quoted(view.table.event_time)
        self._direct = self._select_direct()
        self._state = (
            f"SELECT total(s0), (SELECT max({self._at}) {about(view)} AND {self._at} <= ?) FROM {self._tiles.name}"
            f" WHERE {self._tiles.within}"
        )
        of_tiles = ", ".join(("min(start)", "max(start)", "min(s1)", *self._sums.of_tiles))
        self._stretch = f"SELECT {of_tiles} FROM {self._tiles.name} WHERE {self._tiles.within}"
        self._gap = f"SELECT {', '.join(self._sums.of_facts())} {self._tiles.facts}"

    def read(self, db: sqlite3.Connection, entity: Entity, at: Instant) -> list[Value] | None:
        """The values of the view's features; None where SQL cannot add them up closely enough."""
        bounds = [at - length for length in self._shorter]
        if not self._tiled:
            row = db.execute(self._direct, (*entity, at, at - self._longest, *bounds)).fetchone()
            return self._sums.values(self._split(row))
        low, high = at - self._longest + 1, at + 2 - self._width
        row = db.execute(self._direct, (*entity, at, at - self._longest, *bounds, low, high)).fetchone()
        if not row[self._place]:  # nothing, or so much that it was not looked at
            covered, newest = db.execute(self._state, (*entity, at, *entity, self._coarse, low, high)).fetchone()
            if newest is not None and covered >= BUSY:
                return self._from_tiles(db, entity, at, newest)
        return self._sums.values(self._split(row))

    @property
    def _place(self) -> int:
        """Where in a row the count of the longest range stands."""
        return self._ranges.index(self._longest) * self._sums.width

    def _split(self, row: Row) -> list[Row]:
        width = self._sums.width
        return [row[start : start + width] for start in range(0, len(row), width)]

    def _from_tiles(self, db: sqlite3.Connection, entity: Entity, at: Instant, newest: Instant) -> list[Value] | None:
        cuts = [*(at - length + 1 for length in self._bounds), at + 1]
        segments = list(pairwise(cuts))
        parts: list[list[Row]] = [[] for _ in segments]
        edges = list(segments)
        for number, begin, end, exact, row in self._stretches(db, entity, segments, newest):
            if not exact:
                return None
            known = edges[number] if parts[number] else (begin, end)
            edges[number] = (min(known[0], begin), max(known[1], end))
            parts[number].append(row)
        self._add_gaps(db, entity, segments, edges, parts)
        found: dict[int, Row] = {}
        later: list[Row] = []
        for length, rows in zip(reversed(self._bounds), reversed(parts), strict=True):
            later = [self._sums.merge([*later, *rows])]
            found[length] = later[0]
        return self._sums.values([found[length] for length in self._ranges])

    def _stretches(
        self, db: sqlite3.Connection, entity: Entity, segments: Sequence[tuple[Instant, Instant]], newest: Instant
    ) -> list[tuple[int, Instant, Instant, int, Row]]:
        """Per stretch of tiles that holds any: its segment, what it covers, whether it is exact, and its sums."""
        sizes = self._tiles.widths
        asked = [
            (number, stretch)
            for number, (low, high) in enumerate(segments)
            for stretch in tiles.stretches(low, min(high, newest), sizes)
        ]
        if not asked:
            return []
        bound = [value for _, stretch in asked for value in (*entity, *stretch)]
        rows = db.execute(" UNION ALL ".join([self._stretch] * len(asked)), bound)
        return [
            (number, first, last + sizes[stretch[0]], exact, row)
            for (number, stretch), (first, last, exact, *row) in zip(asked, rows, strict=True)
            if first is not None
        ]

    def _add_gaps(
        self,
        db: sqlite3.Connection,
        entity: Entity,
        segments: Sequence[tuple[Instant, Instant]],
        covered: Sequence[tuple[Instant, Instant]],
        parts: list[list[Row]],
    ) -> None:
        gaps: list[tuple[int, Instant, Instant]] = []
        for number, ((low, high), (begin, end)) in enumerate(zip(segments, covered, strict=True)):
            found = [(low, begin), (end, high)] if parts[number] else [(low, high)]
            gaps += [(number, *gap) for gap in found if gap[0] < gap[1]]
        if gaps:
            bound = [value for _, low, high in gaps for value in (*entity, low, high)]
            rows = db.execute(" UNION ALL ".join([self._gap] * len(gaps)), bound)
            for (number, _, _), row in zip(gaps, rows, strict=True):
                parts[number].append(row)

    def _select_direct(self) -> str:
        """Adds up every range in one pass over the facts; over none when tiles cover too many of them."""
        given = len(self._view.entity)
        chosen: list[str] = []
        for length in self._ranges:
            whole = length == self._longest
            only = "" if whole else f"{self._at} > ?{given + 3 + self._shorter.index(length)}"
            chosen += self._sums.of_facts(only)
        by = " AND ".join(f"{quoted(name)} = ?{place}" for place, name in enumerate(self._view.entity, 1))
        after = f"?{given + 2}"
        if self._tiled:
            place = given + 3 + len(self._shorter)
            busy = f"level = {self._coarse} AND start >= ?{place} AND start < ?{place + 1}"
            covered = f"(SELECT total(s0) FROM {self._tiles.name} WHERE {by} AND {busy})"
            after = f"iif({covered} < {BUSY}, {after}, ?{given + 1})"
        select = f"SELECT {', '.join(chosen)} FROM {facts(self._view.table)} INDEXED BY {index(self._view)}"
        return f"{select} WHERE {by} AND {self._at} > {after} AND {self._at} <= ?{given + 1}"

    def _coarsest(self) -> int:
        """The level whose tiles tell how busy an entity is: some of them in the longest range."""
        fitting = [level for level, width in enumerate(self._tiles.widths[:-1]) if width * 4 <= self._longest]
        return fitting[-1] if fitting else 0
