"""Rebuilding a home's online store from its tables, whether or not it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.recorder.main import sole_writer
from homeostat.app.recorder.opening import Facts, open_stores
from homeostat.app.recorder.rebuilding import Progress, batches_until
from homeostat.app.settings import Settings
from homeostat.kernel.errors import NotFound, Unavailable

_POLL = 0.2
"""Seconds between two looks at a rebuild in another process."""
Report = Callable[[str, int, int], None]


def rebuild_online(settings: Settings, report: Report) -> dict[str, Any]:
    """Rebuild through the recorder when one runs, else here; returns the facts per table and the sequence reached.

    Raises: Unavailable when it could not be finished: the store is then as it was.
    """
    try:
        running = settings.paths.running()
    except NotFound:
        return _stopped(settings, report)
    client = BlockingRecorderClient(running.recorder_socket)
    try:
        return _through(client, report)
    finally:
        client.close()


def _through(client: BlockingRecorderClient, report: Report) -> dict[str, Any]:
    found = client.rebuild()
    pause = threading.Event()
    while found["running"]:
        report(_what(found["done"], found["total"]), found["done"], found["total"])
        pause.wait(_POLL)
        found = client.rebuilding()
    if found["failed"]:
        raise Unavailable(found["failed"]["problem"], mend=found["failed"]["mend"])
    return {"facts": found["facts"], "sequence": found["sequence"], "running": True}


def _stopped(settings: Settings, report: Report) -> dict[str, Any]:
    home = settings.paths.root
    loops = load_loops(settings.loop_file).values()
    tables = list({table.name: table for loop in loops for table in loop.tables}.values())
    features = [one for loop in loops for one in loop.online]
    with sole_writer(home):
        stores = open_stores(home, tables)
        online = SqliteOnlineStore(home / "online.sqlite")
        try:
            progress, last = Progress(), stores.journal.sequence()
            batches = batches_until(stores, tables, features, progress)
            online.rebuild(features, _told(batches, progress, report), last)
        finally:
            online.close()
            stores.journal.close()
        return {"facts": progress.facts, "sequence": last, "running": False}


def _told(batches: Iterator[Facts], progress: Progress, report: Report) -> Iterator[Facts]:
    for batch in batches:
        yield batch
        report(_what(progress.done, progress.total), progress.done, progress.total)


def _what(done: int, total: int) -> str:
    return "reading facts" if done < total else "indexing"
