"""The control API tells and changes alerts as the commands do, and counts them for Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.beat import write_beat
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.service import ControlService
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.showing import Showing
from homeostat.kernel.clock import duration, format_instant
from homeostat.monitoring.alerts.alerts import Alert
from homeostat.web.api.application import application
from tests.harness.grown import BEGAN, grown_home
from tests.harness.world import LOOP

Asked = Callable[[httpx.AsyncClient], Awaitable[list[httpx.Response]]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = grown_home(tmp_path)
    store = SqlAlertStore(Database(found.control_db))
    one = Alert("aaaa1111", LOOP, "stopped", "labels", "P1", "no labels", "d", BEGAN, "d", BEGAN, due=BEGAN + 1)
    store.commit(store.book(LOOP), store.book(LOOP), [one], [])
    return found


def asked(home: Home, ask: Asked) -> list[httpx.Response]:
    loops, operations = load_loops(Settings.load(home.root).loop_file), Operations.open(home)
    facts = Facts(BlockingRecorderClient(str(home.root / "nobody")), "http://127.0.0.1:1")
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    service = ControlService(loops, {}, operations, facts, None, 1.0, Showing(operations, loops), doors)

    async def all_of() -> list[httpx.Response]:
        door = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return await ask(client)

    return asyncio.run(all_of())


def test_alerts_are_listed_acknowledged_resolved_and_silenced(home: Home) -> None:
    until = format_instant(BEGAN + duration("20d"))

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [
            await client.get(f"/api/loops/{LOOP}/alerts"),
            await client.post("/api/alerts/aaaa1111/ack", json={"reason": "on it"}),
            await client.post("/api/alerts/aaaa1111/ack", json={}),
            await client.post("/api/alerts/aaaa1111/resolve", json={"acted_on": True, "reason": "asked them"}),
            await client.post(
                f"/api/loops/{LOOP}/silences", json={"rule": "drift", "until": until, "reason": "season"}
            ),
            await client.get(f"/api/loops/{LOOP}/alerts?all=true"),
        ]

    listed, seen, again, over, silence, after = asked(home, ask)
    assert [(one["id"], one["overdue"]) for one in listed.json()["alerts"]] == [("aaaa1111", True)]
    assert listed.json()["now"] == format_instant(BEGAN + 7 * duration("1d"))
    assert seen.json()["acknowledged"]["actor"] == "dashboard"
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    assert (over.json()["status"], over.json()["acted_on"]) == ("resolved", True)
    assert silence.json()["until"] == until
    assert [one["status"] for one in after.json()["alerts"]] == ["resolved"]
    assert [one["id"] for one in after.json()["silences"]] == [silence.json()["id"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/alerts/nobody/ack", {}, 404),
        ("/api/alerts/aaaa1111/resolve", {"reason": "x"}, 400),
        ("/api/alerts/aaaa1111/resolve", {"acted_on": True, "reason": ""}, 400),
        (f"/api/loops/{LOOP}/silences", {"until": "soon", "reason": "x"}, 400),
        (f"/api/loops/{LOOP}/silences", {"until": "2020-01-01T00:00:00Z", "reason": "x"}, 400),
        ("/api/loops/visit/silences", {"until": "2030-01-01T00:00:00Z", "reason": "x"}, 404),
        ("/api/silences/nobody/end", {}, 404),
    ],
)
def test_what_cannot_be_done_has_the_shape_of_all_errors(
    home: Home, path: str, body: dict[str, object], status: int
) -> None:
    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post(path, json=body)]

    [reply] = asked(home, ask)
    assert (reply.status_code, set(reply.json()["error"])) == (status, {"code", "problem", "mend", "facts"})


def test_a_foreign_page_changes_nothing(home: Home) -> None:
    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post("/api/alerts/aaaa1111/ack", json={}, headers={"Origin": "http://evil.example"})]

    assert asked(home, ask)[0].status_code == 403


def test_open_alerts_and_messages_are_counted_for_prometheus(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEOSTAT_ALERTS_CHAT", "json://127.0.0.1:1/s3cret")
    write_beat(home.beat, 5_000_000)

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get("/metrics")]

    text = asked(home, ask)[0].text
    found = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert found["homeostat_alerts_open", LOOP, "P1"] == 1
    assert found["homeostat_alerts_open", LOOP, "P0"] == 0
    assert found["homeostat_alert_address_failing", "chat"] == 0
    assert found[("homeostat_control_last_look_seconds",)] == 5
    assert "s3cret" not in text
