"""Opens a home's stores and brings the online features to the last acknowledged fact, whatever happened."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import LOG_SOUGHT, sought_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.holding import PATIENCE
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.adapters.sqlite.online import SqliteOnlineStore, set_aside
from homeostat.app.home import Home
from homeostat.app.recorder.drain import Stores
from homeostat.data.contracts import Row
from homeostat.data.journal import JOURNAL_WRITER, Batch, Journal
from homeostat.data.tables import SEQUENCE, Table, TableStore
from homeostat.features.definitions import FeatureSet
from homeostat.features.online import Damaged, OnlineStore, OutOfDate
from homeostat.kernel.errors import IntegrityError

_ROWS_AT_ONCE = 50_000
_LOG = logging.getLogger("homeostat.recorder")
Facts = tuple[str, Sequence[Row], Sequence[int]]


def open_stores(home: Path, tables: Sequence[Table], wait: float = PATIENCE) -> Stores:
    """Open, or make, everything that the recorder writes; ``wait`` is the journal's.

    Raises: IntegrityError when the tables hold facts that the journal never numbered: it would number twice; or lack
    facts that it let go.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    sought = {table.name: sought_of(table) for table in tables}
    facts = DeltaTables(home / "tables", sought=sought.get)
    stored = max((facts.committed(table.name, JOURNAL_WRITER) for table in tables), default=-1)
    if stored >= 0 and not (home / "journal.sqlite").exists():
        raise _other_journal(home, stored, "there is no journal.sqlite")
    journal = SqliteJournal(home / "journal.sqlite", wait=wait)
    stores = Stores(
        journal,
        journal,
        journal,
        facts,
        DeltaTables(home / "log", sought=lambda _: LOG_SOUGHT),
        Home(home).spool / "predictions",
    )
    if stored > stores.journal.sequence():
        stores.journal.close()
        raise _other_journal(home, stored, f"the journal ends at {stores.journal.sequence()}")
    for table in tables:
        _refuse_lost(stores, table.name, home)
    return stores


def _refuse_lost(stores: Stores, table: str, home: Path) -> None:
    """Raises: IntegrityError where facts that the journal let go, since they were stored, are not in their table."""
    last, done = stores.journal.counts(table).sequence, stores.tables.committed(table, JOURNAL_WRITER)
    waiting = (batch for batch in _pending(stores.journal, done) if batch.table == table) if last > done else ()
    if last <= done or any(batch.last_sequence >= last for batch in waiting):
        return
    stores.journal.close()
    found = f"its newest is {done}" if done >= 0 else "it is not there"
    raise IntegrityError(
        f"Facts of table {table!r} up to {last} were stored in {home / 'tables' / table}, but {found}.",
        mend=f"Put the tables/{table} back that belongs to {home}, or a copy of the whole folder. Nothing was changed.",
        table=table,
        last=last,
        found=done,
    )


def _pending(journal: Journal, after: int) -> Iterator[Batch]:
    """What the journal keeps behind a sequence, some at a time."""
    while batches := journal.pending(after):
        yield from batches
        after = batches[-1].last_sequence


def _other_journal(home: Path, stored: int, found: str) -> IntegrityError:
    return IntegrityError(
        f"The tables hold fact {stored}, but {found}.",
        mend=f"Put the journal.sqlite back that belongs to {home}, or start with a new home.",
        stored=stored,
    )


def open_online(
    path: Path, stores: Stores, tables: Sequence[Table], features: Sequence[FeatureSet], wait: float = PATIENCE
) -> SqliteOnlineStore:
    """The online store, up to date; one that is damaged is put aside, since all of it is rebuilt from the tables."""
    try:
        return _brought_up(path, stores, tables, features, wait)
    except Damaged as error:
        _LOG.error("%s It is kept as %s.damaged, and made anew", error.problem, path.name)
        set_aside(path)
        return _brought_up(path, stores, tables, features, wait)


def _brought_up(
    path: Path, stores: Stores, tables: Sequence[Table], features: Sequence[FeatureSet], wait: float
) -> SqliteOnlineStore:
    online = SqliteOnlineStore(path, wait=wait)
    try:
        bring_up_to_date(online, stores, tables, features)
    except BaseException:
        online.close()
        raise
    return online


def bring_up_to_date(
    online: OnlineStore, stores: Stores, tables: Sequence[Table], features: Sequence[FeatureSet]
) -> None:
    """Give the online store what it lacks: from the journal, or all of it from the tables and the journal."""
    last = stores.journal.sequence()
    try:
        online.prepare(features)
        if online.sequence() <= last and _in_journal(stores.journal, online.sequence()):
            return  # the ingest use case catches up by itself
    except OutOfDate as reason:
        _LOG.warning("%s", reason.problem)
    _LOG.warning("the online store is rebuilt from the tables")
    read = {view.table.name for one in features for view in one.views}
    online.rebuild(features, _facts(stores, [table for table in tables if table.name in read]), last)


def _in_journal(journal: Journal, at: int) -> bool:
    """Whether everything after a sequence is still in the journal."""
    if at == journal.sequence():
        return True
    expected = at + 1
    while expected <= journal.sequence():
        batches = journal.pending(expected - 1)
        for batch in batches:
            if batch.first_sequence != expected:
                return False
            expected = batch.last_sequence + 1
        if not batches:
            return False
    return True


def _facts(stores: Stores, tables: Sequence[Table]) -> Iterator[Facts]:
    """Every fact of some tables: the stored ones, then those that still wait."""
    for table in tables:
        yield from stored_facts(stores, table)
        yield from waiting_facts(stores, table)


def stored_facts(stores: Stores, table: Table) -> Iterator[Facts]:
    """Facts of a table that are stored."""
    yield from _stored(stores.tables, table, stores.tables.committed(table.name, JOURNAL_WRITER))


def waiting_facts(stores: Stores, table: Table) -> Iterator[Facts]:
    """Facts of a table that only the journal has yet."""
    yield from _waiting(stores.journal, table, stores.tables.committed(table.name, JOURNAL_WRITER))


def _stored(store: TableStore, table: Table, last: int) -> Iterator[Facts]:
    if store.version(table.name) < 0:
        return
    for low in range(0, last + 1, _ROWS_AT_ONCE):
        within = (pc.field(SEQUENCE) >= low) & (pc.field(SEQUENCE) < low + _ROWS_AT_ONCE)
        rows = store.read(table.name, where=within)
        if rows.num_rows:
            yield table.name, _rows(table, rows), rows[SEQUENCE].to_pylist()


def _rows(table: Table, stored: pa.Table) -> list[Row]:
    names = list(table.contract)
    columns = [_plain(stored, name) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(stored: pa.Table, name: str) -> list[Any]:
    """A column as parsed values; one that the contract gained later is null in every row."""
    if name not in stored.column_names:
        return [None] * stored.num_rows
    column = stored[name]
    return list((column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist())


def _waiting(journal: Journal, table: Table, after: int) -> Iterator[Facts]:
    for batch in _pending(journal, after):
        if batch.table == table.name:
            yield batch.table, batch.rows(), batch.sequences
