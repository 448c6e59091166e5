"""A Homeostat in processes of its own, on free ports, and a client of its doors."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from homeostat.app.processes.supervisor import module_command
from homeostat.cli.main import app
from homeostat.kernel.clock import format_instant
from tests.harness.ports import free_ports
from tests.harness.stores import with_mlflow
from tests.harness.world import LOOP, World, day

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds, within what a test may take: one that waits in vain can tell so."""
MODULES = {
    "control": "homeostat.web.control",
    "gateway": "homeostat.web.gateway",
    "recorder": "homeostat.app.recorder",
    "training": "homeostat.app.training.child",
}


def until(condition: Any, patience: float = PATIENCE) -> Any:
    """Wait for a condition to give something true, and give it. A server that is not there yet, or not any more, has
    not given it. Raises: TimeoutError."""
    deadline, pause = time.monotonic() + patience, 0.005
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if found := condition():
                return found
        time.sleep(pause)
        pause = min(1.2 * pause, 0.05)  # who waits for long asks less often: each time costs whoever is asked
    raise TimeoutError("the condition never came true")


class Running:
    """A running installation under replay; ``world`` is what ``live`` sends it."""

    def __init__(self, home: Path, port: int, process: subprocess.Popen[bytes], loop: str = LOOP) -> None:
        self.home, self.process, self.loop = home, process, loop
        self.doors = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False)
        self.control = httpx.Client(base_url=f"http://127.0.0.1:{port + 1}", timeout=PATIENCE, trust_env=False)
        self.failed = 0

    def ready(self) -> Running:
        """Wait until doors and control answer. Raises: RuntimeError, with what was logged, when it ended instead."""
        try:
            until(lambda: self._ended() or self.doors.get("/health/live").status_code == 200)
            until(lambda: self._ended() or self.control.get("/api/loops").status_code == 200)
        except TimeoutError as error:
            raise TimeoutError(self._logged()) from error
        if self._ended():
            raise RuntimeError(self._logged())
        return self

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def _logged(self) -> str:
        logs = {log.name: log.read_text()[-2000:] for log in sorted((self.home / "process-logs").glob("*.log"))}
        return f"status {self.process.returncode}, logs {json.dumps(logs, indent=1)}"

    def send(self, table: str, rows: list[dict[str, Any]], now: int) -> httpx.Response:
        """Send events; tried again while the recorder is away."""
        return self._post(f"/tables/{table}/events", rows, now)

    def ask(self, rows: list[dict[str, Any]], now: int) -> httpx.Response:
        """Ask for predictions, once; what fails is counted."""
        reply = self.doors.post(f"/loops/{self.loop}/predict", json={"rows": rows}, headers=_at(now))
        self.failed += reply.status_code >= 500
        return reply

    def _post(self, path: str, rows: list[dict[str, Any]], now: int) -> httpx.Response:
        def tried() -> httpx.Response | None:
            reply = self.doors.post(path, json={"rows": rows}, headers=_at(now))
            return None if reply.status_code == 503 else reply

        found: httpx.Response = until(tried)
        return found

    def history(self, world: World, first: int, last: int) -> None:
        """Send days of the world without asking."""
        for now, visits, purchases in world.hours(first, last):
            for table, rows in (("purchases", purchases), ("visits", visits)):
                if rows:
                    self.send(table, rows, now).raise_for_status()

    def live(self, world: World, first: int, last: int) -> None:
        """Send days of the world, ask about every visit, and wait at each midnight until the day is decided."""
        for number in range(first, last):
            self.hours(world, number * 24, number * 24 + 24)
            self.barrier(day(number + 1))

    def hours(self, world: World, first: int, last: int) -> None:
        """Send hours of the world and ask about every visit."""
        for now, visits, purchases in world.span(first, last):
            for table, rows in (("purchases", purchases), ("visits", visits)):
                if rows:
                    self.send(table, rows, now).raise_for_status()
            self.ask(visits, now).raise_for_status()

    def barrier(self, now: int, patience: float = 4 * PATIENCE) -> None:
        """Wait until everything up to ``now`` is decided, through restarts of control."""

        def tried() -> bool:
            reply = self.control.post("/api/replay/barrier", json={"now": format_instant(now)})
            assert reply.status_code != 500, (self.home / "process-logs" / "control.log").read_text()[-4000:]
            return reply.status_code == 200

        until(tried, patience)

    def overview(self) -> dict[str, Any]:
        """Where the loop stands."""
        return self._told("overview")

    def decisions(self) -> list[dict[str, Any]]:
        """Every decision so far."""
        found: list[dict[str, Any]] = self._told("decisions")["decisions"]
        return found

    def _told(self, what: str) -> dict[str, Any]:
        """What the control API says; asked again while control is away."""
        reply: httpx.Response = until(lambda: self.control.get(f"/api/loops/{self.loop}/{what}"))
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def pids(self, name: str) -> list[int]:
        """Process ids of one kind of process of this home."""
        return [pid for pid, words in processes_of(self.home) if MODULES[name] in words]

    def kill(self, name: str, number: int = signal.SIGKILL) -> list[int]:
        """Kill the processes of one kind, and give their ids."""
        found = self.pids(name)
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        return found

    def command(self, *words: str, code: int = 0) -> Any:
        """Run one of our commands on this home with --json and give what it printed.

        It runs in this process: one of its own would first load, a second long, what is loaded here. What it leaves
        to the end of its process is let go here.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            done = CliRunner().invoke(app, [*words, "--home", str(self.home), "--json"])
            gc.enable()
            gc.collect()
        assert done.exit_code == code, (done.stderr, done.exception)
        return json.loads(done.stdout)

    def stop(self) -> int:
        """Ask it to stop and wait for it."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def started(
    home: Path, loop_file: Path, loop: str = LOOP, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a loop file under replay until the block ends; everything is stopped then, whatever happened."""
    port = free_ports()
    with_mlflow(home)
    command = module_command("homeostat.cli.main", "up", str(loop_file), "--home", str(home), "--port", str(port))
    process = subprocess.Popen(
        [*command, "--replay"], stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **(environment or {})}
    )
    running = Running(home, port, process, loop)
    try:
        yield running.ready()
    finally:
        if process.poll() is None:
            running.stop()
        running.doors.close()
        running.control.close()
        if process.stderr:
            process.stderr.close()


def _at(now: int) -> dict[str, str]:
    return {"Homeostat-Now": format_instant(now)}


def processes_of(home: Path) -> list[tuple[int, list[str]]]:
    """The processes whose commands name a home or what lies in it: their ids and the words of their commands."""
    return [(pid, words) for pid, words in _processes() if _mentions(words, home)]


def _mentions(words: list[str], home: Path) -> bool:
    return any(word == str(home) or word.startswith(f"{home}/") for word in words)


def _processes() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        yield int(path.parent.name), words
