"""Draining stores every fact once and in order, also when a table fails, and pushes back when it cannot keep up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.home import Home
from homeostat.app.recorder import upkeep
from homeostat.app.recorder.calls import Calls
from homeostat.app.recorder.drain import Drain, Stores
from homeostat.app.recorder.finding import Finding
from homeostat.app.recorder.housekeeping import Housekeeping
from homeostat.app.recorder.predictions import LoggedLoop
from homeostat.app.recorder.troubles import Troubles
from homeostat.data.contracts import instant, integer, text
from homeostat.data.identity import compile_identity
from homeostat.data.journal import Entry
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import Table
from homeostat.features.definitions import feature_set
from homeostat.features.ingest import Ingest
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Conflict, Unavailable

SEEN = Table("seen", key="id", event_time="at", contract={"id": text(), "at": instant()})
MORE = Table("more", key="id", event_time="at", contract={"id": text(), "at": instant()})
ASKED = Table("asked", key="id", event_time="at", contract={"id": text(), "at": instant(), "n": integer()})
LOOP = LoggedLoop("loop", Logged.of(feature_set(ASKED, [ASKED["n"]])))


class Memory:
    """A table store that remembers, and for the tables it is told to fails, before or after the deed."""

    def __init__(self):
        self.rows, self.upto, self.failing, self.silent = {}, {}, set(), set()

    def append(self, table, rows, *, writer, upto):
        if table in self.failing:
            raise Unavailable(f"{table} fails.", mend="Wait.")
        assert upto > self.committed(table, writer)
        self.rows.setdefault(table, []).append(rows)
        self.upto[table, writer] = upto
        if table in self.silent:
            self.silent.remove(table)
            raise Unavailable(f"{table} did it, but did not say so.", mend="Wait.")
        return self.version(table)

    def committed(self, table, writer):
        return self.upto.get((table, writer), -1)

    def version(self, table):
        return len(self.rows.get(table, [])) - 1

    def all(self, table, column):
        return [value for rows in self.rows.get(table, []) for value in rows[column].to_pylist()]


class Online:
    """An online store that has always seen everything."""

    def __init__(self, journal):
        self.sequence = journal.sequence

    def apply(self, table, rows, first_sequence):
        pass


class World:
    """Everything a drain works on; ``open`` makes the drain as a new process would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = SqliteJournal(folder / "journal")
        self.tables, self.log = Memory(), Memory()
        self.open()

    def open(self, loops=(LOOP,), tables=(SEEN, MORE)) -> None:
        self.drain = Drain(
            Stores(self.journal, self.journal, self.journal, self.tables, self.log, self.folder / "spool"),
            tables,
            loops,
        )

    def record(self, table, *names):
        rows = [{"id": name, "at": 0} for name in names]
        identities = compile_identity(SEEN if table == "seen" else MORE)(rows)
        self.journal.record([Entry(table, 0, rows, identities, [0] * len(rows))])

    def flush(self):
        return asyncio.run(self.drain.flush())

    def predict(self, *names, loop="loop", features=(1,), definitions=""):
        async def write():
            spool = FileSpool(self.folder / "spool")
            await spool.append([prediction(name, loop, list(features), definitions) for name in names])
            await spool.close()

        asyncio.run(write())

    def segments(self):
        return len(list((self.folder / "spool").glob("*.spool")))


def prediction(name, loop, features, definitions=""):
    question = {"id": name, "at": 0, "n": 1}
    return PredictionRecord(
        name, loop, name, 0, 0, 0, "v1", "champion", 1, 0.5, True, 1, False, question, features, definitions
    )


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.drain.close()
    made.journal.close()


def test_each_table_with_news_gets_one_commit(world):
    for names in ("ab", "c"):
        world.record("seen", *names)
    world.record("more", "d")
    flushed = world.flush()
    assert (flushed.versions, flushed.sequence) == ({"seen": 0, "more": 0}, 3)
    assert world.tables.all("seen", "_sequence") == [0, 1, 2]
    world.record("more", "e")
    assert world.flush().versions == {"seen": 0, "more": 1}
    assert world.journal.pending() == []


def test_a_table_that_fails_keeps_its_facts_and_holds_up_no_other(world, monkeypatch):
    monkeypatch.setattr("homeostat.app.recorder.drain._ROWS_AT_ONCE", 2)
    world.tables.failing = {"seen"}
    for names in ("ab", "cd", "ef"):
        world.record("seen", *names)
        world.record("more", *names)
    with pytest.raises(Unavailable, match="seen fails"):
        world.flush()
    assert world.tables.all("more", "id") == list("abcdef")
    assert world.drain.backlog == 12
    world.record("seen", "g")
    world.tables.failing = set()
    world.flush()
    assert world.tables.all("seen", "id") == list("abcdefg")
    assert world.drain.backlog == 0


