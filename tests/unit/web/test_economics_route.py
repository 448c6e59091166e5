"""The control API tells a loop's money, and why it does worse, as the commands do."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.service import ControlService
from homeostat.app.diagnosis.diagnosing import diagnosis
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.economics import economics
from homeostat.app.shown.showing import Showing
from homeostat.web.api.application import application
from tests.harness.ageing import aged_home
from tests.harness.world import LOOP


def test_the_route_says_what_the_command_says(tmp_path: Path) -> None:
    home = aged_home(tmp_path, days=60)
    loops, operations = load_loops(Settings.load(home.root).loop_file), Operations.open(home)
    facts = Facts(BlockingRecorderClient(str(home.root / "nobody")), "http://127.0.0.1:1")
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    service = ControlService(loops, {}, operations, facts, None, 1.0, Showing(operations, loops), doors)

    async def asked(*names: str) -> list[httpx.Response]:
        door = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return [await client.get(f"/api/loops/{name}") for name in names]

    day = "2024-02-15"
    paths = (f"{LOOP}/economics", "other/economics", f"{LOOP}/diagnosis", f"{LOOP}/diagnosis?at={day}")
    told, missing, why, then, wrong = asyncio.run(asked(*paths, f"{LOOP}/diagnosis?at=x"))
    assert told.json() == economics(operations, loops[LOOP])
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert why.json() == diagnosis(operations, loops[LOOP])
    assert then.json() == diagnosis(operations, loops[LOOP], day)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_input")
