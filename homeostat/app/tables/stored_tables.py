"""Looking into the tables of a home, running or not: what each holds, and its facts as they were known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT, facts_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.clocks import SystemClock
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.app.tables.pinned import pinned
from homeostat.data.checks import did_you_mean
from homeostat.data.expressions import compile_condition
from homeostat.data.journal import JOURNAL_WRITER, Quarantined, TableCounts
from homeostat.data.tables import IMPORTED, KNOWN_AT, SEQUENCE, Table
from homeostat.data.texts import value_of
from homeostat.features.columns import plain
from homeostat.features.views import feature_kind
from homeostat.kernel.clock import Instant, duration, format_instant, to_datetime
from homeostat.kernel.errors import InvalidInput, NotFound

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which facts are wanted: that happened by ``as_of``, as known by ``known_at``, of ``key``, where it holds."""

    as_of: Instant | None = None
    known_at: Instant | None = None
    key: Sequence[str] = ()
    where: str | None = None
    limit: int = 20


class StoredTables:
    """Reads tables and journal of a home beside whoever writes them; facts that wait to be stored count too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        loops = load_loops(settings.loop_file).values()
        self._tables = {table.name: table for loop in loops for table in loop.tables}
        self._store = DeltaTables(settings.paths.tables)

    def overview(self) -> list[Json]:
        """What each declared table holds, how fresh it is, and what it takes on disk."""
        pins = pinned(self._settings.paths)
        with self._journal() as journal:
            counts = {name: journal.counts(name) if journal else TableCounts() for name in self._tables}
        now = self._now(counts.values())
        return [self._told(table, counts[name], now, len(pins.get(name, ()))) for name, table in self._tables.items()]

    def show(self, name: str, asked: Asked) -> Json:
        """The newest fact of each key as it was known, latest event first, and how many there are."""
        table = self._table(name)
        chosen = self._chosen(table, asked)
        newest = chosen.sort_by([(table.event_time, "descending"), (SEQUENCE, "descending")])[SEQUENCE]
        wanted = newest.slice(0, asked.limit)
        rows = self._read(table, list(self._columns(table)), pc.field(SEQUENCE).isin(wanted.combine_chunks()))
        by_sequence = {row["sequence"]: row for row in _rows(table, rows)}
        return {"table": name, "found": len(newest), "rows": [by_sequence[number] for number in wanted.to_pylist()]}

    def history(self, name: str, key: Sequence[str], limit: int) -> Json:
        """Every fact of a key, in the order in which they became known."""
        table = self._table(name)
        rows = _rows(table, self._read(table, list(self._columns(table)), _key_filter(table, key)))
        return {"table": name, "found": len(rows), "rows": rows[-limit:]}

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
        disk = self._store.describe(table.name) if self._store.version(table.name) >= 0 else None
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
        if self._settings.clock == "system":
            return SystemClock().now()
        return max((one.newest_known for one in counts if one.newest_known is not None), default=None)

    def _chosen(self, table: Table, asked: Asked) -> pa.Table:
        """Keys, event times and sequences of the facts wanted."""
        condition = compile_condition(asked.where, table) if asked.where else None
        read = dict.fromkeys([*table.keys, table.event_time, SEQUENCE, *(condition.columns if condition else ())])
        known = None if asked.known_at is None else pc.field(KNOWN_AT) <= _scalar(asked.known_at)
        of_key = _key_filter(table, asked.key) if asked.key else None
        facts = self._read(table, list(read), _both(known, of_key))
        newest = facts.group_by(list(table.keys)).aggregate([(SEQUENCE, "max")])[f"{SEQUENCE}_max"]
        facts = facts.filter(pc.is_in(facts[SEQUENCE], newest.combine_chunks()))
        if asked.as_of is not None:
            facts = facts.filter(pc.field(table.event_time) <= _scalar(asked.as_of))
        if condition is not None:
            values = {name: plain(facts[name], feature_kind(table.contract[name])) for name in condition.columns}
            facts = facts.filter(pa.array(condition.evaluate(values) == 1.0))
        return facts

    def _read(self, table: Table, columns: Sequence[str], where: pc.Expression | None) -> pa.Table:
        """Stored facts and those that wait: the journal is looked at first, so that none falls in between."""
        with self._journal() as journal:
            batches = [one for one in journal.pending(limit=2**62) if one.table == table.name] if journal else []
        waiting = facts_of(table, batches)
        if self._store.version(table.name) >= 0:
            upto = self._store.committed(table.name, JOURNAL_WRITER)
            stored = self._store.columns(table.name)
            there = [name for name in columns if name in stored]
            found = self._store.read(table.name, columns=there, where=_both(where, pc.field(SEQUENCE) <= upto))
            waiting = waiting.filter(pc.field(SEQUENCE) > upto)
            more = (waiting if where is None else waiting.filter(where)).select(list(columns))
            return pa.concat_tables([found, more], promote_options="default").select(list(columns))
        return (waiting if where is None else waiting.filter(where)).select(list(columns))

    def _columns(self, table: Table) -> Iterator[str]:
        yield from (*table.contract, SEQUENCE, KNOWN_AT, IMPORTED)

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, self._tables), table=name)
        return self._tables[name]

    @contextmanager
    def _journal(self) -> Iterator[SqliteJournal | None]:
        path = self._settings.home / "journal.sqlite"
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


def _key_filter(table: Table, key: Sequence[str]) -> pc.Expression:
    """Facts of a key, given as ``column=value`` or, for a key of one column, as its value."""
    given = dict(_part(table, text) for text in key)
    if set(given) != set(table.keys):
        mend = f"Give every part: {' '.join(f'{name}=VALUE' for name in table.keys)}."
        raise InvalidInput(f"{' '.join(key)!r} is no key of table {table.name!r}.", mend=mend)
    found: pc.Expression | None = None
    for name, text in given.items():
        found = _both(found, pc.field(name) == _scalar_of(table, name, text))
    return found


def _part(table: Table, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if equals and name in table.keys:
        return name, value
    return table.keys[0], text


def _scalar_of(table: Table, name: str, text: str) -> Any:
    column = table.contract[name]
    value = value_of(name, column, text)
    return _scalar(cast("int", value)) if column.kind == "instant" else value


def _scalar(at: Instant) -> pa.Scalar:
    return pa.scalar(to_datetime(at), INSTANT)


def _both(one: pc.Expression | None, other: pc.Expression | None) -> pc.Expression | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _rows(table: Table, facts: pa.Table) -> list[Json]:
    instants = [name for name, column in table.contract.items() if column.kind == "instant"]
    found = []
    for row in facts.sort_by(SEQUENCE).to_pylist():
        values = {name: row[name] for name in table.contract}
        for name in instants:
            values[name] = None if values[name] is None else _iso(values[name])
        known = {"known_at": _iso(row[KNOWN_AT]), "imported": row[IMPORTED] is True}
        found.append({"sequence": row[SEQUENCE], **known, "row": values})
    return found


def _iso(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")


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
