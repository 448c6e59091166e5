"""Consumers of a running installation: counted at the door, and never broken by a new start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from homeostat.app.processes.supervisor import module_command
from homeostat.kernel.clock import format_instant
from tests.harness.ports import free_ports
from tests.harness.running import ROOT, started, until
from tests.harness.world import BEGINS, HOUR, LOOP, LOOP_FILE, World, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def test_consumers_are_counted_while_it_runs_and_asked_before_their_outputs_change(tmp_path: Path) -> None:
    loop_file, home = write_loop(tmp_path), tmp_path / "home"
    ((_, visits, _),) = World().span(0, 1)
    with started(home, loop_file) as running:
        running.command("consumers", "add", LOOP, "board", "--contact", "shop floor", "--needs", "prediction")

        def asked(told: dict[str, str]) -> None:
            now = {"Homeostat-Now": format_instant(BEGINS + HOUR)}
            running.doors.post(f"/loops/{LOOP}/predict", json={"rows": visits}, headers={**now, **told})

        def counted() -> dict[str, int]:
            asked({"Homeostat-Consumer": "board"})
            return {one["consumer"]: one["requests"] for one in running.command("consumers", "list")}

        asked({})
        found = until(lambda: (seen := counted())["board"] and seen)
        assert found["unregistered"] >= 1
        (board, _) = running.command("consumers", "list")
        assert board["last_seen"] is not None
    write_loop(tmp_path, text=LOOP_FILE.replace("train=train,", "train=train, threshold=0.3,"))
    refused = start(home, loop_file)
    assert refused.returncode == 1
    assert "1 consumer depends on outputs that would change" in refused.stderr
    assert "board of visits (shop floor): prediction was true from 0.5 on and would be from 0.3" in refused.stderr
    assert not (home / "run.json").exists()
    removed = module_command("homeostat.cli.main", "consumers", "remove", LOOP, "board", "--yes", "--home", str(home))
    subprocess.run(removed, cwd=ROOT, check=True, capture_output=True)
    with started(home, loop_file):
        pass


def start(home: Path, loop_file: Path) -> subprocess.CompletedProcess[str]:
    """A start that is expected to be refused."""
    command = ["up", str(loop_file), "--home", str(home), "--port", str(free_ports())]
    return subprocess.run(
        module_command("homeostat.cli.main", *command), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
