"""What the tables of a home hold, running or not, and what was kept apart of them: told without reading a fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.tables.pinned import pinned
from homeostat.data.checks import did_you_mean
from homeostat.data.journal import Quarantined, TableCounts
from homeostat.data.tables import Table
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import NotFound

Json = dict[str, Any]


class DeclaredTables:
    """Reads the journal of a home and what its tables take on disk, beside whoever writes them."""

    def __init__(self, home: Home) -> None:
        self._home = home
        loops = load_loops(home.loop_file()).values()
        self._tables = {table.name: table for loop in loops for table in loop.tables}

    def overview(self) -> list[Json]:
        """What each declared table holds, how fresh it is, and what it takes on disk."""
        pins = pinned(self._home)
        with self._journal() as journal:
            counts = {name: journal.counts(name) if journal else TableCounts() for name in self._tables}
        now = self._now(counts.values())
        return [self._told(table, counts[name], now, len(pins.get(name, ()))) for name, table in self._tables.items()]

    def quarantined(self, name: str, limit: int) -> list[Json]:
        """The newest rows of a table that are kept apart."""
        table = self._table(name)
        with self._journal() as journal:
            kept: Sequence[Quarantined] = journal.quarantined(table.name, limit) if journal else ()
        return [_kept(row) for row in kept]

    def names(self) -> list[str]:
        """The declared tables."""
        return list(self._tables)

    def _told(self, table: Table, counts: TableCounts, now: Instant | None, pinned_versions: int) -> Json:
        from homeostat.adapters.delta.upkeep import stored  # what was kept apart is told without Delta Lake

        disk = stored(self._home.tables / table.name)
        return {
            "table": table.name,
            "rows": counts.rows,
            "imported": counts.imported,
            "waiting": max(0, counts.rows - (disk.rows if disk else 0)),
            "versions": disk.version + 1 if disk else 0,
            "pinned": pinned_versions,
            "newest_event": _instant(counts.newest_event),
            "newest_known": _instant(counts.newest_known),
            **_freshness(table, counts.newest_event, now),
            "quarantined": counts.kept,
            "readmitted": counts.readmitted,
            "duplicates": counts.duplicates,
            "warnings": dict(counts.warned),
            "bytes": disk.bytes if disk else 0,
            "files": disk.files if disk else 0,
            "compacted_at": _instant(disk.compacted_at) if disk else None,
            "vacuumed_at": _instant(disk.vacuumed_at) if disk else None,
        }

    def _now(self, counts: Any) -> Instant | None:
        """The machine's present; in a replay the newest known time, where it stands."""
        if not self._home.replayed():
            return SystemClock().now()
        return max((one.newest_known for one in counts if one.newest_known is not None), default=None)

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, self._tables), table=name)
        return self._tables[name]

    @contextmanager
    def _journal(self) -> Iterator[SqliteJournal | None]:
        path = self._home.root / "journal.sqlite"
        if not path.exists():
            yield None
            return
        journal = SqliteJournal(path, read_only=True)
        try:
            yield journal
        finally:
            journal.close()


def _freshness(table: Table, newest: Instant | None, now: Instant | None) -> Json:
    age = None if newest is None or now is None else max(0, now - newest)
    objective = None if table.freshness is None else duration(table.freshness)
    return {
        "age_seconds": None if age is None else age // 1_000_000,
        "objective_seconds": None if objective is None else objective // 1_000_000,
        "fresh": None if age is None or objective is None else age <= objective,
    }


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)


def _kept(row: Quarantined) -> Json:
    return {
        "id": row.id,
        "known_at": format_instant(row.known_at),
        "door": row.door,
        "content": row.content,
        "column": row.column,
        "reason": row.reason,
        "problem": row.problem,
        "mend": row.mend,
    }
