"""Contracts in a running Homeostat: verdicts at both doors, and starts that are refused for what is live."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.app.processes.supervisor import module_command
from homeostat.kernel.clock import format_instant
from tests.harness.ports import free_ports
from tests.harness.running import ROOT, Running, started
from tests.harness.world import HOUR, LOOP, LOOP_FILE, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

NOW = day(7)
WORLD = World()
RULES = """event_time="at",
    rules=[hs.rule("due - at <= 86400", verdict="warn"), hs.rule("x != 13", verdict="reject"), hs.rule("x != 14")],"""
TEXT = LOOP_FILE.replace('event_time="at",', RULES, 1).replace(
    'hs.text(categories=["north", "south"])', 'hs.text(categories=["north", "south"], open=True)'
)
EVENTS, PREDICT = "/tables/visits/events", f"/loops/{LOOP}/predict"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a champion will have been trained."""
    return tmp_path_factory.mktemp("contracts") / "home"


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Running]:
    """A week of history, a champion that serves."""
    with started(home, write_loop(home.parent, text=TEXT)) as found:
        for number in range(7):
            parts = list(WORLD.hours(number, number + 1))
            for table, place in (("purchases", 2), ("visits", 1)):
                found.send(table, [row for part in parts for row in part[place]], day(number + 1)).raise_for_status()
        found.barrier(NOW)
        assert found.overview()["route"]["champion"] == "v1"
        yield found


def visit(name: str, **changes: Any) -> dict[str, Any]:
    row = {"visit": name, "at": format_instant(NOW), "due": format_instant(NOW + HOUR), "x": 0.5, "shop": "north"}
    return {**row, **changes}


def post(running: Running, path: str, *rows: dict[str, Any]) -> httpx.Response:
    return running.doors.post(path, json={"rows": list(rows)}, headers={"Homeostat-Now": format_instant(NOW)})


def test_a_warning_is_answered_told_and_counted_at_both_doors(running: Running) -> None:
    odd = visit("odd", shop="west", due=format_instant(NOW + 48 * HOUR))
    told = post(running, EVENTS, odd).raise_for_status().json()
    assert told["accepted"] == 1
    promises = ["shop: new_category", "rule:due - at <= 86400"]
    assert [one["reason"] for one in told["warnings"]] == ["new_category", "rule:due - at <= 86400"]
    fine, warned = post(running, PREDICT, visit("a"), {**odd, "visit": "b"}).raise_for_status().json()["predictions"]
    assert (fine["warnings"], warned["warnings"]) == ([], promises)
    metrics = running.doors.get("/metrics").text
    assert 'homeostat_contract_warnings_total{replica="r1",loop="visits",promise="shop: new_category"} 1.0' in metrics
    shown = running.command("contract", "show", "visits")
    assert {one["promise"]: one["warned"] for one in shown["broken"]} == dict.fromkeys(promises, 1)


def test_a_rejecting_rule_refuses_everything_and_another_keeps_its_row_apart(running: Running) -> None:
    reply = post(running, EVENTS, visit("good"), visit("refused", x=13))
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["code"] == "contract_broken"
    assert error["facts"]["breaks"][0]["reason"] == "rule:x != 13"
    told = post(running, EVENTS, visit("good"), visit("apart", x=14)).raise_for_status().json()
    assert (told["accepted"], told["quarantined_rows"]) == (1, 1)
    assert post(running, PREDICT, visit("asked", x=14)).status_code == 422


def test_a_breaking_change_is_refused_at_the_start_and_a_compatible_one_is_recorded(
    running: Running, home: Path
) -> None:
    assert running.stop() == 0
    narrowed = TEXT.replace('"spent": hs.number(0, 1000)', '"spent": hs.number(5, 1000)')
    said = refused(home, write_loop(home.parent, text=narrowed))
    assert "column 'spent' has 5 as its least value; it was 0" in said
    assert f"{LOOP}/v1 (champion): Window(purchases, by='shop') depends on it" in said
    assert "give the changed column a new name" in said
    wider = TEXT.replace("hs.number(-50, 50)", "hs.number(-60, 60)")
    with started(home, write_loop(home.parent, text=wider)) as again:
        shown = again.command("contract", "show", "visits")
        assert [one["version"] for one in shown["versions"]] == [1, 2]
        assert len(shown["versions"][1]["changes"]) == 2
        assert [one["version"] for one in again.command("contract", "show", "purchases")["versions"]] == [1]


def refused(home: Path, loop_file: Path) -> str:
    """What ``up`` says when it will not start."""
    command = module_command("homeostat.cli.main", "up", str(loop_file), "--home", str(home))
    done = subprocess.run(
        [*command, "--port", str(free_ports())], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "run.json").exists()
    return " ".join(done.stderr.split())
