"""The control API shows the last back-test of a loop, with its picture; before the first it says how to get one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from homeostat.app.backtest.reports import write_report
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.service import ControlService
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.showing import Showing
from homeostat.web.api.application import application
from tests.harness.grown import grown_home
from tests.harness.world import LOOP


def test_the_route_tells_the_last_report_and_none_before_the_first(tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    loops, operations = load_loops(Settings.load(home.root).loop_file), Operations.open(home)
    facts = Facts(BlockingRecorderClient(str(home.root / "nobody")), "http://127.0.0.1:1")
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    service = ControlService(loops, {}, operations, facts, None, 1.0, Showing(operations, loops), doors)

    async def asked() -> httpx.Response:
        door = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return await client.get(f"/api/loops/{LOOP}/backtest")

    missing = asyncio.run(asked())
    assert missing.status_code == 200
    assert missing.json()["report"] is None
    assert f"homeostat backtest {LOOP}" in missing.json()["mend"]
    report = write_report(home.reports / LOOP / "backtest", {"loop": LOOP, "unit": "EUR", "policies": [], "weeks": []})
    told = asyncio.run(asked()).json()["report"]
    assert told.pop("chart").startswith("<svg")
    assert told == report
