"""The online store of a running recorder is rebuilt while facts keep coming and features keep being read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.kernel.clock import format_instant
from tests.harness.running import until
from tests.service.recorder_rig import START, Recorder, arrival, online_equals_tables, running

pytestmark = pytest.mark.service


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with running(tmp_path / "home") as made:
        made.send("weather", {"origin": "JFK", "hour": 1, "observed_at": format_instant(START), "visib": 10})
        yield made


def test_a_store_that_lost_facts_is_rebuilt_while_more_are_taken_in(recorder):
    for start in range(0, 4_000, 1_000):
        recorder.send("arrivals", *(arrival(n) for n in range(start, start + 1_000)))
    with sqlite3.connect(recorder.home / "online.sqlite") as db:
        db.execute("DELETE FROM facts_arrivals WHERE _sequence % 3 = 0")
    db.close()
    reader = SqliteOnlineReader(recorder.home / "online.sqlite")
    assert recorder.client.rebuild()["running"]
    taken = 4_000
    while recorder.client.rebuilding()["running"]:
        recorder.send("arrivals", arrival(taken), arrival(taken - 4_000, arr_delay=1.5))  # a new one, a correction
        with reader.snapshot() as snapshot:
            assert snapshot.sequence >= 4_000
        taken += 2
    reader.close()
    done = recorder.client.rebuilding()
    assert done["failed"] is None
    assert done["facts"]["arrivals"] >= 4_000
    last = recorder.client.status()["sequence"]
    assert last >= taken - 1
    recorder.client.flush()
    online_equals_tables(recorder, last)


def test_a_rebuild_that_fails_leaves_the_old_state_and_goes_on_taking_facts(recorder):
    recorder.send("arrivals", *(arrival(n) for n in range(50)))
    recorder.client.flush()
    (recorder.home / "tables" / "arrivals" / "_delta_log").rename(recorder.home / "aside")
    recorder.client.rebuild()
    until(lambda: not recorder.client.rebuilding()["running"])
    assert recorder.client.rebuilding()["failed"]["problem"]
    (recorder.home / "aside").rename(recorder.home / "tables" / "arrivals" / "_delta_log")
    recorder.send("arrivals", arrival(50))
    last = recorder.client.flush().sequence
    online_equals_tables(recorder, last)
