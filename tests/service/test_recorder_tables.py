"""A real recorder process takes several tables at once, takes kept rows back in, and goes on from imported history."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.adapters.files.tabular import TabularFile
from homeostat.app.settings import Settings
from homeostat.app.tables.importing import Source, import_history
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import ContractBroken, InvalidInput, NotFound, Unavailable
from tests.service.recorder_process import LANDED, SKY, TABLES
from tests.service.recorder_rig import MINUTE, NOW, START, Recorder, arrival, online_equals_tables, running

pytestmark = pytest.mark.service


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with running(tmp_path / "home") as made:
        yield made


def sky(hour: int, **changes: object) -> dict[str, object]:
    at = format_instant(START + hour * 60 * MINUTE)
    return {"origin": "JFK", "hour": hour, "observed_at": at, "visib": 10.0, **changes}


def several(recorder: Recorder, **rows: list[object]) -> dict[str, object]:
    return recorder.client.events_of_several(json.dumps(rows).encode(), NOW)


def test_rows_of_several_tables_are_one_request(recorder):
    told = several(recorder, weather=[sky(1), sky(2)], arrivals=[arrival(1), {"x": 1}])["tables"]
    assert (told["weather"]["first_sequence"], told["arrivals"]["first_sequence"]) == (0, 2)
    assert told["arrivals"]["quarantined_rows"] == 1
    with pytest.raises(NotFound, match="'weathr'"):
        several(recorder, arrivals=[arrival(2)], weathr=[sky(3)])
    with pytest.raises(ContractBroken, match="contract of 'arrivals'") as caught:
        several(recorder, weather=[], arrivals=[{"x": 2}])
    assert caught.value.facts["breaks"][0]["table"] == "arrivals"
    for body, says in ((b"[]", "a list of rows per table"), (b'{"arrivals": {}}', "list of rows"), (b"{}", "no rows")):
        with pytest.raises(InvalidInput, match=says):
            recorder.client.events_of_several(body, NOW)
    assert recorder.client.flush().sequence == 2
    assert recorder.stored("arrivals")["_sequence"].to_pylist() == [2]


def test_a_recorder_killed_while_it_takes_rows_back_in_loses_none_and_doubles_none(recorder):
    rows = [arrival(n, arrived_at=format_instant(NOW + 6 * MINUTE)) for n in range(6_000)]
    with pytest.raises(ContractBroken):
        recorder.send("arrivals", *rows)
    later = NOW + 7 * MINUTE

    def readmit() -> None:
        try:
            recorder.client.readmit("arrivals", later)
        except Unavailable:
            return

    asking = threading.Thread(target=readmit)
    asking.start()
    threading.Event().wait(0.15)
    recorder.kill()
    asking.join()
    recorder.start()
    told = recorder.client.status()["tables"]["arrivals"]
    assert told["rows"] + told["kept"] == 6_000
    done = recorder.client.readmit("arrivals", later)
    assert (done["accepted"], done["broken"]) == (told["kept"], 0)
    assert recorder.client.readmit("arrivals", later)["accepted"] == 0
    recorder.client.flush()
    assert sorted(recorder.stored("arrivals")["flight_id"].to_pylist()) == sorted(f"f{n}" for n in range(6_000))
    assert recorder.client.status()["tables"]["arrivals"]["readmitted"] == 6_000


def test_questions_refused_at_the_predict_door_are_not_taken_in_as_events(recorder):
    with pytest.raises(ContractBroken):
        recorder.send("arrivals", arrival(1, arrived_at=format_instant(NOW + 6 * MINUTE)))
    body = json.dumps({"rows": [arrival(2, arrived_at=format_instant(NOW + 6 * MINUTE))]}).encode()
    recorder.client._call({"call": "refuse", "table": "arrivals", "now": NOW}, body)
    assert recorder.client.readmit("arrivals", NOW + 7 * MINUTE)["accepted"] == 1
    assert [row["door"] for row in recorder.client.quarantine("arrivals")] == ["predict"]


def test_a_running_recorder_vacuums_but_not_what_readers_may_be_at(recorder):
    for n in range(40):
        recorder.send("arrivals", arrival(n))
        recorder.client.flush()
    told = recorder.client.vacuum(1, dry_run=True)
    assert told["tables"]["arrivals"] == {"files": 0, "bytes": 0}
    with pytest.raises(InvalidInput, match="may be in use"):
        recorder.client.vacuum(0, dry_run=False)
    assert recorder.send("arrivals", arrival(99))["accepted"] == 1


def test_imported_history_and_live_events_give_the_same_features_online_and_offline(tmp_path):
    home = tmp_path / "home"
    facts = [{**arrival(n), "known": arrival(n)["arrived_at"]} for n in range(500)]
    weather = [{**sky(n), "known": sky(n)["observed_at"]} for n in range(4)]
    sources = []
    for table, rows in ((LANDED, facts), (SKY, weather)):
        file = tmp_path / f"{table.name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        sources.append(Source(table, TabularFile(file, {}), "known"))
    done = import_history(Settings(home=home, loop_file=tmp_path / "loop.py"), TABLES, sources, NOW)
    assert done["rows"] == 504
    with running(home) as recorder:
        online_equals_tables(recorder, 503)
        recorder.send("arrivals", arrival(501), arrival(3, arr_delay=77.0))
        recorder.client.flush()
        online_equals_tables(recorder, 505)
        stored = recorder.stored("arrivals")
        assert stored["_imported"].to_pylist() == [True] * 500 + [None] * 2
