"""Tiles in the online store: their tables and statements, and how the writer keeps them right.

Which tiles there are follows from the facts kept alone, in whatever order they came. A tile is kept when it holds
facts, ends before its entity's newest fact, and lies within a tile of ``FULL`` facts or more. So the facts
that newly come, in order, touch no tile until they have left one; what comes late rewrites those it falls into.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from homeostat.adapters.sqlite.online_names import about, facts, known, listed, matches, quoted, tile_table
from homeostat.features import tiles
from homeostat.features.aggregates import Facts, facts_of
from homeostat.features.tiles import Partial, Shape
from homeostat.features.views import Entity, Window
from homeostat.kernel.clock import Duration, Instant

_REMEMBERED = 100_000
"""Entities of a view whose newest facts the writer remembers; others cost it a few reads."""
_NEVER = 1 << 62


@dataclass(frozen=True)
class TileTable:
    """The SQL of one view's tiles."""

    view: Window

    @cached_property
    def name(self) -> str:
        """The SQL table."""
        return tile_table(self.view)

    @cached_property
    def shape(self) -> Shape:
        """What a row says."""
        return Shape(self.view)

    @cached_property
    def widths(self) -> tuple[Duration, ...]:
        """Widths of the levels, finest first."""
        return tiles.widths(self.view.longest)

    @cached_property
    def slots(self) -> list[str]:
        """Columns of a partial."""
        return [f"s{number}" for number in range(self.shape.width)]

    @cached_property
    def create(self) -> str:
        """Makes the table."""
        entity = listed(self.view.entity)
        return (
            f"CREATE TABLE {self.name} ({entity}, level INTEGER, start INTEGER, {', '.join(self.slots)},"
            f" PRIMARY KEY ({entity}, level, start)) WITHOUT ROWID"
        )

    @cached_property
    def upsert(self) -> str:
        """Writes a tile."""
        places = ", ".join("?" * (len(self.view.entity) + 2 + len(self.slots)))
        return f"INSERT OR REPLACE INTO {self.name} VALUES ({places})"

    @cached_property
    def within(self) -> str:
        """Where an entity's tiles of a level start within ``[low, high)``."""
        return f"{matches(self.view.entity)} AND level = ? AND start >= ? AND start < ?"

    @cached_property
    def select(self) -> str:
        """Partials of a stretch, oldest first."""
        return f"SELECT {', '.join(self.slots)} FROM {self.name} WHERE {self.within} ORDER BY start"

    def select_all(self, stretches: int) -> str:
        """Starts, levels and partials of several stretches at once."""
        one = f"SELECT level, start, {', '.join(self.slots)} FROM {self.name} WHERE {self.within}"
        return " UNION ALL ".join([one] * stretches)

    @cached_property
    def facts(self) -> str:
        """Selects from the facts of an entity within ``[low, high)``."""
        at = quoted(self.view.table.event_time)
        return f"{about(self.view)} AND {at} >= ? AND {at} < ?"


