"""A child and all that it starts: what they hold together, and their end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
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


def end_all(child: subprocess.Popen[bytes]) -> int:
    """End the session that a child leads, the child with it; its exit status."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def held_by_many(leader: int) -> int:
    """Bytes that a session's processes hold, what they share counted once; 0 where there is only its leader."""
    members = [pid for pid in _PROC.glob("[0-9]*") if _session_of(pid) == leader]
    return sum(map(_held, members)) if len(members) > 1 else 0


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
