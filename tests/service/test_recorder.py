"""A real recorder process: it loses nothing that it acknowledged and doubles nothing, wherever it is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket as sockets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.spool import FileSpool
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.recorder.client import RecorderClient
from homeostat.app.recorder.frames import LENGTH
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import (
    Conflict,
    ContractBroken,
    HomeostatError,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)
from tests.service.recorder_rig import (
    MINUTE,
    NOW,
    ROOT,
    SECONDS,
    START,
    Recorder,
    arrival,
    prediction,
    running,
)

pytestmark = pytest.mark.service


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with running(tmp_path / "home") as made:
        yield made


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
    (b'{"rows": [' + b"{}," * 10_000 + b"{}]}", TooLarge, "10,001 rows"),
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
    assert "The tables hold fact 0, but there is no journal.sqlite." in third.stderr
    assert not (recorder.home / "journal.sqlite").exists()