class TileKeeper:
    """Keeps one view's tiles right; called within the writer's transaction.

    ``columns`` are those of the rows of facts that ``expect`` and ``take`` are given.
    """

    def __init__(self, db: sqlite3.Connection, view: Window, columns: Sequence[str]) -> None:
        self._db, self._view, self._sql = db, view, TileTable(view)
        self._entity = _picker([columns.index(name) for name in view.entity])
        self._time = columns.index(view.table.event_time)
        self._widths = self._sql.widths
        self._open: dict[Entity, _Open] = {}

    def forget(self) -> None:
        """Remember nothing: facts were changed otherwise, or the changes were taken back."""
        self._open.clear()

    def expect(self, written: Iterable[Sequence[Any]]) -> None:
        """Look up what is newest of the entities of facts that are about to be written."""
        if len(self._open) > _REMEMBERED:
            self._open.clear()
        for entity in {self._entity(one) for one in written}:
            if entity not in self._open and None not in entity:
                self._open[entity] = _Open(self._newest(entity), -_NEVER, 0)

    def take(self, added: Sequence[Sequence[Any]], removed: Sequence[Sequence[Any]]) -> None:
        """Follow facts that were written and facts that these replaced."""
        changes: dict[Entity, tuple[list[Instant], list[Instant]]] = {}
        for which, rows in enumerate((added, removed)):
            for one in rows:
                changes.setdefault(self._entity(one), ([], []))[which].append(one[self._time])
        for entity, (came, went) in changes.items():
            if None in entity:
                continue
            came.sort()
            newest = self._open.get(entity)
            if went or newest is None or not newest.take(came):
                self._rewrite(entity, came, sorted(went), newest)

    def build(self) -> None:
        """Make every tile from the facts."""
        at, names = quoted(self._view.table.event_time), listed(self._view.entity)
        top = self._widths[-1]
        floor = f"({at} - (({at} % {top}) + {top}) % {top})"
        busy = (
            f"SELECT {names}, {floor} FROM {facts(self._view.table)} WHERE {known(self._view.entity)}"
            f" GROUP BY {names}, {floor} HAVING count(*) >= {tiles.FULL}"
        )
        for *entity, root in self._db.execute(busy).fetchall():
            _Rewriting(self._db, self._sql, tuple(entity), self._newest(tuple(entity)) or 0).build(root)

    def prune(self, before: Instant) -> None:
        """Drop the tiles that hold facts older than an instant; they are never read again."""
        for level, _ in enumerate(self._widths[:-1]):
            self._db.execute(f"DELETE FROM {self._sql.name} WHERE level = ? AND start < ?", (level, before))
        self._open.clear()

    def _newest(self, entity: Entity) -> Instant | None:
        at = quoted(self._view.table.event_time)
        found: Instant | None = self._db.execute(
            f"SELECT max({at}) {self._sql.facts}", (*entity, -_NEVER, _NEVER)
        ).fetchone()[0]
        return found

    def _rewrite(self, entity: Entity, came: list[Instant], went: list[Instant], opened: _Open | None) -> None:
        at = quoted(self._view.table.event_time)
        newest = f"SELECT {at} {self._sql.facts} ORDER BY {at} DESC LIMIT {tiles.FULL}"
        tail = [time for (time,) in self._db.execute(newest, (*entity, -_NEVER, _NEVER))]
        before = opened.newest if opened is not None else max([*went, *tail[:1]])
        in_order = not went and (before is None or came[0] >= before)
        if len(tail) == tiles.FULL or not in_order:  # else too few to divide, and none that a tile holds
            touched = sorted({*came, *went, *([] if before is None else [before])})
            rewriting = _Rewriting(self._db, self._sql, entity, tail[0] if tail else -_NEVER)
            if before is not None and rewriting.newest < before:
                rewriting.reopen()
            rewriting.refresh(touched, came, went)
        self._open[entity] = _opened(tail, self._widths)


class _Open:
    """What is newest of an entity: how far, and how much, can come in order before a tile is touched."""

    __slots__ = ("end", "newest", "room")

    def __init__(self, newest: Instant | None, end: Instant, room: int) -> None:
        self.newest, self.end, self.room = newest, end, room

    def take(self, came: Sequence[Instant]) -> bool:
        """Note facts, sorted, if they touch no tile."""
        if self.newest is None or came[0] < self.newest or came[-1] >= self.end or len(came) > self.room:
            return False
        self.newest = came[-1]
        self.room -= len(came)
        return True


def _opened(tail: Sequence[Instant], widths: Sequence[Duration]) -> _Open:
    """From the newest facts, newest first: the finest undivided tile that holds the newest one."""
    if not tail:
        return _Open(None, -_NEVER, 0)
    for level in range(len(widths) - 1, -1, -1):
        start = tail[0] // widths[level] * widths[level]
        held = sum(at >= start for at in tail)
        if held < tiles.FULL:
            return _Open(tail[0], start + widths[level], tiles.FULL - 1 - held)
    return _Open(tail[0], start + widths[0], _NEVER)


