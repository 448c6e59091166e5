"""The load: wrk where it is installed, else the asyncio client of this package."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from benchmarks.load import Loaded, at_rate, saturate
from benchmarks.serving.processes import go_first, wait_in_line

CONNECTIONS = 64
_SCRIPT = """
local bodies = {%s}
local at = 0
request = function()
  at = at %% #bodies + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, bodies[at])
end
done = function(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
  failed = failed + summary.errors.status + summary.errors.timeout
  io.write(string.format('\\n{"requests": %%d, "micros": %%d, "p50": %%d, "p99": %%d, "failed": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


def generator() -> str:
    """Which load generator is used."""
    return "wrk" if shutil.which("wrk") else "asyncio client"


def load(url: str, bodies: Sequence[bytes], seconds: float, core: int, *, first: bool = False) -> Loaded:
    """Ask over 64 connections, each one request after the other; ``first`` before whatever else wants the core."""
    if generator() == "wrk":
        return _wrk(url, bodies, seconds, core, first)
    return _on(core, first, saturate(url, bodies, CONNECTIONS, seconds))


def steady(url: str, bodies: Sequence[bytes], seconds: float, core: int, rate: float, *, first: bool = False) -> Loaded:
    """Ask so many times a second, whether or not replies come."""
    return _on(core, first, at_rate(url, bodies, CONNECTIONS, seconds, rate))


def _on(core: int, first: bool, work: Coroutine[Any, Any, Loaded]) -> Loaded:
    before = os.sched_getaffinity(0)
    _take(core, first)
    try:
        return asyncio.run(work)
    finally:
        os.sched_setaffinity(0, before)
        if first:
            wait_in_line()


def _take(core: int, first: bool) -> None:
    os.sched_setaffinity(0, {core})
    if first:
        go_first([os.getpid()])


def _wrk(url: str, bodies: Sequence[bytes], seconds: float, core: int, first: bool) -> Loaded:
    listed = ",".join(f"[==[{body.decode()}]==]" for body in bodies)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.lua"
        script.write_text(_SCRIPT % listed)
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "-s",
            str(script),
            url,
        ]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, preexec_fn=lambda: _take(core, first)
        )
    seen = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    replies = seen["requests"] - seen["failed"]
    per_second = replies / (seen["micros"] / 1e6)
    return Loaded(seen["requests"], per_second, seen["p50"] / 1e3, seen["p99"] / 1e3, seen["failed"])
