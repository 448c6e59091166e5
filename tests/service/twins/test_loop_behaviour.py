"""What a candidate may do to its users: nothing. What a person may ask of a loop: to go back, at any time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.cli.context import person
from homeostat.kernel.clock import format_instant
from tests.harness.twins import PERIOD, Twin
from tests.harness.watched import Call, Watch
from tests.harness.world import BEGINS, HOUR, LOOP, World

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def shuffled(calm: Twin) -> Json:
    """The gate's decision on a candidate that was trained on shuffled labels."""
    calm.ask_training("shuffled")
    try:
        return calm.until("reject", days=2 * PERIOD)
    finally:
        calm.ask_training("")


def test_a_candidate_trained_on_shuffled_labels_never_passes_the_gate(calm: Twin, shuffled: Json) -> None:
    codes = " ".join(shuffled["reasons"])
    assert "skill over the base rate" in codes
    assert "minus" in codes
    route = calm.running.overview()["route"]
    assert (route["canary"], route["champion"]) != (shuffled["version"], shuffled["version"])
    assert calm.running.failed == 0


def test_a_candidate_that_only_looked_good_offline_is_taken_back(calm: Twin, shuffled: Json) -> None:
    running = calm.running
    before = running.overview()
    today = calm.hour // 24
    calm.world = World(changes=today, reverts=today + PERIOD)
    accepted = calm.until("canary", days=PERIOD)
    assert accepted["at"].startswith(_date(today + PERIOD))
    assert accepted["reasons"][-1].startswith("features as served and as trained on are at most 0 <= 0.1 apart on ")
    taken_back = calm.until("rollback", days=PERIOD)
    assert taken_back["version"] == accepted["version"]
    assert taken_back["reasons"][0].startswith("log-loss above the champion's by at least")
    after = running.overview()
    assert after["route"]["champion"] == before["route"]["champion"]
    assert after["route"]["canary"] is None
    assert after["totals"]["rollbacks"] == before["totals"]["rollbacks"] + 1
    assert after["totals"]["failed_requests"] == running.failed == 0


def _date(number: int) -> str:
    return format_instant(BEGINS + number * 24 * HOUR)[:10]


def test_an_arm_that_errors_is_answered_by_the_champion_and_taken_back(shaken: Twin) -> None:
    running = shaken.running
    shaken.ask_training("brittle")
    accepted = shaken.until("canary", days=PERIOD)
    shaken.ask_training("")
    before = running.overview()
    shaken.world = World(shops=("north", "south", "west"))
    taken_back = shaken.until("rollback", days=5)
    assert taken_back["version"] == accepted["version"]
    assert "rows failed" in taken_back["reasons"][0]
    log = (
        DeltaTables(running.home / "log").read(LOOP, columns=["asked_at", "version", "fell_back", "q_shop"]).to_pylist()
    )
    fell_back = [row for row in log if row["fell_back"]]
    assert fell_back
    assert {row["version"] for row in fell_back} == {before["route"]["champion"]}
    assert not [row for row in log if row["q_shop"] == "west" and row["version"] == accepted["version"]]
    assert running.overview()["route"]["champion"] == before["route"]["champion"]
    assert running.overview()["totals"]["failed_requests"] == running.failed == 0


def test_rollback_flips_to_the_standby_within_a_second_and_says_so_when_there_is_none(shaken: Twin) -> None:
    running = shaken.running
    shaken.go(24 - shaken.hour % 24)
    route = running.overview()["route"]
    assert route["canary"] is None
    done = running.command("rollback", "--yes", "--reason", "it smells")
    until_served = time.monotonic() + 1
    while _version(shaken) != route["standby"]:
        assert time.monotonic() < until_served
    assert done["route"]["champion"] == route["standby"]
    assert done["route"]["generation"] == route["generation"] + 1
    assert (done["decision"]["kind"], done["decision"]["actor"]) == ("rollback", person())
    assert "it smells" in done["decision"]["reasons"][0]
    again = running.command("rollback", "--yes", code=1)["error"]
    assert "no version to go back to" in again["problem"]
    assert again["mend"]
    assert running.command("ledger", "verify")["intact"]
    shaken.go(24)


def test_rollback_works_while_nothing_runs_and_holds_after_the_start(calm: Twin) -> None:
    route = calm.running.overview()["route"]
    assert route["canary"] is None
    assert calm.running.stop() == 0
    done = calm.running.command("rollback", "--yes", "--reason", "overnight")
    assert done["route"]["champion"] == route["standby"]
    calm.restart()
    assert _version(calm) == route["standby"]
    assert calm.running.overview()["route"] == done["route"]
    calm.go(24 - calm.hour % 24)
    assert calm.running.command("ledger", "verify")["intact"]


def _version(twin: Twin) -> str:
    """Which version answers now; the hour is the next one, asked early."""
    now, visits, _ = next(twin.world.span(twin.hour, twin.hour + 1))
    reply = twin.running.ask([{**visits[0], "visit": f"who-{time.monotonic_ns()}"}], now)
    reply.raise_for_status()
    return str(reply.json()["predictions"][0]["version"])


def test_no_process_ever_reached_for_another_machine_alerts_or_not(calm: Twin, shaken: Twin) -> None:
    for twin in (calm, shaken):
        calls = twin.watch.calls()
        assert [call for call in calls if not call.local] == []
        for module in ("homeostat.app.recorder", "homeostat.web.control", "homeostat.web.gateway"):
            assert _told(calls, module, "started"), module
        assert _told(calls, "homeostat.app.training.child", "started")
        assert _told(calls, "homeostat.web.control", "socket.connect")
        told = twin.running.control.get(f"/api/loops/{LOOP}/alerts").json()
        assert (told["addresses"], len(told["rules"]) > 20) == ([], True)
        assert not _told(calls, "homeostat.app.alerting.courier", "started")


def _told(calls: list[Call], module: str, event: str) -> bool:
    return any(call.event == event and module in call.command for call in calls)


def test_the_watch_sees_and_stops_a_process_that_reaches_out(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    code = "import socket; socket.create_connection(('example.invalid', 80))"
    done = subprocess.run([sys.executable, "-c", code], env=watch.environment, capture_output=True, check=False)
    assert b"tests stay on this machine" in done.stderr
    assert [call.address for call in watch.calls() if not call.local] == ["example.invalid"]