@dataclass(frozen=True)
class _Rewriting:
    """Tiles of one entity, brought up to its facts; ``newest`` is the time of its newest fact."""

    db: sqlite3.Connection
    sql: TileTable
    entity: Entity
    newest: Instant

    def reopen(self) -> None:
        """Drop tiles that no longer end before the newest fact."""
        for level, width in enumerate(self.sql.widths[:-1]):
            self._drop(level, self.newest - width + 1, _NEVER)

    def refresh(self, touched: Sequence[Instant], came: Sequence[Instant], went: Sequence[Instant]) -> None:
        """Rewrite the tiles around the times touched; facts ``came`` and ``went``, all sorted."""
        top = len(self.sql.widths) - 1
        for root in self._starts(top, touched):
            self._refresh(top, root, touched, came, went)

    def build(self, root: Instant) -> None:
        """Make all tiles of a stretch of the greatest width."""
        top = len(self.sql.widths) - 1
        self._build(top, root, self._facts(root, root + self.sql.widths[top]))

    def _refresh(
        self, level: int, start: Instant, touched: Sequence[Instant], came: Sequence[Instant], went: Sequence[Instant]
    ) -> None:
        if level == 0:
            return
        end = start + self.sql.widths[level]
        inside = [_between(times, start, end) for times in (touched, came, went)]
        held = self._count(start, end, tiles.FULL + len(inside[1]))
        if held < tiles.FULL:
            self._drop_below(level, start, end)
        elif held - len(inside[1]) + len(inside[2]) < tiles.FULL:
            self._drop_below(level, start, end)
            self._build(level, start, self._facts(start, end))
        else:
            for child in self._starts(level - 1, inside[0]):
                self._refresh(level - 1, child, *inside)
                self._store(level - 1, child)

    def _store(self, level: int, start: Instant) -> None:
        end = start + self.sql.widths[level]
        if end > self.newest:
            return
        parts = self._parts(level - 1, start, end) if level else []
        partial = self.sql.shape.merge(parts) if parts else self._of(self._facts(start, end))
        if partial[0]:
            self.db.execute(self.sql.upsert, (*self.entity, level, start, *partial))
        else:
            self._drop(level, start, end)

    def _build(self, level: int, start: Instant, held: list[Sequence[Any]]) -> Partial:
        if level == 0 or len(held) < tiles.FULL:
            return self._of(held)
        times = [one[0] for one in held]
        parts = []
        for child in self._starts(level - 1, times):
            end = child + self.sql.widths[level - 1]
            part = self._build(level - 1, child, held[bisect_left(times, child) : bisect_left(times, end)])
            parts.append(part)
            if end <= self.newest:
                self.db.execute(self.sql.upsert, (*self.entity, level - 1, child, *part))
        return self.sql.shape.merge(parts)

    def _starts(self, level: int, times: Iterable[Instant]) -> list[Instant]:
        width = self.sql.widths[level]
        return list(dict.fromkeys(time // width * width for time in times))

    def _count(self, start: Instant, end: Instant, limit: int) -> int:
        within = f"SELECT count(*) FROM (SELECT 1 {self.sql.facts} LIMIT ?)"
        found: int = self.db.execute(within, (*self.entity, start, end, limit)).fetchone()[0]
        return found

    def _parts(self, level: int, start: Instant, end: Instant) -> list[Partial]:
        return self.db.execute(self.sql.select, (*self.entity, level, start, end)).fetchall()

    def _facts(self, start: Instant, end: Instant) -> list[Sequence[Any]]:
        view = self.sql.view
        at = quoted(view.table.event_time)
        columns = listed((view.table.event_time, *view.columns))
        ordered = f"SELECT {columns} {self.sql.facts} ORDER BY {at}, _sequence"
        return self.db.execute(ordered, (*self.entity, start, end)).fetchall()

    def _of(self, rows: Sequence[Sequence[Any]]) -> Partial:
        return self.sql.shape.of(arranged(self.sql.view, rows))

    def _drop_below(self, level: int, start: Instant, end: Instant) -> None:
        if self._any:
            for below in range(level):
                self._drop(below, start, end)

    @cached_property
    def _any(self) -> bool:
        """Whether the entity had any tile."""
        found = f"SELECT 1 FROM {self.sql.name} WHERE {matches(self.sql.view.entity)} LIMIT 1"
        return self.db.execute(found, self.entity).fetchone() is not None

    def _drop(self, level: int, low: Instant, high: Instant) -> None:
        self.db.execute(f"DELETE FROM {self.sql.name} WHERE {self.sql.within}", (*self.entity, level, low, high))


def arranged(view: Window, rows: Sequence[Sequence[Any]]) -> Facts:
    """Rows of event time and columns, oldest first, as aggregates read them."""
    if not rows:
        return facts_of(view, (), [()] * len(view.columns))
    times, *columns = zip(*rows, strict=True)
    return facts_of(view, times, columns)


def _between(times: Sequence[Instant], low: Instant, high: Instant) -> Sequence[Instant]:
    return times[bisect_left(times, low) : bisect_left(times, high)]


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], Entity]:
    if len(positions) > 1:
        return itemgetter(*positions)
    (only,) = positions
    return lambda row: (row[only],)
