"""The supervisor: what dies is started again, what ends well stays ended, and all stop together."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from homeostat.app.processes.supervisor import Supervisor, quiet_environment

FOR_EVER = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', file=sys.stderr, flush=True);"
    "[signal.pause() for _ in range(9)]",
]


def ending(code: int) -> list[str]:
    """A program that ends at once."""
    return [sys.executable, "-S", "-c", f"raise SystemExit({code})"]


def test_a_process_that_dies_is_started_again_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor({"worker": FOR_EVER}, tmp_path, told.append)
    supervisor.start()
    first = supervisor.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    supervisor.watch(lambda: supervisor.pids().get("worker", first) != first, every=0.02)
    supervisor.stop()
    assert told == [f"worker ended (exit -9); starting it again. See {tmp_path / 'worker.log'}"]
    assert supervisor.pids() == {}


def test_a_task_that_ends_well_is_not_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor({}, tmp_path, told.append, {"task": ending(0)})
    supervisor.start()
    supervisor.watch(lambda: supervisor.ended("task"), every=0.02)
    supervisor.stop()
    assert told == []


def test_a_task_that_keeps_failing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.app.processes.supervisor._LONGEST_DELAY", 0.01)
    told: list[str] = []
    supervisor = Supervisor({}, tmp_path, told.append, {"task": ending(3)})
    supervisor.start()
    supervisor.watch(lambda: supervisor.ended("task"), every=0.02)
    supervisor.stop()
    assert len(told) == 5


def test_what_does_not_stop_when_asked_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor({"deaf": STUBBORN}, tmp_path, lambda _: None)
    supervisor.start()
    supervisor.watch(lambda: (tmp_path / "deaf.log").read_text() == "deaf\n", every=0.02)
    supervisor.stop(patience=0.2)
    assert supervisor.pids() == {}


def test_being_asked_to_stop_ends_the_watch(tmp_path: Path) -> None:
    supervisor = Supervisor({"worker": FOR_EVER}, tmp_path, lambda _: None)
    supervisor.start()
    threading.Timer(0.05, supervisor.ask_to_stop).start()
    supervisor.watch(lambda: False, every=60.0)
    assert supervisor.stopping
    supervisor.stop()


def test_no_part_of_ours_reports_to_anyone_and_each_takes_one_thread() -> None:
    told = quiet_environment()
    assert told["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert told["DO_NOT_TRACK"] == "true"
    assert {told[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}
