"""Rebuilding the online store from the tables while facts keep coming and features keep being served.

Readers see the old state until the new one is complete. What is accepted meanwhile waits in the journal, which
keeps it because nothing is drained, and is applied at the end.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from homeostat.app.recorder.calls import Reply
from homeostat.app.recorder.drain import Drain, Stores
from homeostat.app.recorder.frames import Header
from homeostat.app.recorder.opening import Facts, stored_facts, waiting_facts
from homeostat.data.journal import Journal
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.online import Batch, OnlineStore, Row
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError

_LOG = logging.getLogger("homeostat.recorder")


@dataclass(slots=True)
class Progress:
    """How far a rebuild is, in sequences read; ``facts`` counts those found per table."""

    running: bool = False
    done: int = 0
    total: int = 0
    sequence: int = -1
    facts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, object] | None = None


class HeldStore:
    """The online store as ingest and upkeep see it: while it is ``held``, it takes nothing and says so to nobody."""

    def __init__(self, store: OnlineStore, journal: Journal) -> None:
        self.store, self._journal, self.held = store, journal, False

    def prepare(self, features: Sequence[FeatureSet]) -> None:
        """Make ready for these definitions."""
        self.store.prepare(features)

    def rebuild(self, features: Sequence[FeatureSet], batches: Iterable[Batch], upto: int) -> None:
        """Replace everything."""
        self.store.rebuild(features, batches, upto)

    def apply(self, table: str, rows: Sequence[Row], first_sequence: int) -> None:
        """Take in facts; while held they wait in the journal."""
        if not self.held:
            self.store.apply(table, rows, first_sequence)

    def sequence(self) -> int:
        """The last sequence applied, or that will be once it is no longer held."""
        return self._journal.sequence() if self.held else self.store.sequence()

    def prune(self, now: Instant) -> int:
        """Forget what is old; nothing while held."""
        return 0 if self.held else self.store.prune(now)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


class Rebuilding:
    """Answers ``rebuild`` and ``rebuilding``, and hands every other call on."""

    def __init__(
        self,
        online: HeldStore,
        stores: Stores,
        drain: Drain,
        tables: Sequence[Table],
        features: Sequence[FeatureSet],
        *,
        catch_up: Callable[[], None],
        otherwise: Callable[[Header, bytes], Awaitable[Reply]],
    ) -> None:
        self._online, self._stores, self._drain = online, stores, drain
        self._tables, self._features = tables, features
        self._catch_up, self._otherwise = catch_up, otherwise
        self._progress = Progress()
        self._task: asyncio.Task[None] | None = None

    async def answer(self, header: Header, body: bytes) -> Reply:
        """Begin a rebuild, or say how far one is; both at once. Another call is another's."""
        call = header.get("call")
        if call not in ("rebuild", "rebuilding"):
            return await self._otherwise(header, body)
        if call == "rebuild" and not self._progress.running:
            self._progress = Progress(running=True)
            self._task = asyncio.create_task(self._run(self._progress))
        return dataclasses.asdict(self._progress)

    async def finish(self) -> None:
        """Wait for a rebuild that is under way."""
        if self._task is not None:
            await self._task

    async def _run(self, progress: Progress) -> None:
        try:
            await self._drain.flush()
            async with self._drain.held():
                await self._rebuild(progress)
        except HomeostatError as error:
            progress.failed = error.to_dict()
            _LOG.error("the online store was not rebuilt: %s", error)
        except Exception as error:
            progress.failed = {"problem": f"The rebuild failed: {error}.", "mend": "See the recorder's log."}
            _LOG.exception("the online store was not rebuilt")
        finally:
            progress.running = False

    async def _rebuild(self, progress: Progress) -> None:
        upto = self._stores.journal.sequence()
        batches = batches_until(self._stores, self._tables, self._features, progress)
        self._online.held = True
        try:
            await asyncio.to_thread(self._online.store.rebuild, self._features, batches, upto)
            progress.sequence = upto
        finally:
            self._online.held = False
            self._catch_up()


def batches_until(
    stores: Stores, tables: Sequence[Table], features: Sequence[FeatureSet], progress: Progress
) -> Iterator[Facts]:
    """Every fact accepted by now of the tables that views read; the journal is read at once, tables as needed."""
    read = {view.table.name for one in features for view in one.views}
    chosen = [table for table in tables if table.name in read]
    waiting = [list(waiting_facts(stores, table)) for table in chosen]
    progress.total = len(chosen) * (stores.journal.sequence() + 1)
    progress.facts = {table.name: 0 for table in chosen}
    return _counted(stores, chosen, waiting, progress)


def _counted(
    stores: Stores, tables: Sequence[Table], waiting: Sequence[Sequence[Facts]], progress: Progress
) -> Iterator[Facts]:
    whole = progress.total // max(len(tables), 1)
    for number, (table, rest) in enumerate(zip(tables, waiting, strict=True)):
        for name, rows, sequences in chain(stored_facts(stores, table), rest):
            yield name, rows, sequences
            progress.facts[name] += len(rows)
            progress.done = number * whole + sequences[-1] + 1
        progress.done = (number + 1) * whole
