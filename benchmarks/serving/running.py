"""A server that runs and is asked: until its first right answer, under load, and until it is stopped."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from benchmarks.load import Loaded
from benchmarks.serving.loads import load, steady
from benchmarks.serving.processes import Process, cores
from benchmarks.serving.servers import Server

_CLOSE = 1e-3
_PATIENCE = 120.0
_LOOK_SECONDS = 0.005
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Round:
    """What one turn of load showed: the clients' view, and processor time a request: the server's, and without what
    it started."""

    loaded: Loaded
    cpu_ms: float
    own_cpu_ms: float


@dataclass(frozen=True, slots=True)
class Up:
    """A server that answers; ``cold`` is the time from its command to the first right answer, in seconds."""

    server: Server
    process: Process
    cold: float

    def turn(self, seconds: float, *, rate: float = 0.0, first: bool = False) -> Round:
        """Load it for so long: as fast as it answers, or ``rate`` times a second; ``first`` before all neighbours."""
        before, own = self.process.cpu_seconds(), self.process.own_cpu_seconds()
        told = (self.server.url, self.server.bodies, seconds, cores()[1])
        found = steady(*told, rate, first=first) if rate else load(*told, first=first)
        each = 1e3 / max(1, found.requests)
        own = self.process.own_cpu_seconds() - own
        return Round(found, (self.process.cpu_seconds() - before) * each, own * each)


@contextmanager
def started(server: Server, logs: Path) -> Iterator[Process]:
    """Start it on the servers' core, and stop it at the end."""
    process = Process(server.command, cores()[0], logs / f"{server.port}.log", server.environment)
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def up(server: Server, logs: Path, expected: float | None = None) -> Iterator[Up]:
    """Start it, and wait until it answers the first row with ``expected``."""
    began = time.perf_counter()
    with started(server, logs) as process:
        _await(server, process, expected)
        yield Up(server, process, time.perf_counter() - began)


def cold_start(server: Server, logs: Path, expected: float | None) -> float:
    """Seconds from the command to the first right answer."""
    with up(server, logs, expected) as found:
        return found.cold


def _await(server: Server, process: Process, expected: float | None) -> None:
    ends = time.monotonic() + _PATIENCE
    while not _answers(server, expected):
        if not process.running or time.monotonic() > ends:
            raise RuntimeError(f"{server.name} does not answer:\n{process.log.read_text()[-2_000:]}")
        time.sleep(_LOOK_SECONDS)


def _answers(server: Server, expected: float | None) -> bool:
    """Whether it answers. Raises: RuntimeError when the answer is another than the model's."""
    asked = urllib.request.Request(server.url, server.bodies[0], {"Content-Type": "application/json"})
    try:
        with _DIRECT.open(asked, timeout=_PATIENCE) as reply:
            found = server.read(json.load(reply))
    except HTTPError as error:
        if error.code < 500 and error.code != 404 and b"not ready" not in (said := error.read()):
            raise RuntimeError(f"{server.name} refuses: {error.code} {said[:500]!r}") from error
        return False
    except (OSError, HTTPException):
        return False
    if expected is not None and abs(found - expected) > _CLOSE:
        raise RuntimeError(f"{server.name} answers {found}, not {expected}")
    return True
