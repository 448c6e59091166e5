"""Taking events in on one core, beside the least that any store of them must do: ``python -m benchmarks.ingest``.

Ours is everything from a request's bytes on: decoding, contract, identity, journal, online features, Delta table.
The peer only inserts the rows, decoded for free, into a SQLite table of their columns and appends them to a Delta
table, with commits as often as ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

REQUEST, DRAIN = 1_000, 5_000
Row = dict[str, Any]
Work = Iterator[None]
"""Prepares, works and tidies up, in three steps."""


def main() -> None:
    """Print JSON: rows per second of ours and of the peer, and their ratio."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library counts the cores
    rows, table, features = _flights(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
    with tempfile.TemporaryDirectory() as folder:
        peer = _timed(_peer, Path(folder) / "peer", table, rows)
        ours = _timed(_ours, Path(folder) / "ours", table, rows, features)
    print(json.dumps({"rows": len(rows), "ours": ours, "peer": peer, "ratio": ours["cpu"] / peer["cpu"]}))


def _flights(most: int) -> tuple[list[Row], Any, Any]:
    from examples.flights.driver import midnight
    from examples.flights.loop import arrivals, loop
    from examples.flights.source import load

    parts = load().quarters(midnight_of(midnight, 3), midnight_of(midnight, 5))
    return [row for part in parts for row in part.arrivals][:most], arrivals, loop.feature_set


def midnight_of(midnight: Any, month: int) -> int:
    """The instant at which a month of 2013 begins."""
    from datetime import date

    return int(midnight(date(2013, month, 1)))


def _timed(work: Callable[..., Work], folder: Path, table: Any, rows: Sequence[Row], *more: Any) -> dict[str, float]:
    """Rows per second of the clock, and per second of processor time: others may use the core too."""
    steps = work(folder, table, rows, *more)
    next(steps)
    clock, cpu = time.perf_counter(), time.process_time()
    next(steps)
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    next(steps, None)
    return {"clock": len(rows) / clock, "cpu": len(rows) / cpu}


def _ours(folder: Path, table: Any, rows: Sequence[Row], features: Any) -> Work:
    from homeostat.adapters.sqlite.online import SqliteOnlineStore
    from homeostat.app.recorder.calls import rows_of
    from homeostat.app.recorder.drain import Drain
    from homeostat.app.recorder.opening import bring_up_to_date, open_stores
    from homeostat.features.ingest import Ingest
    from homeostat.kernel.clock import parse_instant

    bodies = [json.dumps({"rows": rows[at : at + REQUEST]}).encode() for at in range(0, len(rows), REQUEST)]
    now = parse_instant("2013-12-31T00:00:00Z")
    stores = open_stores(folder, [table])
    online = SqliteOnlineStore(folder / "online.sqlite")
    bring_up_to_date(online, stores, [table], [features])
    ingest, drain = Ingest(stores.journal, online, [table]), Drain(stores, [table], [])
    yield
    for body in bodies:
        ingest.accept(table.name, rows_of(body), now)
        if drain.backlog >= DRAIN:
            asyncio.run(drain.flush())
    asyncio.run(drain.flush())
    yield
    assert stores.journal.counts(table.name).rows == stores.tables.describe(table.name).rows == len(rows)
    drain.close()
    online.close()
    stores.journal.close()


def _peer(folder: Path, table: Any, rows: Sequence[Row]) -> Work:
    import pyarrow as pa
    from deltalake import write_deltalake

    folder.mkdir()
    names = list(table.contract)
    lines = [tuple(row.get(name) for name in names) for row in rows]
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    db.execute(f"CREATE TABLE bare ({', '.join(names)})")
    yield
    for at in range(0, len(lines), REQUEST):
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO bare VALUES ({','.join('?' * len(names))})", lines[at : at + REQUEST])
        db.execute("COMMIT")
    for at in range(0, len(lines), DRAIN):
        columns = dict(zip(names, zip(*lines[at : at + DRAIN], strict=True), strict=True))
        write_deltalake(
            folder / "bare", pa.table({name: list(values) for name, values in columns.items()}), mode="append"
        )
    yield
    db.close()


if __name__ == "__main__":
    main()
