"""The command ``homeostat rollback`` itself, on an installation under load: until the last reply of the bad version."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.homes import Served, bodies, home_of, rows_of
from benchmarks.serving.loops import LOOP, PLAIN
from benchmarks.serving.models import LOGISTIC
from benchmarks.serving.processes import ROOT
from benchmarks.serving.watched import Seen, Watching
from homeostat.app.by_hand.operations import Operations
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.processes.supervisor import module_command
from homeostat.serving.routing import Route
from tests.harness.running import Running, until

Json = dict[str, Any]
REPLICAS = 2
_CONNECTIONS = 32
_AFTERWARDS = 1_000
"""Replies of the good version that are looked at after a rollback: none of the bad one may be among the last."""


@dataclass(frozen=True, slots=True)
class Back:
    """Seconds until the last bad reply of each replica, from the command's start and from its being accepted."""

    started: Mapping[str, float]
    accepted: Mapping[str, float]
    command: float


def taken_back(folder: Path, times: int) -> Iterator[Json]:
    """Rollbacks by the command, each after the bad version was put up again."""
    served = home_of(folder / "home", PLAIN, LOGISTIC, versions=("v1", "v2"))
    operations = Operations.open(served.home)
    _put_up(operations)
    asked = bodies(rows_of(served.model))
    with _installed(served) as running:
        for what, pause in (("as fast as it goes", 0.0), ("1,000 a second", _CONNECTIONS / 1_000)):
            with Watching(f"http://127.0.0.1:{served.port}{served.path}", asked, _CONNECTIONS, pause) as seen:
                backs = []
                for _ in range(times):
                    until(lambda seen=seen: seen.replies["v2"] > _AFTERWARDS)
                    backs.append(_back(served, seen, _replicas_of(seen, running, served.port)))
                    _put_up(operations)
            yield _line(what, backs, seen)


@contextmanager
def _installed(served: Served) -> Iterator[Running]:
    """``homeostat up`` with all its processes, until every replica serves."""
    told = ["up", str(served.home.root / "loop.py"), "--home", str(served.home.root), "--port", str(served.port)]
    command = module_command("homeostat.cli.main", *told, "--replicas", str(REPLICAS))
    with open(served.home.root / "up.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        running = Running(served.home.root, served.port, process, LOOP)
        try:
            until(lambda: sum(one.ready for one in Fleet(served.home).replicas()) == REPLICAS)
            yield running.ready()
        finally:
            running.stop()


def _put_up(operations: Operations) -> None:
    """The bad version serves and the good one stands by, as after a promotion."""
    state = operations.state(LOOP)
    route = Route(LOOP, state.route.generation + 1, "v2", standby="v1")
    after = dataclasses.replace(state, route=route).standing("v2", "champion", 0).standing("v1", "standby", 0)
    operations.store.commit(state, after, (), ())
    operations.publish(LOOP)
    Fleet(operations.home).follow(LOOP, route.generation)


def _back(served: Served, seen: Seen, replicas: Mapping[int, str]) -> Back:
    words = ("rollback", LOOP, "--yes", "--json", "--home", str(served.home.root))
    since, began = time.time_ns(), time.perf_counter()
    done = subprocess.run(module_command("homeostat.cli.main", *words), capture_output=True, cwd=ROOT, check=True)
    took, begun = time.perf_counter() - began, seen.replies["v1"]
    if json.loads(done.stdout)["followed"]["replicas"] != REPLICAS:
        raise RuntimeError(done.stdout.decode())
    sealed = max(file.stat().st_mtime_ns for file in served.home.ledger.iterdir())
    until(lambda: seen.replies["v1"] > begun + _AFTERWARDS)
    last: dict[str, float] = {}
    for (version, port), at in seen.by_connection.items():
        if version == "v2":
            last[replicas[port]] = max(last.get(replicas[port], 0.0), at - began)
    seen.replies["v2"] = 0
    return Back(last, {name: at - (sealed - since) / 1e9 for name, at in last.items()}, took)


def _replicas_of(seen: Seen, running: Running, port: int) -> dict[int, str]:
    """Which replica each connection has met, by the client's port."""
    sockets = {inode: mine for mine, inode in _served_from(port)}
    found = {}
    for pid in running.pids("gateway"):
        name = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").rpartition("\0")[2]
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                inode = os.readlink(link).removeprefix("socket:[").rstrip("]")
                if inode in sockets:
                    found[sockets[inode]] = name
    missing = {port for _, port in seen.by_connection} - set(found)
    if missing or len(set(found.values())) != REPLICAS:
        raise RuntimeError(f"Connections met {sorted(set(found.values()))}; of {len(missing)} it is not known.")
    return found


def _served_from(port: int) -> Iterator[tuple[int, str]]:
    """The client's port and the inode of each connection at the server's end."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, *rest = line.split()
        if int(here.rpartition(":")[2], 16) == port:
            yield int(there.rpartition(":")[2], 16), rest[6]


def _line(what: str, backs: Sequence[Back], seen: Seen) -> Json:
    names = sorted({name for one in backs for name in one.started})

    def told(which: str) -> Json:
        each = {name: [getattr(one, which)[name] for one in backs if name in getattr(one, which)] for name in names}
        return {name: {"median": median(taken), "most": max(taken)} for name, taken in each.items()}

    started = told("started")
    return {
        "what": "homeostat rollback under load",
        "load": what,
        "replicas": REPLICAS,
        "times": len(backs),
        "from_start": started,
        "from_accepted": told("accepted"),
        "command_seconds": median(one.command for one in backs),
        "most": max(one["most"] for one in started.values()),
        "replies": sum(seen.replies.values()),
        "failed": len(seen.failed),
    }
