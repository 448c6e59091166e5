"""Moves what was acknowledged into the versioned tables and logs: often by itself, and at once when asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from homeostat.adapters.delta.rows import facts_of
from homeostat.app.recorder.predictions import LoggedLoop, Predictions
from homeostat.app.recorder.replies import Flushed
from homeostat.data.journal import JOURNAL_WRITER, Batch, HistoryJournal, Journal, Quarantine
from homeostat.data.tables import Table, TableStore
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Held, HomeostatError

_ROWS_AT_ONCE = 30_000
_T = TypeVar("_T")
_LOG = logging.getLogger("homeostat.recorder")


@dataclass(frozen=True, slots=True)
class Stores:
    """Where facts and predictions are read from and stored to; ``spool`` is the folder of all spools."""

    journal: Journal
    quarantine: Quarantine
    history: HistoryJournal
    tables: TableStore
    log: TableStore
    spool: Path


class Drain:
    """Drains the journal and the prediction spool; one commit per table that has news, none for idle ones.

    The journal is touched on the event loop's thread only; encoding and commits run in worker threads, so
    that accepting never waits for them. Whatever is killed where, every fact is stored once: each commit
    carries how far its writer has come. The journal lets go of what is stored once ``applied`` says that the online
    store has it, too.
    """

    def __init__(
        self,
        stores: Stores,
        tables: Sequence[Table],
        loops: Sequence[LoggedLoop],
        applied: Callable[[], int] | None = None,
    ) -> None:
        self._stores = stores
        self._applied = applied or stores.journal.sequence
        self._ends: dict[str, int] = {}
        self._tables = {table.name: table for table in tables}
        self.predictions = Predictions(stores.spool, stores.log, loops)
        versions = {name: stores.tables.version(name) for name in self._tables}
        self._versions = {name: version for name, version in versions.items() if version >= 0}
        first = stores.journal.pending(limit=1)
        self._drained = first[0].first_sequence - 1 if first else stores.journal.sequence()
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
            return Flushed(dict(self._versions), dict(self.predictions.versions), upto)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Store nothing, so that the journal lets nothing go, until the block ends."""
        async with self._one_at_a_time:
            yield

    def let_go(self) -> None:
        """Make the journal forget what is in its table and online. Raises: Held while another process holds it."""
        applied = self._applied()
        self._stores.journal.forget([(name, min(last, applied)) for name, last in self._ends.items()])
        self._ends = {name: last for name, last in self._ends.items() if last > applied}

    def newest_event(self) -> Instant | None:
        """The newest event time of all tables."""
        known = (self._stores.journal.counts(name).newest_event for name in self._tables)
        return max((at for at in known if at is not None), default=None)

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
            self._say_strange(name)
            del by_table[name]
        results = await asyncio.gather(*(self._in_thread(self._append, n, b) for n, b in by_table.items()))
        stored = [item for item in results if not isinstance(item, HomeostatError)]
        self._ends |= {name: last for name, last, _ in stored}
        with suppress(Held):  # what is stored is stored: the journal lets go of it later
            self.let_go()
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
        result = await self._in_thread(self.predictions.drain)
        return [result] if isinstance(result, HomeostatError) else []

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T | HomeostatError:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except HomeostatError as error:
            return error

    def _say_strange(self, table: str) -> None:
        if table not in self._strange:
            self._strange.add(table)
            _LOG.warning("facts of table %r wait: the loop file no longer declares it", table)
