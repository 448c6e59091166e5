"""The online store's tables, indexes and statements, derived from feature views.

Names of tables and columns keep to small letters, digits and '_' (``Table`` sees to it), so quoting is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from homeostat.data.contracts import Kind
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.views import Latest, View, Window
from homeostat.kernel.clock import Duration

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
        return _quoted(f"facts_{self.table.name}")

    @cached_property
    def owned(self) -> set[str]:
        """Names of the SQL tables and indexes that serve this table's views."""
        names = {self.name, *map(index, self.views), *map(residue, self.unbounded)}
        names |= {newest_index(self.table)} if self.waiting else set()
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
        typed = [f"{_quoted(name)} {_TYPES[self.table.contract[name].kind]}" for name in self.columns]
        made = [
            f"CREATE TABLE {self.name} ({', '.join(typed)}, _sequence INTEGER NOT NULL,"
            f" PRIMARY KEY ({_listed(self.table.keys)}))"
        ]
        for view in self.unbounded:
            entity = _listed(view.entity)
            made.append(
                f"CREATE TABLE {residue(view)} ({entity}, pruned INTEGER NOT NULL, PRIMARY KEY ({entity}))"
                " WITHOUT ROWID"
            )
        return made

    @cached_property
    def create_indexes(self) -> list[str]:
        """Statements that make one index per view; a window's holds all that the window reads."""
        made = []
        for view in self.views:
            last = view.columns if isinstance(view, Window) else ()
            listed = _listed(dict.fromkeys((*view.entity, self.table.event_time, "_sequence", *last)))
            made.append(f"CREATE INDEX {index(view)} ON {self.name} ({listed})")
        if self.waiting:
            event_time = _quoted(self.table.event_time)
            made.append(f"CREATE INDEX {newest_index(self.table)} ON {self.name} ({event_time})")
        return made

    @cached_property
    def upsert(self) -> str:
        """Adds a fact, or replaces the one of its key that was accepted earlier."""
        stored = (*self.columns, "_sequence")
        update = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in stored)
        return (
            f"INSERT INTO {self.name} ({_listed(stored)}) VALUES ({', '.join('?' * len(stored))})"
            f" ON CONFLICT ({_listed(self.table.keys)}) DO UPDATE SET {update}"
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
    def prune(self) -> list[str]:
        """Statements that note and delete what no read from ``:horizon`` on can need; the delete is last."""
        event_time = _quoted(self.table.event_time)
        unneeded = f"old.{event_time} < :horizon - :longest"
        for view in self.unbounded:
            known = " AND ".join(f"old.{_quoted(name)} IS NOT NULL" for name in view.entity)
            same = " AND ".join(f"new.{_quoted(name)} = old.{_quoted(name)}" for name in view.entity)
            unneeded += (
                f" AND (NOT ({known}) OR EXISTS (SELECT 1 FROM {self.name} AS new INDEXED BY {index(view)}"
                f" WHERE {same} AND new.{event_time} <= :horizon"
                f" AND (new.{event_time}, new._sequence) > (old.{event_time}, old._sequence)))"
            )
        noted = [self._note(view, unneeded) for view in self.unbounded]
        return [*noted, f"DELETE FROM {self.name} AS old WHERE {unneeded}"]

    def _note(self, view: Latest, unneeded: str) -> str:
        entity = _listed(view.entity)
        known = " AND ".join(f"old.{_quoted(name)} IS NOT NULL" for name in view.entity)
        return (
            f"INSERT INTO {residue(view)} SELECT {entity}, max(old.{_quoted(self.table.event_time)})"
            f" FROM {self.name} AS old WHERE {known} AND {unneeded} GROUP BY {entity}"
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


def index(view: View) -> str:
    """The SQL index that answers a view."""
    return _quoted(f"by_{view.hash[:24]}")


def residue(view: View) -> str:
    """The SQL table of the newest pruned event time per entity of a view."""
    return _quoted(f"residue_{view.hash[:24]}")


def select_latest(view: Latest) -> str:
    """Event time and columns of the newest fact; asked with the entity, the earliest and the latest time."""
    event_time = _quoted(view.table.event_time)
    return (
        f"SELECT {event_time}, {_listed(view.columns)} {_from(view)} AND {event_time} BETWEEN ? AND ?"
        f" ORDER BY {event_time} DESC, _sequence DESC LIMIT 1"
    )


def select_window(view: Window) -> str:
    """Event times and columns, oldest first (at one time in the order accepted), within ``(after, until]``."""
    event_time = _quoted(view.table.event_time)
    return (
        f"SELECT {_listed((view.table.event_time, *view.columns))} {_from(view)}"
        f" AND {event_time} > ? AND {event_time} <= ? ORDER BY {event_time}, _sequence"
    )


def newest_index(table: Table) -> str:
    """The SQL index that tells how long a table has been silent."""
    return _quoted(f"newest_{table.name}")


def select_newest(table: Table) -> str:
    """The event time of a table's newest fact; asked with the latest time."""
    event_time, facts = _quoted(table.event_time), _quoted(f"facts_{table.name}")
    return f"SELECT max({event_time}) FROM {facts} INDEXED BY {newest_index(table)} WHERE {event_time} <= ?"


def select_residue(view: Latest) -> str:
    """The newest pruned event time of an entity."""
    return f"SELECT pruned FROM {residue(view)} WHERE {_matches(view.entity)}"


def _from(view: View) -> str:
    facts = _quoted(f"facts_{view.table.name}")
    return f"FROM {facts} INDEXED BY {index(view)} WHERE {_matches(view.entity)}"


def _matches(entity: Sequence[str]) -> str:
    return " AND ".join(f"{_quoted(name)} = ?" for name in entity)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return f'"{name}"'
