"""A recorder process on a home of its own, rows to send it, and the check that nothing went astray."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.data.records import PredictionRecord
from homeostat.features.offline import point_in_time
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.kernel.clock import format_instant, parse_instant
from homeostat.kernel.errors import (
    Unavailable,
)
from tests.harness.running import ROOT, until
from tests.service.recorder_process import ASKED, FEATURES

START = parse_instant("2013-01-01T00:00:00Z")
NOW = parse_instant("2013-02-01T00:00:00Z")
MINUTE = 60_000_000
SECONDS = 10_000_000
OF_ITS_OWN = "tests.service.recorder_process"


class Recorder:
    """A recorder process on a home of its own, and a blocking client of it."""

    def __init__(self, home: Path, socket: str, module: str = OF_ITS_OWN) -> None:
        self.home, self.socket, self.module = home, socket, module
        self.client = BlockingRecorderClient(socket)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, str(self.home), self.socket]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        try:
            self.client.status()
        except Unavailable:
            return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def stop(self) -> int:
        self.process.terminate()
        return self.end()

    def end(self) -> int:
        code = self.process.wait(60)
        if self.process.stderr:
            self.process.stderr.close()
        return code

    def send(self, table: str, *rows: object) -> dict[str, Any]:
        return self.client.events(table, json.dumps({"rows": rows}).encode(), NOW)

    def stored(self, table: str, **options: Any) -> pa.Table:
        return DeltaTables(self.home / "tables").read(table, **options)


@contextmanager
def running(home: Path, module: str = OF_ITS_OWN) -> Iterator[Recorder]:
    """A recorder that is killed at the end, if it still runs."""
    with tempfile.TemporaryDirectory(prefix="rec-") as folder:
        made = Recorder(home, f"{folder}/s/socket", module)
        try:
            yield made
        finally:
            made.client.close()
            if made.process.poll() is None:
                made.kill()


def arrival(n: int, **changes: object) -> dict[str, object]:
    return {
        "flight_id": f"f{n}",
        "arrived_at": format_instant(START + n * SECONDS),
        "carrier": f"C{n % 5}",
        "origin": ["EWR", "JFK", "LGA"][n % 3],
        "arr_delay": None if n % 7 == 0 else float(n % 90),
        **changes,
    }


def prediction(n: int) -> PredictionRecord:
    question = {"flight_id": f"f{n}", "asked_at": START, "carrier": "C1", "origin": "JFK", "hour": n % 24}
    features = ["C1", n % 24, None, 2.5, 0.0, 3.0, None, 2.5, 0.0, 3.0, 10.0]
    return PredictionRecord(
        f"p{n}",
        "late-arrival",
        f'["f{n}"]',
        START,
        NOW,
        3,
        "v1",
        "champion",
        1,
        0.25,
        False,
        900,
        False,
        question,
        features,
    )


def online_equals_tables(recorder: Recorder, sequence: int) -> None:
    """Features of one question per carrier and origin, asked at many times, are equal online and offline."""
    times = [START + n * 7 * MINUTE for n in range(40)]
    rows = [
        {
            "flight_id": f"q{n}",
            "asked_at": at,
            "carrier": f"C{n % 5}",
            "origin": ["EWR", "JFK", "LGA"][n % 3],
            "hour": n % 24,
        }
        for n, at in enumerate(times)
    ]
    reader = SqliteOnlineReader(recorder.home / "online.sqlite")
    with reader.snapshot() as snapshot:
        assert snapshot.sequence == sequence
        served = lookup(FEATURES, rows, times, snapshot).values
    reader.close()
    asked = {name: [row[name] for row in rows] for name in ASKED.contract}
    question = pa.table({**asked, "_time": times, "_sequence": [sequence] * len(rows)})
    store = DeltaTables(recorder.home / "tables")
    tables = {name: store.read(name) for name in FEATURES.tables}
    offline = point_in_time(FEATURES, question, tables)
    assert not compare(FEATURES, served, offline)
    assert np.nansum(offline["carrier_landed_24h"]) > 0
