"""What a person is told of a loop's slices: the worst first, and why where nothing is known."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from pathlib import Path

import httpx
import pytest

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
from homeostat.app.shown.slices import slices
from homeostat.web.api.application import application
from tests.harness.segmented import segmented_days
from tests.harness.world import LOOP, write_loop
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose days keep slices, of which one small one grew worse; nothing of it runs."""
    folder = tmp_path_factory.mktemp("sliced")
    found = Home(folder / "home")
    found.prepare()
    loop_file = write_loop(folder)
    declared = loop_file.read_text().replace(
        "    question=visits,\n", '    question=visits,\n    slices=["shop"],\n', 1
    )
    loop_file.write_text(declared.replace('"shop"', '"site"'))
    Settings(home=found.root, loop_file=loop_file).save()
    store, days = Operations.open(found).store, segmented_days(42, 14, 0.45)
    state = store.state(LOOP)
    store.commit(state, dataclasses.replace(state, decided_until=days[-1].end), (), days)
    return found


def test_the_worst_slice_is_told_first_with_its_share_and_the_rest(command: Command, seen: Home) -> None:
    shown = command("slices", "--home", seen.root, "--worst").stdout
    lines = shown.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("all "))
    assert lines[place + 1].startswith("site = small")
    assert lines[place - 1].split() == ["slice", "rows", "log", "loss", "between", "skill", "missed"]
    for text in (
        "14 days (2024-02-12 to 2024-02-25), compared with 42 days",
        "site = small grew worse: ",
        "% of rows, log-loss 0.",
        "all others 0.",
        "Among all inputs: unknown, no version.",
        "Bounds are 95 % for one look",
    ):
        assert text in shown, text


def test_json_and_the_route_say_the_same(command: Command, seen: Home) -> None:
    loops, operations = load_loops(Settings.load(seen.root).loop_file), Operations.open(seen)
    facts = Facts(BlockingRecorderClient(str(seen.root / "nobody")), "http://127.0.0.1:1")
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    service = ControlService(loops, {}, operations, facts, None, 1.0, Showing(operations, loops), doors)

    async def asked(*paths: str) -> list[httpx.Response]:
        door = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return [await client.get(f"/api/loops/{path}") for path in paths]

    told, worst, wrong = asyncio.run(
        asked(f"{LOOP}/slices?days=7", f"{LOOP}/slices?worst=true", f"{LOOP}/slices?days=0")
    )
    assert told.json() == json.loads(command("slices", "--home", seen.root, "--days", "7", "--json").stdout)
    assert told.json() == json.loads(json.dumps(slices(operations, loops[LOOP], 7)))
    own, skill = told.json()["slices"][0]["own"]["missed"], told.json()["slices"][0]["figures"]["skill"]
    assert own["low"] < own["value"] < own["high"]
    assert skill["low"] < skill["value"] < skill["high"]
    assert worst.json()["search"] == {"unknown": "no_version", "found": None}
    assert wrong.status_code == 400


def test_a_loop_that_declares_none_says_so(command: Command, home: Home, tmp_path: Path) -> None:
    shown = command("slices", "--home", home.root).stdout
    assert "The loop's file declares no slices: slices=[...]." in shown
    assert command("slices", "--home", home.root, "--days", "0").exit_code == 2
    missing = command("slices", "--home", tmp_path / "nowhere", "--json")
    assert (missing.exit_code, json.loads(missing.stdout)["error"]["code"]) == (1, "not_found")
