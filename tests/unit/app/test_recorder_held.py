"""Somebody else holds a file that the recorder writes: nothing stands still, refusals are told, and it goes on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.home import Home
from homeostat.app.recorder import calls as calls_module
from homeostat.app.recorder.calls import Calls
from homeostat.app.recorder.drain import Drain, Stores
from homeostat.app.recorder.housekeeping import Housekeeping
from homeostat.app.recorder.troubles import Troubles
from homeostat.app.recorder.upkeep import Upkeep
from homeostat.data.contracts import instant, text
from homeostat.data.tables import Table
from homeostat.features.definitions import Latest, feature_set
from homeostat.features.ingest import Ingest
from homeostat.kernel.errors import Held

SEEN = Table("seen", key="id", event_time="at", contract={"id": text(), "at": instant(), "by": text()})
ASKED = Table("asked", key="id", event_time="at", contract={"id": text(), "at": instant(), "by": text()})
FEATURES = feature_set(ASKED, [Latest(SEEN, by="by", columns=["id"], max_age="3h")])


class Rig:
    """What a recorder does with its events, on files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.journal = SqliteJournal(folder / "journal.sqlite", wait=0.01)
        self.online = SqliteOnlineStore(folder / "online.sqlite", wait=0.01)
        self.online.prepare([FEATURES])
        self.tables, log, self.troubles = DeltaTables(folder / "tables"), DeltaTables(folder / "log"), Troubles()
        stores = Stores(self.journal, self.journal, self.journal, self.tables, log, folder / "spool")
        ingest = Ingest(self.journal, self.online, [SEEN])
        self.drain = Drain(stores, [SEEN], [], self.online.sequence)
        self.upkeep = Upkeep(self.drain, self.online, ingest.catch_up, pytest.fail, pytest.fail, self.troubles)
        house = Housekeeping(Home(folder), self.tables, log)
        journal, told = self.journal, self.troubles
        self.answer = Calls(ingest, journal, journal, self.drain, ["seen"], house, news=print, troubles=told).answer

    async def send(self, name: str) -> dict[str, Any]:
        body = {"rows": [{"id": name, "at": "2024-01-01T00:00:00Z", "by": "x"}]}
        return await self.answer({"call": "events", "table": "seen", "now": 2**51}, json.dumps(body).encode())

    async def told(self) -> list[str]:
        return list((await self.answer({"call": "status"}, b""))["troubles"])

    def stored(self) -> list[str]:
        return sorted(self.tables.read("seen")["id"].to_pylist())

    def close(self) -> None:
        self.drain.close()
        self.online.close()
        self.journal.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


@pytest.fixture
def hold(tmp_path: Path) -> Callable[[str], sqlite3.Connection]:
    def taken(name: str) -> sqlite3.Connection:
        other = sqlite3.connect(tmp_path / name, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return other

    return taken


def test_a_held_journal_refuses_events_and_nothing_else_until_it_is_let_go(rig, hold, monkeypatch, caplog):
    monkeypatch.setattr(calls_module, "_PAUSES", (0.001,))

    async def run():
        await rig.send("a")
        with closing(hold("journal.sqlite")):
            with pytest.raises(Held, match=r"another process holds .*journal\.sqlite .*Close what holds it"):
                await rig.send("b")
            assert (await rig.answer({"call": "flush"}, b""))["sequence"] == 0
            rig.upkeep._look()
            (told,) = await rig.told()
            assert told.startswith("no events are taken in: The journal cannot be written")
            assert rig.stored() == ["a"]
        rig.upkeep._look()
        assert await rig.told() == []
        assert (await rig.send("b"))["accepted"] == 1
        await rig.drain.flush()

    asyncio.run(run())
    assert rig.stored() == ["a", "b"]
    assert rig.journal.pending() == []
    assert caplog.text.count("no events are taken in") == 1


def test_a_request_waits_for_a_lock_that_is_let_go_soon_while_others_are_answered(rig, hold, monkeypatch):
    monkeypatch.setattr(calls_module, "_PAUSES", (0.0,) * 1_000)

    async def run():
        other = hold("journal.sqlite")
        sending = asyncio.ensure_future(rig.send("a"))
        assert await rig.told() == []
        assert not sending.done()
        other.close()
        assert (await sending)["accepted"] == 1

    asyncio.run(run())


def test_a_fact_that_is_durable_while_the_online_store_is_held_counts_once_and_is_seen_before_the_next(
    rig, hold, monkeypatch
):
    monkeypatch.setattr(calls_module, "_PAUSES", ())

    async def run():
        with closing(hold("online.sqlite")):
            assert (await rig.send("a"))["accepted"] == 1
            with pytest.raises(Held, match="online store"):
                await rig.send("b")
            await rig.drain.flush()
            assert await rig.upkeep.drain()
            assert [batch.count for batch in rig.journal.pending()] == [1], "the online store still needs it"
        assert (await rig.send("b"))["accepted"] == 1
        rig.upkeep._look()
        await rig.drain.flush()

    asyncio.run(run())
    assert rig.online.sequence() == 1
    assert rig.stored() == ["a", "b"]
    assert rig.journal.pending() == []


def test_a_clock_that_is_ahead_for_a_moment_costs_the_online_store_nothing_that_is_read(rig, monkeypatch):
    day = 86_400_000_000
    sent = asyncio.run(rig.send("a"))
    assert sent["accepted"] == 1
    newest = rig.drain.newest_event()
    pruned = []
    monkeypatch.setattr(rig.online, "prune", pruned.append)
    for now in (newest + day, newest + 400 * day, newest + 2 * day, newest + 2 * day + 1):
        rig.upkeep.news(now)
        rig.upkeep._look()
    assert pruned == [newest] * 3
