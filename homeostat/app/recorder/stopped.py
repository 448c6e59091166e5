"""The recorder's use cases for a home that is not running: the same calls, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home, Running
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.recorder.calls import Calls
from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.frames import Header
from homeostat.app.recorder.housekeeping import Housekeeping
from homeostat.app.recorder.main import sole_writer
from homeostat.app.recorder.opening import open_online, open_stores
from homeostat.app.recorder.replies import Reply
from homeostat.app.settings import Settings
from homeostat.features.ingest import Ingest
from homeostat.kernel.errors import NotFound

_PATIENCE = 600.0
"""Seconds that a person waits for a large table."""


@contextmanager
def recorder_of(settings: Settings) -> Iterator[BlockingRecorderClient]:
    """The running recorder of a home, or one in this process that ends with the block.

    Raises: Conflict when a recorder writes to the home that cannot be asked.
    """
    home = settings.paths
    running = _running(home)
    if running is None:
        with _in_this_process(settings, home) as calls:
            yield _Direct(calls)
        return
    client = BlockingRecorderClient(running.recorder_socket, timeout=_PATIENCE)
    try:
        yield client
    finally:
        client.close()


def vacuum(settings: Settings, hours: int, *, dry_run: bool) -> Reply:
    """Vacuum the tables and logs of a home, through its recorder if one runs.

    Raises: Conflict when a recorder writes to the home that cannot be asked.
    """
    home = settings.paths
    running = _running(home)
    if running is None:
        with sole_writer(home.root):
            house = Housekeeping(home, DeltaTables(home.tables), DeltaTables(home.log), least_hours=0)
            return asyncio.run(house.vacuum(hours, dry_run=dry_run))
    client = BlockingRecorderClient(running.recorder_socket, timeout=_PATIENCE)
    try:
        return client.vacuum(hours, dry_run=dry_run)
    finally:
        client.close()


def _running(home: Home) -> Running | None:
    try:
        return home.running()
    except NotFound:
        return None


class _Direct(BlockingRecorderClient):
    """Asks the calls themselves, without a socket in between."""

    def __init__(self, calls: Calls) -> None:
        super().__init__("")
        self._calls = calls

    def _call(self, header: Header, body: bytes = b"") -> Reply:
        return asyncio.run(self._calls.answer(header, body))


@contextmanager
def _in_this_process(settings: Settings, home: Home) -> Iterator[Calls]:
    loops = load_loops(settings.loop_file).values()
    tables = {table.name: table for loop in loops for table in loop.tables}
    with sole_writer(home.root):
        stores = open_stores(home.root, list(tables.values()))
        features = [one for loop in loops for one in loop.online]
        online = open_online(home.root / "online.sqlite", stores, list(tables.values()), features)
        try:
            ingest = Ingest(stores.journal, online, list(tables.values()))
            ingest.catch_up()
            drain = Drain(stores, list(tables.values()), [])
            house = Housekeeping(home, stores.tables, stores.log, least_hours=0)
            yield Calls(ingest, stores.journal, stores.quarantine, drain, list(tables), house, news=lambda now: None)
            drain.close()
        finally:
            online.close()
            stores.journal.close()
