"""Every server that is compared: how it is started, how it is asked, and how its answer is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving.homes import Json, Served, bodies, features_of
from tests.harness.running import free_ports

PEERS = "HOMEOSTAT_PEERS"
"""Names interpreters that have peers installed, separated as in PATH; this one where it is not set."""
_FIND = """
import importlib, json, sys
found = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception:
        continue
    found.append(name)
print("\\n" + json.dumps(found))
"""
_NEEDS = {"mlserver": "mlserver.cli", "ray": "ray.serve"}
"""What must be importable where it is more than the package: its types alone serve nothing."""


@dataclass(frozen=True, slots=True)
class Server:
    """``bodies`` are whole requests; ``read`` takes the probability of True out of a reply's JSON."""

    name: str
    command: tuple[str, ...]
    port: int
    path: str
    bodies: Sequence[bytes] = field(repr=False)
    read: Callable[[Any], float]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class _Peer:
    """How one peer is asked: the body for a row of numbers, and where its answer lies."""

    name: str
    module: str
    path: str
    body: Callable[[list[float]], Json]
    read: Callable[[Any], float]
    arguments: tuple[str, ...] = ()


def _rows(row: list[float]) -> Json:
    return {"rows": [row]}


def _tensor(row: list[float]) -> Json:
    return {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}


def _first(reply: Any) -> float:
    found = reply["predictions"][0]
    return float(found[-1] if isinstance(found, list) else found)


def _first_tensor(reply: Any) -> float:
    return float(reply["outputs"][0]["data"][0])


def _probability(reply: Any) -> float:
    return float(reply["predictions"][0]["probability"])


_PEERS = (
    _Peer("MLServer, in process", "mlserver", "/v2/models/bench/infer", _tensor, _first_tensor),
    _Peer("MLServer, default", "mlserver", "/v2/models/bench/infer", _tensor, _first_tensor, ("1",)),
    _Peer("LitServe", "litserve", "/predict", _rows, _first),
    _Peer("MLflow models serve", "mlflow", "/invocations", lambda row: {"inputs": [row]}, _first),
    _Peer("BentoML", "bentoml", "/predict", _rows, _first),
    _Peer("Ray Serve", "ray", "/", _rows, _first),
)


def limit(served: Served, *, uvloop: bool = False) -> Server:
    """The least that can answer with the champion's model, on Python's own event loop or on the one we run on."""
    port, loop = free_ports(), "uvloop" if uvloop else "asyncio"
    command = (sys.executable, "-m", "benchmarks.serving.limit", str(served.version()), str(port), loop)
    name = "the same on uvloop" if uvloop else "limit: bare Granian"
    return Server(name, command, port, "/", bodies(features_of(served.model)), _probability)


def gateway(served: Served, rows: Sequence[Json], *, name: str = "Homeostat", replica: str = "r1") -> Server:
    """Homeostat's gateway, as ``homeostat up`` starts it."""
    command = (sys.executable, "-m", "homeostat.web.gateway", str(served.home.root), replica)
    return Server(name, command, served.port, served.path, bodies(rows), _probability)


def recorder(served: Served) -> tuple[str, ...]:
    """The command of the process that moves what the gateway recorded to the log."""
    return (sys.executable, "-m", "homeostat.app.recorder", str(served.home.root))


def peers(served: Served) -> tuple[list[Server], list[str]]:
    """The peers that are installed, and the names of those that are not."""
    found: list[Server] = []
    missing: list[str] = []
    where = interpreters({peer.module for peer in _PEERS})
    for peer in _PEERS:
        if peer.module not in where:
            missing.append(peer.name)
            continue
        found.append(_server(peer, where[peer.module], served))
    return found, missing


def _server(peer: _Peer, interpreter: str, served: Served) -> Server:
    port = free_ports()
    module = f"benchmarks.serving.peers.{peer.module}"
    command = (interpreter, "-m", module, str(served.home.root), str(port), *peer.arguments)
    asked = [json.dumps(peer.body(row)).encode() for row in served.model.rows.tolist()]
    beside = {"PATH": f"{Path(interpreter).parent}{os.pathsep}{os.environ.get('PATH', '')}", **_QUIET}
    return Server(peer.name, command, port, peer.path, asked, peer.read, beside)


_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "BENTOML_DO_NOT_TRACK": "True", "LIT_DISABLE_TELEMETRY": "1"}


def interpreters(modules: Iterable[str]) -> dict[str, str]:
    """Per module the first interpreter that can import it."""
    found: dict[str, str] = {}
    for interpreter in os.environ.get(PEERS, sys.executable).split(os.pathsep):
        needs = {_NEEDS.get(module, module): module for module in modules}
        command = [interpreter, "-c", _FIND, *needs]
        told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(interpreter).parent)
        for name in json.loads(told.stdout.rstrip().rpartition("\n")[2]):
            found.setdefault(needs[name], interpreter)
    return found
