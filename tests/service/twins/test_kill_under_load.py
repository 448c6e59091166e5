"""The recorder and the gateway die under load: every acknowledged prediction and event is stored, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.kernel.clock import format_instant
from tests.harness.running import Running, until
from tests.harness.twins import Twin
from tests.harness.world import BEGINS, HOUR, LOOP

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

CLIENTS = 2
ENOUGH = 150


def test_nothing_acknowledged_is_lost_or_doubled_when_recorder_and_gateway_are_killed(shaken: Twin) -> None:
    running, now = shaken.running, BEGINS + shaken.hour * HOUR
    with _load(running, now) as load:
        load.more(ENOUGH)
        assert running.kill("recorder")
        load.more(ENOUGH)
        load.more_events(ENOUGH)
        assert load.dropped == 0, "no prediction needs the recorder"
        assert running.kill("gateway")
        load.more(ENOUGH)
        load.more_events(ENOUGH)
    assert load.faults == []
    until(lambda: load.predicted <= set(_stored(running, "log", LOOP, "prediction_id")))
    until(lambda: load.sent <= set(_stored(running, "tables", "visits", "visit")))
    for stored in (_stored(running, "log", LOOP, "prediction_id"), _stored(running, "tables", "visits", "visit")):
        assert len(stored) == len(set(stored))


def _stored(running: Running, folder: str, table: str, column: str) -> list[str]:
    found: list[str] = DeltaTables(running.home / folder).read(table, columns=[column])[column].to_pylist()
    return found


@dataclass(slots=True)
class _Load:
    """What was acknowledged; ``faults`` are answers that say our side failed, ``dropped`` broken connections."""

    over: threading.Event = field(default_factory=threading.Event)
    predicted: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    dropped: int = 0
    faults: list[str] = field(default_factory=list)

    def more(self, predictions: int) -> None:
        """Wait for so many more predictions."""
        wanted = len(self.predicted) + predictions
        until(lambda: len(self.predicted) >= wanted or self.faults)

    def more_events(self, events: int) -> None:
        """Wait for so many more events."""
        wanted = len(self.sent) + events
        until(lambda: len(self.sent) >= wanted or self.faults)


@contextmanager
def _load(running: Running, now: int) -> Iterator[_Load]:
    load = _Load()
    doors = [(_ask, "ask"), (_send, "send")]
    threads = [
        threading.Thread(target=_go_on, args=(door, f"{name}{client}", running, now, load))
        for door, name in doors
        for client in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.over.set()
        for thread in threads:
            thread.join()


def _go_on(door: Any, name: str, running: Running, now: int, load: _Load) -> None:
    headers = {"Homeostat-Now": format_instant(now)}
    number = 0
    with httpx.Client(base_url=running.doors.base_url, headers=headers, timeout=60, trust_env=False) as client:
        while not load.over.is_set():
            number += 1
            rows = [_visit(f"{name}-{number}-{place}", now) for place in range(3)]
            try:
                door(client, rows, load)
            except httpx.TransportError:
                load.dropped += 1
                load.over.wait(0.02)


def _ask(client: httpx.Client, rows: list[dict[str, Any]], load: _Load) -> None:
    reply = client.post(f"/loops/{LOOP}/predict", json={"rows": rows})
    if reply.status_code == 200:
        load.predicted.update(one["prediction_id"] for one in reply.json()["predictions"])
    else:
        load.faults.append(reply.text)


def _send(client: httpx.Client, rows: list[dict[str, Any]], load: _Load) -> None:
    """Until it is accepted: the same rows are sent again while the recorder is away."""
    while not load.over.is_set():
        reply = client.post("/tables/visits/events", json={"rows": rows})
        if reply.status_code == 200:
            load.sent.update(row["visit"] for row in rows)
            return
        if reply.status_code != 503:
            load.faults.append(reply.text)
        load.over.wait(0.02)


def _visit(name: str, now: int) -> dict[str, Any]:
    at, due = format_instant(now), format_instant(now + HOUR)
    return {"visit": name, "at": at, "due": due, "x": 0.5, "shop": "north"}
