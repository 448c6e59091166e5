"""The online store's tables and indexes, and the writer's statements, derived from feature views."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from homeostat.adapters.sqlite.online_names import (
    facts,
    index,
    known,
    listed,
    matches,
    newest_index,
    quoted,
    residue,
    tile_table,
)
from homeostat.adapters.sqlite.online_tiles import TileTable
from homeostat.data.contracts import Kind
from homeostat.data.tables import Table
from homeostat.features import tiles
from homeostat.features.definitions import FeatureSet
from homeostat.features.views import Latest, View, Window
from homeostat.kernel.clock import Duration

FORMAT = 2
"""How this file is laid out; another is rebuilt from the tables."""
STATE = (
    "CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,"
    " horizon INTEGER, generation INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS views (hash TEXT PRIMARY KEY)",
    "INSERT OR IGNORE INTO state VALUES (1, -1, NULL, 0)",
)
_TYPES: dict[Kind, str] = {
    "text": "TEXT",
    "number": "REAL",
    "integer": "INTEGER",
    "boolean": "INTEGER",
    "instant": "INTEGER",
}


@dataclass(frozen=True)
class Facts:
    """One source table in the store: the columns that its views need."""

    table: Table
    views: tuple[View, ...]

    @cached_property
    def name(self) -> str:
        """The SQL table."""
        return facts(self.table)

    @cached_property
    def owned(self) -> set[str]:
        """Names of the SQL tables and indexes that serve this table's views."""
        names = {self.name, *map(index, self.views), *map(residue, self.unbounded)}
        names |= {newest_index(self.table)} if self.waiting else set()
        names |= set(map(tile_table, self.tiled))
        return {name.strip('"') for name in names}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Key, event time, and what any view looks up or reads, each once."""
        needed = [*self.table.keys, self.table.event_time]
        needed += [name for view in self.views for name in (*view.entity, *view.columns)]
        return tuple(dict.fromkeys(needed))

    @cached_property
    def create(self) -> list[str]:
        """Statements that make the table and, per entity-wide view, its residue."""
        typed = [f"{quoted(name)} {_TYPES[self.table.contract[name].kind]}" for name in self.columns]
        made = [
            f"CREATE TABLE {self.name} ({', '.join(typed)}, _sequence INTEGER NOT NULL,"
            f" PRIMARY KEY ({listed(self.table.keys)}))"
        ]
        for view in self.unbounded:
            entity = listed(view.entity)
            made.append(
                f"CREATE TABLE {residue(view)} ({entity}, pruned INTEGER NOT NULL, PRIMARY KEY ({entity}))"
                " WITHOUT ROWID"
            )
        return [*made, *(TileTable(view).create for view in self.tiled)]

    @cached_property
    def create_indexes(self) -> list[str]:
        """Statements that make one index per view; a window's holds all that the window reads."""
        made = []
        for view in self.views:
            last = view.columns if isinstance(view, Window) else ()
            columns = dict.fromkeys((*view.entity, self.table.event_time, "_sequence", *last))
            made.append(f"CREATE INDEX {index(view)} ON {self.name} ({listed(columns)})")
        if self.waiting:
            event_time = quoted(self.table.event_time)
            made.append(f"CREATE INDEX {newest_index(self.table)} ON {self.name} ({event_time})")
        return made

    @cached_property
    def upsert(self) -> str:
        """Adds a fact, or replaces the one of its key that was accepted earlier."""
        update = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in self.stored)
        return (
            f"INSERT INTO {self.name} ({listed(self.stored)}) VALUES ({', '.join('?' * len(self.stored))})"
            f" ON CONFLICT ({listed(self.table.keys)}) DO UPDATE SET {update}"
            f" WHERE excluded._sequence > {self.name}._sequence"
        )

    @cached_property
    def longest(self) -> Duration:
        """How far back any view with a limit looks, its own facts or the table's newest."""
        limits = [limit for view in self.views for limit in (view.longest, view.patience) if limit is not None]
        return max(limits, default=0)

    @cached_property
    def waiting(self) -> bool:
        """Whether a view uses defaults once the table has been silent for too long."""
        return any(view.patience is not None for view in self.views)

    @cached_property
    def unbounded(self) -> tuple[Latest, ...]:
        """Views that take the newest fact of an entity however old it is."""
        return tuple(view for view in self.views if isinstance(view, Latest) and view.longest is None)

    @cached_property
    def tiled(self) -> tuple[Window, ...]:
        """Windows that are read from tiles where an entity is busy."""
        return tuple(view for view in self.views if isinstance(view, Window) and tiles.tiled(view))

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """Columns of the SQL table."""
        return (*self.columns, "_sequence")

    @cached_property
    def insert(self) -> str:
        """Adds a fact whose key is not there yet."""
        places = ", ".join("?" * len(self.stored))
        return f"INSERT OR IGNORE INTO {self.name} ({listed(self.stored)}) VALUES ({places})"

    @cached_property
    def select(self) -> str:
        """The fact of a key."""
        return f"SELECT {listed(self.stored)} FROM {self.name} WHERE {matches(self.table.keys)}"

    @cached_property
    def prune(self) -> list[str]:
        """Statements that note and delete what no read from ``:horizon`` on can need; the delete is last."""
        event_time = quoted(self.table.event_time)
        unneeded = f"old.{event_time} < :horizon - :longest"
        for view in self.unbounded:
            same = " AND ".join(f"new.{quoted(name)} = old.{quoted(name)}" for name in view.entity)
            unneeded += (
                f" AND (NOT ({known(view.entity, 'old.')}) OR EXISTS (SELECT 1"
                f" FROM {self.name} AS new INDEXED BY {index(view)} WHERE {same} AND new.{event_time} <= :horizon"
                f" AND (new.{event_time}, new._sequence) > (old.{event_time}, old._sequence)))"
            )
        noted = [self._note(view, unneeded) for view in self.unbounded]
        return [*noted, f"DELETE FROM {self.name} AS old WHERE {unneeded}"]

    def _note(self, view: Latest, unneeded: str) -> str:
        entity = listed(view.entity)
        return (
            f"INSERT INTO {residue(view)} SELECT {entity}, max(old.{quoted(self.table.event_time)})"
            f" FROM {self.name} AS old WHERE {known(view.entity, 'old.')} AND {unneeded} GROUP BY {entity}"
            f" ON CONFLICT ({entity}) DO UPDATE SET pruned = max(pruned, excluded.pruned)"
        )


@dataclass(frozen=True)
class Layout:
    """Everything the store keeps for some feature sets; two sets may share views."""

    views: dict[str, View]

    @cached_property
    def facts(self) -> dict[str, Facts]:
        """Per source table what is kept of it."""
        tables = {view.table.name: view.table for view in self.views.values()}
        return {
            name: Facts(table, tuple(view for view in self.views.values() if view.table.name == name))
            for name, table in tables.items()
        }


def layout(features: Iterable[FeatureSet]) -> Layout:
    """What the views of these feature sets need, each view once."""
    return Layout({view.hash: view for one in features for view in one.views})
