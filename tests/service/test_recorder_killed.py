"""A recorder killed anywhere loses nothing that it acknowledged, and doubles nothing."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.spool import FileSpool
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import (
    Unavailable,
)
from tests.harness.running import until
from tests.service.recorder_rig import (
    NOW,
    START,
    Recorder,
    arrival,
    online_equals_tables,
    prediction,
    running,
)

pytestmark = pytest.mark.service


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with running(tmp_path / "home") as made:
        yield made


def test_a_lost_online_store_is_rebuilt_from_tables_and_journal(recorder):
    recorder.send("arrivals", *(arrival(n) for n in range(200)))
    recorder.send("weather", {"origin": "JFK", "hour": 1, "observed_at": format_instant(START), "visib": 10})
    recorder.client.flush()
    recorder.send("arrivals", *(arrival(n) for n in range(200, 300)))
    recorder.kill()
    for file in recorder.home.glob("online.sqlite*"):
        file.unlink()
    recorder.start()
    online_equals_tables(recorder, recorder.client.flush().sequence)


class Load:
    """Sends batches of new rows for ever, each until it is acknowledged, and predictions beside."""

    def __init__(self, recorder: Recorder) -> None:
        self.socket, self.spool_folder = recorder.socket, recorder.home / "spool" / "predictions"
        self.stop = threading.Event()
        self.acknowledged: set[str] = set()
        self.predicted: set[str] = set()
        self.failed: list[BaseException] = []
        self.threads = [threading.Thread(target=self.watched, args=(work,)) for work in (self.send, self.predict)]
        for thread in self.threads:
            thread.start()

    def watched(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.failed.append(error)

    def send(self) -> None:
        client = BlockingRecorderClient(self.socket)
        chance = random.Random(7)
        first = 0
        while not self.stop.is_set():
            rows = [arrival(n) for n in range(first, first + chance.randint(1, 60))]
            first += len(rows)
            body = json.dumps({"rows": rows}).encode()
            self.until_acknowledged(lambda body=body: client.events("arrivals", body, NOW))
            self.acknowledged |= {str(row["flight_id"]) for row in rows}
            if chance.random() < 0.2:
                self.until_acknowledged(client.flush)
        client.close()

    def until_acknowledged(self, call: Callable[[], object]) -> None:
        pause = threading.Event()
        while True:
            try:
                call()
                return
            except Unavailable:
                pause.wait(0.02)

    def predict(self) -> None:
        asyncio.run(self.predict_on())

    async def predict_on(self) -> None:
        spool = FileSpool(self.spool_folder, segment_bytes=40_000)
        n = 0
        while not self.stop.is_set():
            records = [prediction(n + k) for k in range(10)]
            n += 10
            await spool.append(records)
            self.predicted |= {record.prediction_id for record in records}
            await asyncio.sleep(0.005)
        await spool.close()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_anywhere_under_load_it_loses_and_doubles_nothing(recorder):
    recorder.send("weather", {"origin": "JFK", "hour": 1, "observed_at": format_instant(START), "visib": 10})
    load = Load(recorder)
    chance = random.Random(11)
    try:
        for _ in range(8):
            goal = len(load.acknowledged) + chance.randint(1, 1_500)
            until(lambda goal=goal: load.failed or len(load.acknowledged) >= goal)
            recorder.kill()
            recorder.start()
    finally:
        load.end()
    assert load.failed == []
    sequence = recorder.client.flush().sequence
    rows = recorder.stored("arrivals")
    stored = rows["flight_id"].to_pylist()
    assert len(stored) == len(set(stored))
    assert set(stored) == load.acknowledged
    assert rows["_sequence"].to_pylist() == list(range(1, sequence + 1))
    logged = DeltaTables(recorder.home / "log").read("late-arrival")["prediction_id"].to_pylist()
    assert len(logged) == len(set(logged))
    assert set(logged) == load.predicted
    assert recorder.client.status()["tables"]["arrivals"]["rows"] == len(stored)
    online_equals_tables(recorder, sequence)
    recorder.kill()
    recorder.start()
    assert recorder.client.flush().sequence == sequence
    assert recorder.stored("arrivals").num_rows == len(stored)
