"""The recorder's life: open, catch up, serve and drain until told to stop, then leave nothing behind."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from homeostat.adapters.sqlite.online import set_aside
from homeostat.app.home import Home
from homeostat.app.recorder.calls import Calls
from homeostat.app.recorder.drain import Drain, Stores
from homeostat.app.recorder.finding import FindCall, Finding
from homeostat.app.recorder.footing import Footing
from homeostat.app.recorder.housekeeping import Housekeeping
from homeostat.app.recorder.labels import Labelled, Labels
from homeostat.app.recorder.opening import open_online, open_stores
from homeostat.app.recorder.predictions import LoggedLoop
from homeostat.app.recorder.rebuilding import HeldStore, Rebuilding
from homeostat.app.recorder.server import SocketServer
from homeostat.app.tracing.calls import traced_answer
from homeostat.app.tracing.choosing import Traces
from homeostat.app.tracing.opening import open_tracer
from homeostat.app.tracing.tracer import Tracer
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.ingest import FellBehind, Ingest
from homeostat.features.online import Damaged, OnlineStore
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import Conflict, HomeostatError

DRAIN_SECONDS = 5.0
DRAIN_ROWS = 5_000
_SETTLING_SECONDS, _DAY_SECONDS = 60.0, 86_400.0
_PRUNE_EVERY = duration("1d")
_LOG = logging.getLogger("homeostat.recorder")


def run(
    home: Path,
    socket: str,
    tables: Sequence[Table],
    feature_sets: Sequence[FeatureSet],
    loops: Sequence[LoggedLoop],
    labelled: Sequence[Labelled] = (),
    traces: Traces | None = None,
) -> None:
    """Record facts for a home until SIGTERM or SIGINT; everything acknowledged is then in the tables.

    ``traces`` says where traces go; None for none.
    Raises: Conflict when another recorder writes to this home; IntegrityError when its files do not belong
    together.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with sole_writer(home):
        stores = open_stores(home, tables)
        files = home / "journal.sqlite", home / "online.sqlite"
        online = open_online(files[1], stores, tables, feature_sets)
        try:
            house = Housekeeping(Home(home), stores.tables, stores.log)
            tracer = open_tracer(traces, "recorder", "recorder")
            asyncio.run(
                _record(Path(socket), stores, online, tables, feature_sets, loops, labelled, house, tracer, files)
            )
            if tracer:
                tracer.close()
        finally:
            online.close()
            stores.journal.close()


async def _record(
    socket: Path,
    stores: Stores,
    store: OnlineStore,
    tables: Sequence[Table],
    features: Sequence[FeatureSet],
    loops: Sequence[LoggedLoop],
    labelled: Sequence[Labelled],
    house: Housekeeping,
    tracer: Tracer | None,
    files: Sequence[Path],
) -> None:
    online = HeldStore(store, stores.journal)
    ingest = Ingest(stores.journal, online, tables)
    ingest.catch_up()
    drain = Drain(stores, tables, loops)
    stop = asyncio.Event()
    upkeep = _Upkeep(drain, online, ingest.catch_up, behind=stop.set, put_aside=partial(set_aside, files[1]))
    names = [table.name for table in tables]
    calls = Calls(ingest, stores.journal, stores.quarantine, drain, names, house, news=upkeep.news)
    finding = Finding(stores.log, drain.predictions)
    labels = Labels(labelled, finding, otherwise=FindCall(finding, otherwise=calls.answer).answer)
    rebuilding = Rebuilding(online, stores, drain, tables, features, catch_up=ingest.catch_up, otherwise=labels.answer)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.gather(upkeep.run(), _keep_house(house))
    try:
        answer = traced_answer(rebuilding.answer, tracer) if tracer else rebuilding.answer
        async with SocketServer(socket, answer):
            _LOG.info("recording")
            leaving = asyncio.ensure_future(_leave(Footing([*files, socket]), stop))
            await stop.wait()
            leaving.cancel()
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await rebuilding.finish()
        await upkeep.drain()
        drain.close()


async def _leave(footing: Footing, stop: asyncio.Event) -> None:
    """Stop where a file that is written to has gone: a recorder that is started anew opens, rebuilds or tells it."""
    lost = await footing.until_lost()
    _LOG.error("%s was removed or replaced while it was in use; starting anew", ", ".join(map(str, lost)))
    stop.set()


async def _keep_house(house: Housekeeping) -> None:
    """Vacuum soon after the start, then once a day of processing time."""
    wait = _SETTLING_SECONDS
    while True:
        await asyncio.sleep(wait)
        try:
            await house.daily()
        except Exception:
            _LOG.exception("old files were not removed")
        wait = _DAY_SECONDS


class _Upkeep:
    """What happens by itself: draining after some rows or seconds, and keeping the online store up to date.

    ``behind`` is called where only a recorder that starts anew can bring that up to date.
    """

    def __init__(
        self,
        drain: Drain,
        online: OnlineStore,
        catch_up: Callable[[], None],
        behind: Callable[[], None],
        put_aside: Callable[[], None],
    ) -> None:
        self._drain, self._online, self._catch_up, self._behind = drain, online, catch_up, behind
        self._put_aside = put_aside
        self._many = asyncio.Event()
        self._now: Instant | None = None
        self._pruned: Instant | None = None
        self._trouble = ""

    def news(self, now: Instant) -> None:
        """Facts were accepted at ``now``."""
        self._now = now if self._now is None else max(now, self._now)
        if self._drain.backlog >= DRAIN_ROWS:
            self._many.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), DRAIN_SECONDS)
            self._many.clear()
            if not await self.drain():
                await asyncio.sleep(DRAIN_SECONDS)
            try:
                self._catch_up()
                self._prune()
            except FellBehind as error:
                _LOG.error("%s Starting anew", error.problem)
                self._behind()
            except Damaged as error:
                _LOG.error("%s It is put aside; starting anew", error.problem)
                self._put_aside()
                self._behind()
            except Exception:
                _LOG.exception("the online store was not brought up to date")

    async def drain(self) -> bool:
        """Store what waits; trouble is said once, and tried again later."""
        try:
            await self._drain.flush()
        except HomeostatError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                _LOG.error("not everything could be stored: %s", error)
            return False
        except Exception:
            _LOG.exception("draining failed")
            return False
        self._trouble = ""
        return True

    def _prune(self) -> None:
        if self._now is not None and (self._pruned is None or self._now - self._pruned >= _PRUNE_EVERY):
            self._pruned = self._now
            self._online.prune(self._now)


@contextmanager
def sole_writer(home: Path) -> Iterator[None]:
    """Hold a home's stores of facts for writing. Raises: Conflict when another process does."""
    handle = os.open(home / "recorder.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        mend = "Stop the other one, or give this one a home of its own."
        raise Conflict(f"Another recorder writes to {home}.", mend=mend, home=str(home)) from error
    try:
        yield
    finally:
        os.close(handle)