def test_facts_whose_commit_was_not_noticed_are_not_stored_again(world, monkeypatch):
    world.record("seen", "a", "b")
    with monkeypatch.context() as patch:
        patch.setattr(world.journal, "forget", lambda ends: (_ for _ in ()).throw(Unavailable("Killed.", mend="-")))
        with pytest.raises(Unavailable):
            world.flush()
    world.drain.close()
    world.open()
    world.record("seen", "c")
    assert world.flush().versions == {"seen": 1}
    assert world.tables.all("seen", "id") == ["a", "b", "c"]


def test_what_was_stored_although_the_store_failed_is_not_stored_again(world):
    world.tables.silent, world.log.silent = {"seen"}, {"loop"}
    world.record("seen", "a")
    world.predict("p")
    with pytest.raises(Unavailable, match="did not say so"):
        world.flush()
    world.record("seen", "b")
    world.predict("q")
    world.flush()
    assert world.tables.all("seen", "id") == ["a", "b"]
    assert world.log.all("loop", "prediction_id") == ["p", "q"]


def test_facts_of_a_table_that_is_no_longer_declared_wait_without_harm(world, caplog):
    world.record("seen", "a")
    world.record("more", "b")
    world.drain.close()
    world.open(tables=[MORE])
    world.flush()
    world.flush()
    assert caplog.text.count("facts of table 'seen' wait") == 1
    world.drain.close()
    world.open()
    world.flush()
    assert world.tables.all("seen", "id") == ["a"]


def test_facts_that_a_changed_contract_cannot_hold_wait_with_a_mend(world):
    world.record("seen", "a")
    world.drain.close()
    world.open(tables=[Table("seen", key="id", event_time="at", contract={"id": integer(), "at": instant()})])
    with pytest.raises(Conflict, match="Start once with the loop file as it was"):
        world.flush()
    world.drain.close()
    world.open()
    world.flush()
    assert world.tables.all("seen", "id") == ["a"]


def test_predictions_are_logged_once_and_in_order_across_restarts(world):
    world.predict("a", "b")
    world.flush()
    world.predict("c")
    world.drain.close()
    world.open()
    assert world.flush().log == {"loop": 1}
    assert world.log.all("loop", "prediction_id") == ["a", "b", "c"]
    assert world.segments() == 1


def test_predictions_wait_while_their_log_fails_or_their_loop_is_unknown(world):
    world.log.failing = {"loop"}
    world.predict("a")
    with pytest.raises(Unavailable, match="loop fails"):
        world.flush()
    world.log.failing = set()
    world.predict("b", loop="other")
    world.predict("c")
    world.flush()
    assert world.log.all("loop", "prediction_id") == ["a", "c"]
    assert world.segments() == 2
    world.drain.close()
    world.open(loops=[LOOP, LoggedLoop("other", LOOP.now)])
    world.flush()
    assert world.log.all("other", "prediction_id") == ["b"]
    assert world.log.all("loop", "prediction_id") == ["a", "c"]
    assert world.segments() == 1


@pytest.mark.parametrize("features", [(), (1, 2), ("text",)])
def test_a_prediction_made_with_other_features_is_not_logged_as_if_with_these(world, features):
    world.predict("a", features=features)
    with pytest.raises(Conflict, match="with other features"):
        world.flush()
    assert world.log.rows == {}


def test_predictions_made_before_the_loop_file_changed_are_logged_under_their_own_names(world):
    before = Logged.of(feature_set(ASKED, [ASKED["id", "n"]]))
    world.open(loops=[LoggedLoop("loop", LOOP.now, {before.hash: before})])
    world.predict("a", features=("a", 1), definitions=before.hash)
    world.predict("b", features=(2,), definitions=LOOP.now.hash)
    world.predict("c", features=(3,))
    world.flush()
    assert world.log.all("loop", "prediction_id") == ["a", "b", "c"]
    assert world.log.all("loop", "x_n") == [1, 2, 3]
    assert world.log.all("loop", "x_id") == ["a", None, None]
    world.predict("d", features=(1, 2, 3), definitions="never heard of")
    with pytest.raises(Conflict, match="features unknown here"):
        world.flush()


