"""What a person is told of how right a loop is: with labels and before them, and why where nothing is known."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

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
from homeostat.app.shown.performance import performance
from homeostat.app.shown.showing import Showing
from homeostat.web.api.application import application
from tests.harness.foretold import foretold_days
from tests.harness.world import LOOP, write_loop
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with thirty days, of which two wait for labels; nothing of it runs."""
    folder = tmp_path_factory.mktemp("seen")
    found = Home(folder / "home")
    found.prepare()
    Settings(home=found.root, loop_file=write_loop(folder)).save()
    store, days = Operations.open(found).store, foretold_days(30)
    state = store.state(LOOP)
    store.commit(state, dataclasses.replace(state, decided_until=days[-1].end), (), days)
    return found


def test_the_table_has_both_figures_what_estimates_missed_by_and_the_power(command: Command, seen: Home) -> None:
    shown = command("performance", "--home", seen.root).stdout
    for text in (
        "Labels: 3,360 in, 600 still maturing, the last due by 2024-02-02 00:00; 240 expected and missing (6.7%",
        "Rows without a label look different: ",
        "Estimated, before labels: 2 days (2024-01-29 to 2024-01-30, 600 rows)",
        "calibration error",
        "accuracy: a 5-point drop would take ",
        "Bounds hold for one look, days being the unit.",
        "At every look together, 28 days since v1 came, each alike: accuracy 0.",
    ):
        assert text in shown, text


def test_json_is_all_of_it_and_days_chooses_how_much(command: Command, seen: Home) -> None:
    found = json.loads(command("performance", "--home", seen.root, "--days", "5", "--json").stdout)
    assert found["trail"] == 5
    assert [one["days"] for one in found["realised"]] == [1, 5, 7, 28]
    assert len(found["days"]) == 5
    assert found["record"]["day"]["roc_auc"]["days"] == 24


def test_a_home_without_days_says_that_nothing_is_known(command: Command, home: Home, tmp_path: Path) -> None:
    shown = command("performance", "--home", home.root).stdout
    assert "unknown: scores not counted" in shown or "unknown: no rows" in shown
    assert command("performance", "--home", home.root, "--days", "0").exit_code == 2
    missing = command("performance", "--home", tmp_path / "nowhere", "--json")
    assert (missing.exit_code, json.loads(missing.stdout)["error"]["code"]) == (1, "not_found")


def test_the_route_says_what_the_command_says_and_the_windows_hold_the_estimate(seen: Home) -> None:
    loops, operations = load_loops(Settings.load(seen.root).loop_file), Operations.open(seen)
    facts = Facts(BlockingRecorderClient(str(seen.root / "nobody")), "http://127.0.0.1:1")
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    service = ControlService(loops, {}, operations, facts, None, 1.0, Showing(operations, loops), doors)

    async def asked(*paths: str) -> list[httpx.Response]:
        door = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return [await client.get(f"/api/loops/{path}") for path in paths]

    told, few, wrong, missing, windows = asyncio.run(
        asked(f"{LOOP}/performance", f"{LOOP}/performance?days=3", f"{LOOP}/performance?days=0", "x/performance",
              f"{LOOP}/windows")
    )  # fmt: skip
    assert told.json() == json.loads(json.dumps(performance(operations, loops[LOOP])))
    assert few.json()["trail"] == 3
    assert (wrong.status_code, missing.status_code) == (400, 404)
    days: list[Any] = windows.json()["windows"]
    assert [day["estimated"] is not None for day in days[-3:]] == [False, True, True]
    auc = days[-1]["estimated"]["auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert days[-1]["estimated"]["unlabelled"] == 2
