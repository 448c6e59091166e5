"""A real recorder process: it loses nothing that it acknowledged and doubles nothing, wherever it is killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.recorder.client import BlockingRecorderClient, RecorderClient
from homeostat.app.recorder.frames import LENGTH
from homeostat.data.records import PredictionRecord
from homeostat.features.offline import point_in_time
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.kernel.clock import format_instant, parse_instant
from homeostat.kernel.errors import (
    Conflict,
    ContractBroken,
    HomeostatError,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)
from tests.service.recorder_process import ASKED, FEATURES

pytestmark = pytest.mark.service

ROOT = Path(__file__).resolve().parents[2]
START = parse_instant("2013-01-01T00:00:00Z")
NOW = parse_instant("2013-02-01T00:00:00Z")
MINUTE = 60_000_000
SECONDS = 10_000_000


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        pause.wait(0.01)


class Recorder:
    """A recorder process on a home of its own, and a blocking client of it."""

    def __init__(self, home: Path, socket: str) -> None:
        self.home, self.socket = home, socket
        self.client = BlockingRecorderClient(socket)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.service.recorder_process", str(self.home), self.socket]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        wait_until(self.answers)

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


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with tempfile.TemporaryDirectory(prefix="rec-") as folder:
        made = Recorder(tmp_path / "home", f"{folder}/s/socket")
        yield made
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


def test_what_is_flushed_is_stored_in_one_version_and_an_idle_flush_makes_none(recorder):
    recorder.send("arrivals", arrival(1), arrival(2))
    recorder.send("weather", {"origin": "JFK", "hour": 1, "observed_at": format_instant(START), "visib": 10})
    first = recorder.client.flush()
    assert first.sequence == 2
    assert first.versions.keys() == {"arrivals", "weather"}
    assert recorder.client.flush() == first
    recorder.send("arrivals", arrival(3))
    second = recorder.client.flush()
    assert second.versions == {**first.versions, "arrivals": first.versions["arrivals"] + 1}
    rows = recorder.stored("arrivals", version=second.versions["arrivals"]).to_pylist()
    assert [row["flight_id"] for row in rows] == ["f1", "f2", "f3"]
    assert [row["_sequence"] for row in rows] == [0, 1, 3]
    assert recorder.stored("arrivals", version=first.versions["arrivals"]).num_rows == 2


def test_predictions_are_logged_with_question_and_features_and_their_spool_is_let_go(recorder):
    spool_folder = recorder.home / "spool" / "predictions"

    async def predict(first: int) -> None:
        spool = FileSpool(spool_folder)
        await spool.append([prediction(n) for n in range(first, first + 5)])
        await spool.close()

    asyncio.run(predict(0))
    first = recorder.client.flush()
    assert recorder.client.flush() == first
    asyncio.run(predict(5))
    assert recorder.client.flush().log["late-arrival"] == first.log["late-arrival"] + 1
    log = DeltaTables(recorder.home / "log").read("late-arrival")
    assert log["prediction_id"].to_pylist() == [f"p{n}" for n in range(10)]
    row = log.slice(3, 1).to_pylist()[0]
    assert (row["q_hour"], row["x_hour"], row["x_carrier"]) == (3, 3.0, "C1")
    assert (row["x_carrier_delay_3h"], row["probability"], row["arm"]) == (None, 0.25, "champion")
    assert int(row["asked_at"].timestamp()) * 1_000_000 == START
    assert len(list(spool_folder.glob("*.spool"))) == 1


def test_a_recorder_that_is_told_to_stop_stores_everything_first(recorder):
    recorder.send("arrivals", *(arrival(n) for n in range(100)))
    assert recorder.stop() == 0
    assert recorder.stored("arrivals").num_rows == 100
    assert not Path(recorder.socket).exists()
    recorder.start()
    assert recorder.send("arrivals", arrival(5), arrival(100))["first_sequence"] == 100


BAD_BODIES = [
    (b"", InvalidInput, "not JSON"),
    (b"{", InvalidInput, "not JSON"),
    (b"\xff\xfe", InvalidInput, "not JSON"),
    (b'{"rows": [{"arr_delay": NaN}]}', InvalidInput, "holds NaN.*Send null"),
    (b'{"rows": [{"arr_delay": -Infinity}]}', InvalidInput, "holds Infinity.*Send null"),
    (b'{"rows": [{"arr_delay": 1e999}]}', InvalidInput, "out of range"),
    (b'{"rows": ' + b"[" * 5_000, InvalidInput, "nested too deep"),
    (b'{"rows": [' + b"9" * 9_000 + b"]}", InvalidInput, "not JSON"),
    (b"[]", InvalidInput, 'list of "rows"'),
    (b'{"rows": {}}', InvalidInput, 'list of "rows"'),
    (b'{"row": []}', InvalidInput, 'list of "rows"'),
    (b'{"rows": [{}], "tabel": "x"}', InvalidInput, "more than rows: tabel"),
    (b'{"rows": []}', InvalidInput, "no rows"),
    (b'{"rows": [' + b"{}," * 10_000 + b"{}]}", TooLarge, "10001 rows"),
]


def test_a_body_that_makes_no_sense_is_refused_whole_with_its_mend(recorder):
    for body, error, says in BAD_BODIES:
        with pytest.raises(InvalidInput, match=says) as caught:
            recorder.client.events("arrivals", body, NOW)
        assert type(caught.value) is error
        assert caught.value.mend
    with pytest.raises(NotFound, match="Did you mean 'arrivals'"):
        recorder.send("arrival", arrival(1))
    assert recorder.client.status()["tables"]["arrivals"]["quarantined"] == {}


def test_rows_that_break_the_contract_are_kept_apart_told_and_counted(recorder):
    future = arrival(2, arrived_at=format_instant(NOW + 6 * MINUTE))
    without_time = {name: value for name, value in arrival(3).items() if name != "arrived_at"}
    reply = recorder.send("arrivals", arrival(1), arrival(1), future, without_time, {"x": 1}, 7)
    assert (reply["accepted"], reply["duplicates"], reply["quarantined_rows"]) == (1, 1, 4)
    assert (reply["first_sequence"], reply["last_sequence"]) == (0, 0)
    told = {(item["row"], item["reason"]) for item in reply["quarantined"]}
    assert {(2, "from_the_future"), (3, "missing_column"), (4, "unknown_column"), (5, "not_an_object")} <= told
    with pytest.raises(ContractBroken, match="No row keeps the contract of 'arrivals'") as caught:
        recorder.send("arrivals", {"y": 1})
    assert caught.value.facts["breaks"][0]["reason"] == "unknown_column"
    status = recorder.client.status()["tables"]["arrivals"]
    assert sum(status["quarantined"].values()) == 5
    assert (status["rows"], status["newest_event"]) == (1, START + SECONDS)
    assert [row["content"] for row in recorder.client.quarantine("arrivals", 2)] == ['{"y": 1}', "7"]


def test_both_clients_tell_what_happened_and_survive_a_restart(recorder):
    body = json.dumps({"rows": [arrival(1)]}).encode()

    async def talk() -> None:
        client = RecorderClient(recorder.socket, connections=3)
        replies = await asyncio.gather(*(client.events("arrivals", body, NOW) for _ in range(20)))
        assert sum(reply["accepted"] for reply in replies) == 1
        recorder.kill()
        with pytest.raises(Unavailable, match="not running"):
            await client.events("arrivals", body, NOW)
        recorder.start()
        assert (await client.events("arrivals", body, NOW))["duplicates"] == 1
        with pytest.raises(NotFound):
            await client.events("nowhere", body, NOW)
        assert (await client.refuse("departures", b'{"rows": [{}]}', NOW))["quarantined_rows"] == 1
        assert (await client.flush()).sequence == 0
        assert (await client.status())["tables"]["departures"]["quarantined"] == {"missing_column": 1}
        assert len(await client.quarantine("departures")) == 1
        await client.close()

    asyncio.run(talk())
    recorder.kill()
    with pytest.raises(Unavailable, match="not running"):
        recorder.client.flush()
    recorder.start()
    assert recorder.client.flush().sequence == 0


def test_a_recorder_that_does_not_answer_in_time_is_unavailable(recorder):
    impatient = BlockingRecorderClient(recorder.socket, timeout=0.2)
    os.kill(recorder.process.pid, signal.SIGSTOP)

    async def ask() -> None:
        client = RecorderClient(recorder.socket, timeout=0.2)
        await client.flush()

    try:
        with pytest.raises(Unavailable, match=r"within 0\.2 s"):
            impatient.flush()
        with pytest.raises(Unavailable, match=r"within 0\.2 s"):
            asyncio.run(ask())
    finally:
        os.kill(recorder.process.pid, signal.SIGCONT)
    impatient.close()
    assert recorder.client.flush().sequence == -1


def test_a_client_that_talks_nonsense_disturbs_nobody(recorder):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", LENGTH.pack(2**31), LENGTH.pack(3) + b"abc" + LENGTH.pack(0), b"\0"):
        with sockets.socket(sockets.AF_UNIX) as stranger:
            stranger.connect(recorder.socket)
            stranger.sendall(nonsense)
    with pytest.raises(HomeostatError, match="no call 'x'"):
        recorder.client._call({"call": "x"})
    assert recorder.send("arrivals", arrival(1))["accepted"] == 1
    assert Path(recorder.socket).parent.stat().st_mode & 0o777 == 0o700


def test_a_second_recorder_and_a_strange_journal_are_refused(recorder, tmp_path):
    command = [sys.executable, "-m", "tests.service.recorder_process", str(recorder.home), recorder.socket + "2"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert Conflict.__name__ in second.stderr
    recorder.send("arrivals", arrival(1))
    recorder.stop()
    (recorder.home / "journal.sqlite").rename(tmp_path / "away")
    third = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "The tables hold fact 0, but the journal ends at -1." in third.stderr


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
        served = lookup(FEATURES, rows, times, snapshot)
    reader.close()
    asked = {name: [row[name] for row in rows] for name in ASKED.contract}
    question = pa.table({**asked, "_time": times, "_sequence": [sequence] * len(rows)})
    store = DeltaTables(recorder.home / "tables")
    tables = {name: store.read(name) for name in FEATURES.tables}
    offline = point_in_time(FEATURES, question, tables)
    assert not compare(FEATURES, served, offline)
    assert np.nansum(offline["carrier_landed_24h"]) > 0


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
            wait_until(lambda goal=goal: load.failed or len(load.acknowledged) >= goal)
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