def test_bytes_of_a_prediction_that_were_damaged_are_kept_when_its_segment_goes(world, caplog):
    world.predict("a")
    world.predict("b")
    segment = min(world.folder.rglob("*.spool"))
    held = bytearray(segment.read_bytes())
    held[40] ^= 0xFF
    segment.write_bytes(held)
    world.flush()
    assert world.log.all("loop", "prediction_id") == ["b"]
    (kept,) = segment.parent.glob("*.damaged")
    assert kept.read_bytes() in bytes(held)
    assert f"kept in {kept}" in caplog.text


def test_a_recorder_whose_online_store_fell_behind_for_good_starts_anew(world, monkeypatch):
    monkeypatch.setattr(upkeep, "DRAIN_SECONDS", 0.001)
    world.record("seen", "a")
    world.flush()  # the journal has let it go

    class Lagging:
        def sequence(self):
            return -1

    async def run():
        behind = asyncio.Event()
        ingest = Ingest(world.journal, Lagging(), [SEEN, MORE])
        keeping = upkeep.Upkeep(world.drain, Lagging(), ingest.catch_up, behind.set, pytest.fail, Troubles())
        running = asyncio.ensure_future(keeping.run())
        await asyncio.wait_for(behind.wait(), 20)
        running.cancel()

    asyncio.run(run())


def test_what_is_stored_stays_with_the_journal_until_the_online_store_has_it(world):
    applied = [0]
    world.drain.close()
    world.drain = Drain(
        Stores(world.journal, world.journal, world.journal, world.tables, world.log, world.folder / "spool"),
        (SEEN, MORE),
        (),
        lambda: applied[0],
    )
    world.record("seen", "a")
    world.record("seen", "b")
    world.flush()
    assert [batch.first_sequence for batch in world.journal.pending()] == [1]
    applied = [1]
    world.drain.let_go()
    assert world.journal.pending() == []
    assert world.tables.all("seen", "id") == ["a", "b"]


def test_too_many_waiting_facts_push_back_until_they_are_stored(world):
    ingest = Ingest(world.journal, Online(world.journal), [SEEN])
    house = Housekeeping(Home(world.folder), world.tables, world.log)
    calls = Calls(
        ingest, world.journal, world.journal, world.drain, ["seen"], house, news=lambda now: None, most_waiting=2
    )

    def send(*names):
        body = json.dumps({"rows": [{"id": name, "at": "1970-01-01T00:00:00Z"} for name in names]}).encode()
        return asyncio.run(calls.answer({"call": "events", "table": "seen", "now": 0}, body))

    assert send("a", "b", "c")["accepted"] == 3
    with pytest.raises(Unavailable, match="3 facts wait to be stored"):
        send("d")
    world.flush()
    assert send("d")["first_sequence"] == 3


def test_of_a_request_that_was_tried_again_the_log_keeps_what_was_recorded_first(world, tmp_path):
    world.log = DeltaTables(tmp_path / "log")
    world.open()

    def tried(*names, probability, replica):
        async def write():
            spool = FileSpool(world.folder / "spool" / replica)
            await spool.append(
                [replace(prediction(n, "loop", [1]), probability=probability, keyed=True) for n in names]
            )
            await spool.close()

        asyncio.run(write())

    tried("a", "b", probability=0.1, replica="r1")
    tried("b", "c", probability=0.2, replica="r2")
    world.flush()
    world.open()
    tried("a", "c", "d", "d", probability=0.3, replica="r1")
    world.flush()
    world.flush()
    stored = world.log.read("loop", columns=["prediction_id", "probability"]).to_pylist()
    found = sorted((one["prediction_id"], one["probability"]) for one in stored)
    assert found == [("a", 0.1), ("b", 0.1), ("c", 0.2), ("d", 0.3)]


def test_predictions_are_found_from_the_moment_they_are_durable(world, tmp_path):
    world.log = DeltaTables(tmp_path / "log")
    world.open()
    finding = Finding(world.log, world.drain.predictions)
    world.predict("a", "b")
    world.predict("other", loop="elsewhere")
    assert {name: one["key"] for name, one in finding.find("loop", ["a", "b", "c"]).items()} == {"a": "a", "b": "b"}
    world.flush()
    world.predict("c")
    found = finding.find("loop", ["a", "c", "other", "nobody"], ["key"])
    assert {name: one["key"] for name, one in found.items()} == {"a": "a", "c": "c"}
    assert finding.find("nowhere", ["a"]) == {}
