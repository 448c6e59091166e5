"""Moves what was acknowledged into the versioned tables and logs: often by itself, and at once when asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa

from homeostat.adapters.delta.rows import facts_of, log_of
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.app.recorder.client import Flushed
from homeostat.data.journal import Batch, Journal, Quarantine
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import Table, TableStore
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Conflict, HomeostatError

JOURNAL_WRITER = "journal"
SPOOL_WRITER = "spool"
_ROWS_AT_ONCE = 30_000
_RECORDS_AT_ONCE = 8_000
_T = TypeVar("_T")
_LOG = logging.getLogger("homeostat.recorder")


@dataclass(frozen=True, slots=True)
class LoggedLoop:
    """A loop as its prediction log needs it: what it is served with now, and was before, by hash."""

    name: str
    now: Logged
    known: Mapping[str, Logged] = field(default_factory=dict)

    def made_with(self, record: PredictionRecord) -> Logged:
        """What a record's features are. Raises: Conflict for features that nobody remembers."""
        if record.definitions in ("", self.now.hash):  # "": from before records told
            return self.now
        if record.definitions not in self.known:
            raise Conflict(
                f"Predictions of {self.name!r} wait to be stored that were made with features unknown here.",
                mend="Put the folder definitions/ of this home back.",
                loop=self.name,
                definitions=record.definitions,
            )
        return self.known[record.definitions]


@dataclass(frozen=True, slots=True)
class Stores:
    """Where facts and predictions are read from and stored to."""

    journal: Journal
    quarantine: Quarantine
    tables: TableStore
    log: TableStore
    spool: SpoolReader


class Drain:
    """Drains the journal and the prediction spool; one commit per table that has news, none for idle ones.

    The journal is touched on the event loop's thread only; encoding and commits run in worker threads, so
    that accepting never waits for them. Whatever is killed where, every fact is stored once: each commit
    carries how far its writer has come.
    """

    def __init__(self, stores: Stores, tables: Sequence[Table], loops: Sequence[LoggedLoop]) -> None:
        self._stores = stores
        self._tables = {table.name: table for table in tables}
        self._loops = {loop.name: loop for loop in loops}
        self._versions = _known(stores.tables.version, self._tables)
        self._log_versions = _known(stores.log.version, self._loops)
        first = stores.journal.pending(limit=1)
        self._drained = first[0].first_sequence - 1 if first else stores.journal.sequence()
        self._read = -1
        self._held: int | None = None
        self._strange: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="drain")

    @property
    def backlog(self) -> int:
        """Facts accepted since the last one below which every table is stored."""
        return self._stores.journal.sequence() - self._drained

    async def flush(self) -> Flushed:
        """Store everything acknowledged before this call.

        Raises: the first error of any table or log, after all others were stored.
        """
        async with self._one_at_a_time:
            upto = self._stores.journal.sequence()
            failed = [*await self._journal(upto), *await self._spool()]
            if failed:
                raise failed[0]
            return Flushed(dict(self._versions), dict(self._log_versions), upto)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Store nothing, so that the journal lets nothing go, until the block ends."""
        async with self._one_at_a_time:
            yield

    def close(self) -> None:
        """Wait for what is being written."""
        self._threads.shutdown()

    async def _journal(self, upto: int) -> list[HomeostatError]:
        failed: dict[str, HomeostatError] = {}
        after = self._drained
        while after < upto:
            batches = self._stores.journal.pending(after, upto=upto, limit=_ROWS_AT_ONCE)
            if not batches:
                break
            after = batches[-1].last_sequence
            # A table that failed waits for the next pass: storing its later facts would skip these.
            failed |= await self._store([batch for batch in batches if batch.table not in failed])
        if not failed:
            self._drained = upto
        return list(failed.values())

    async def _store(self, batches: Sequence[Batch]) -> dict[str, HomeostatError]:
        by_table: dict[str, list[Batch]] = {}
        for batch in batches:
            by_table.setdefault(batch.table, []).append(batch)
        for name in by_table.keys() - self._tables.keys():
            self._say_strange(f"table {name!r}", "facts")
            del by_table[name]
        results = await asyncio.gather(*(self._in_thread(self._append, n, b) for n, b in by_table.items()))
        stored = [item for item in results if not isinstance(item, HomeostatError)]
        self._stores.journal.forget([(name, last) for name, last, _ in stored])
        self._versions.update({name: version for name, _, version in stored})
        return {n: r for n, r in zip(by_table, results, strict=True) if isinstance(r, HomeostatError)}

    def _append(self, name: str, batches: Sequence[Batch]) -> tuple[str, int, int]:
        last = batches[-1].last_sequence
        done = self._stores.tables.committed(name, JOURNAL_WRITER)
        new = [batch for batch in batches if batch.first_sequence > done]
        if not new:
            return name, last, self._stores.tables.version(name)
        rows = facts_of(self._tables[name], new)
        return name, last, self._stores.tables.append(name, rows, writer=JOURNAL_WRITER, upto=last)

    async def _spool(self) -> list[HomeostatError]:
        while True:
            result = await self._in_thread(self._spool_part)
            if isinstance(result, HomeostatError):
                return [result]
            # A part that is not full reached the end: what has come since then is for the next flush,
            # which otherwise would never end while predictions are made.
            if result < _RECORDS_AT_ONCE:
                return []

    def _spool_part(self) -> int:
        drained = self._stores.spool.read(self._read, _RECORDS_AT_ONCE)
        for damage in drained.damage:
            _LOG.warning("spool segment %d: %s", damage.segment, damage)
        by_loop: dict[str, list[tuple[int, PredictionRecord]]] = {}
        before = self._read
        for place, record in drained.records:
            if record.loop in self._loops:
                by_loop.setdefault(record.loop, []).append((place, record))
            else:
                self._say_strange(f"loop {record.loop!r}", "predictions")
                self._held = before if self._held is None else self._held
            before = place
        for name, records in by_loop.items():
            self._append_log(name, records, drained.upto)
        self._read = drained.upto
        if drained.records:
            self._stores.spool.delete_through(self._read if self._held is None else self._held)
        return len(drained.records)

    def _append_log(self, name: str, records: Sequence[tuple[int, PredictionRecord]], upto: int) -> None:
        done = self._stores.log.committed(name, SPOOL_WRITER)
        new = [(place, record) for place, record in records if place > done]
        if not new:
            return
        by_features: dict[str, list[tuple[int, PredictionRecord]]] = {}
        made_with = {one.hash: one for one in (self._loops[name].made_with(record) for _, record in new)}
        for place, record in new:
            by_features.setdefault(record.definitions or self._loops[name].now.hash, []).append((place, record))
        parts = [log_of(made_with[one], placed) for one, placed in by_features.items()]
        rows = pa.concat_tables(parts, promote_options="default")
        self._log_versions[name] = self._stores.log.append(name, rows, writer=SPOOL_WRITER, upto=upto)

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T | HomeostatError:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except HomeostatError as error:
            return error

    def _say_strange(self, what: str, of: str) -> None:
        if what not in self._strange:
            self._strange.add(what)
            _LOG.warning("%s of %s wait: the loop file no longer declares it", of, what)


def _known(version: Callable[[str], int], names: Iterable[str]) -> dict[str, int]:
    found = {name: version(name) for name in names}
    return {name: number for name, number in found.items() if number >= 0}
