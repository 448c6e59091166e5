"""Looking into the tables of a home, running or not: its facts as they were known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT, facts_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.tables.declared_tables import DeclaredTables
from homeostat.data.expressions import compile_condition
from homeostat.data.journal import JOURNAL_WRITER
from homeostat.data.tables import IMPORTED, KNOWN_AT, SEQUENCE, Table
from homeostat.data.texts import value_of
from homeostat.features.columns import plain
from homeostat.features.views import feature_kind
from homeostat.kernel.clock import Instant, to_datetime
from homeostat.kernel.errors import InvalidInput

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which facts are wanted: that happened by ``as_of``, as known by ``known_at``, of ``key``, where it holds."""

    as_of: Instant | None = None
    known_at: Instant | None = None
    key: Sequence[str] = ()
    where: str | None = None
    limit: int = 20


class StoredTables(DeclaredTables):
    """Reads tables and journal of a home beside whoever writes them; facts that wait to be stored count too."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._store = DeltaTables(home.tables)

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
