"""Taking facts in: checked, told apart from what is known, made durable, then seen by features."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Break, Checked, compile_contract
from homeostat.data.journal import Entry, Journal, RefusedRow, fact_digest
from homeostat.data.tables import Table
from homeostat.features.online import OnlineStore
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import InvalidInput, NotFound, TooLarge, Unavailable

TOLERANCE = 5 * 60 * 1_000_000
"""Microseconds by which a producer's clock may run ahead of ours."""
MOST_ROWS = 10_000
"""Rows in one request."""
_LONGEST_REFUSED = 262_144
"""Characters kept of one refused row."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a request's rows; the sequences are None when nothing was new.

    ``quarantined`` lists every break: a row with several stands there several times.
    """

    accepted: int
    duplicates: int
    quarantined: list[Break]
    first_sequence: int | None
    last_sequence: int | None


class Ingest:
    """Accepts rows of the declared tables; one instance, one thread.

    A fact is in the journal before it is acknowledged, and in the online store before the next one is
    accepted. Should the online store fail, it catches up from the journal before anything else is taken in.
    """

    def __init__(self, journal: Journal, online: OnlineStore, tables: Sequence[Table]) -> None:
        self._journal, self._online = journal, online
        self._tables = {table.name: table for table in tables}
        self._checks = {table.name: compile_contract(table.contract) for table in tables}

    def accept(self, table: str, rows: Sequence[object], now: Instant) -> Accepted:
        """Take in what keeps the contract, keep apart what does not; the same row twice counts once.

        Raises: NotFound for an unknown table; InvalidInput for no rows, TooLarge for more than 10,000;
        Unavailable when a store refuses (nothing is acknowledged; sending it again is safe).
        """
        self.catch_up()
        entry, breaks = self._entry(table, rows, now)
        batch = self._journal.record(entry)
        if batch is None:
            return Accepted(0, len(entry.rows), breaks, None, None)
        self._online.apply(table, batch.rows(), batch.first_sequence)
        duplicates = len(entry.rows) - batch.count
        return Accepted(batch.count, duplicates, breaks, batch.first_sequence, batch.last_sequence)

    def refuse(self, table: str, rows: Sequence[object], now: Instant) -> list[Break]:
        """Keep apart the broken rows of a question that was refused at another door; accepts none."""
        entry, breaks = self._entry(table, rows, now)
        if entry.refused:
            self._journal.record(Entry(table, now, (), (), (), entry.refused))
        return breaks

    def catch_up(self) -> None:
        """Bring the online store to the journal's last fact; costs nothing when it is there.

        Raises: Unavailable when the journal no longer holds what is missing: rebuild from the tables.
        """
        while (at := self._online.sequence()) < self._journal.sequence():
            missing = self._journal.pending(at)
            if not missing or missing[0].first_sequence != at + 1:
                mend = "Restart the recorder: it rebuilds the online store from the tables."
                raise Unavailable("The online store misses facts that the journal has let go.", mend=mend)
            for batch in missing:
                self._online.apply(batch.table, batch.rows(), batch.first_sequence)

    def _entry(self, table: str, rows: Sequence[object], now: Instant) -> tuple[Entry, list[Break]]:
        declared = self._table(table)
        _check_size(rows)
        checked = self._checks[table](rows)
        breaks = sorted([*checked.breaks, *_from_the_future(declared, checked, now)], key=lambda item: item.row)
        late = {item.row for item in breaks}
        good = [row for row, index in zip(checked.rows, checked.kept, strict=True) if index not in late]
        times: list[Instant] = [row[declared.event_time] for row in good]  # type: ignore[misc]
        digests = [fact_digest(table, row) for row in good]
        return Entry(table, now, good, digests, times, _refused(table, rows, breaks)), breaks

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, self._tables), table=name)
        return self._tables[name]


def _check_size(rows: Sequence[object]) -> None:
    if not rows:
        raise InvalidInput("There are no rows.", mend='Send at least one: {"rows": [{...}]}.')
    if len(rows) > MOST_ROWS:
        mend = f"Send at most {MOST_ROWS} at a time."
        raise TooLarge(f"There are {len(rows)} rows in one request.", mend=mend, limit=MOST_ROWS)


def _from_the_future(table: Table, checked: Checked, now: Instant) -> Iterator[Break]:
    latest = now + TOLERANCE
    name = table.event_time
    for row, index in zip(checked.rows, checked.kept, strict=True):
        at = row[name]
        if isinstance(at, int) and at > latest:
            problem = f"Column {name!r} is {format_instant(at)}, but now is {format_instant(now)}."
            mend = "Send an event once it has happened; check the producer's clock and offset."
            yield Break(index, name, "from_the_future", problem, mend)


def _refused(table: str, rows: Sequence[object], breaks: Sequence[Break]) -> list[RefusedRow]:
    by_row: dict[int, list[Break]] = {}
    for item in breaks:
        by_row.setdefault(item.row, []).append(item)
    return [_refused_row(table, rows[index], tuple(found)) for index, found in by_row.items()]


def _refused_row(table: str, row: object, breaks: tuple[Break, ...]) -> RefusedRow:
    try:
        content = json.dumps(row, default=repr, skipkeys=True)[:_LONGEST_REFUSED]
    except (RecursionError, ValueError):
        content = '"a row nested too deep, or of too many digits, to keep"'
    return RefusedRow(content, fact_digest(f"refused {table}", {"content": content}), breaks)
