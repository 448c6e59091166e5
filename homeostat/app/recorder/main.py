"""The recorder's life: open, catch up, serve and drain until told to stop, then leave nothing behind."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator, Sequence
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
from homeostat.app.recorder.troubles import Troubles
from homeostat.app.recorder.upkeep import Upkeep
from homeostat.app.tracing.calls import traced_answer
from homeostat.app.tracing.choosing import Traces
from homeostat.app.tracing.opening import open_tracer
from homeostat.app.tracing.tracer import Tracer
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.ingest import Ingest
from homeostat.features.online import OnlineStore
from homeostat.kernel.errors import Conflict

_WAIT_SECONDS = 0.01
"""How long the event loop stands still while another process holds a file that is written to."""
_SETTLING_SECONDS, _DAY_SECONDS = 60.0, 86_400.0
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
        stores = open_stores(home, tables, _WAIT_SECONDS)
        files = home / "journal.sqlite", home / "online.sqlite"
        online = open_online(files[1], stores, tables, feature_sets, _WAIT_SECONDS)
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
    drain, troubles = Drain(stores, tables, loops, online.sequence), Troubles()
    stop = asyncio.Event()
    upkeep = Upkeep(drain, online, ingest.catch_up, stop.set, partial(set_aside, files[1]), troubles)
    names = [table.name for table in tables]
    news = upkeep.news
    calls = Calls(ingest, stores.journal, stores.quarantine, drain, names, house, news=news, troubles=troubles)
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
