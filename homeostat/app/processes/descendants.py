"""A child and all that it starts: what they hold together, and their end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_MARK = "HOMEOSTAT_STARTED_BY"
_TURNS = 10
"""How often those are looked for that were started while others were ended."""
_SESSION = 3
"""Place of the session's id in ``/proc/PID/stat``, after the name in parentheses."""


def ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it has ended, waiting at most so long. It is not yet collected: its number is nobody else's."""
    if child.returncode is not None:
        return True
    watched = os.pidfd_open(child.pid)
    try:
        return bool(select.select([watched], [], [], max(seconds, 0.0))[0])
    finally:
        os.close(watched)


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child, by which those that it starts are known wherever they put themselves."""
    return {**environment, _MARK: os.urandom(8).hex()}


def end_all(child: subprocess.Popen[bytes], environment: Mapping[str, str]) -> int:
    """End the session that a child leads, the child with it, and what has left that session; its exit status."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    status = child.wait()
    for _ in range(_TURNS):
        strays = [int(pid.name) for pid in _PROC.glob("[0-9]*") if _bears(pid, environment)]
        for stray in strays:
            with suppress(ProcessLookupError):
                os.kill(stray, signal.SIGKILL)
        if not strays:
            break
    return status


def held_by_many(leader: int, environment: Mapping[str, str]) -> int:
    """Bytes that a child holds with all that it started, what they share counted once; 0 where there is only itself."""
    members = [pid for pid in _PROC.glob("[0-9]*") if _session_of(pid) == leader or _bears(pid, environment)]
    return sum(map(_held, members)) if len(members) > 1 else 0


def _bears(pid: Path, environment: Mapping[str, str]) -> bool:
    """Whether a living process was started with this very mark."""
    try:
        return f"{_MARK}={environment[_MARK]}".encode() in (pid / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _session_of(pid: Path) -> int | None:
    try:
        return int((pid / "stat").read_text().rpartition(")")[2].split()[_SESSION])
    except (OSError, ValueError, IndexError):
        return None


def _held(pid: Path) -> int:
    try:
        lines = (pid / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith("Pss:")), "Pss: 0 kB")
    return int(found.split()[1]) << 10
