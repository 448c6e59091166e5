"""What a step of this process costs, as the operating system counts it."""

from __future__ import annotations

import time
from pathlib import Path

_PROC = Path("/proc/self")
_FORGET_PEAK = "5"


class ProcessGauge:
    """The peak of this process's resident memory since a step began; where that cannot be forgotten, since ever."""

    def begin(self) -> None:
        """Forget the peak so far."""
        try:
            (_PROC / "clear_refs").write_text(_FORGET_PEAK)
        except OSError:
            return

    def peak(self) -> int:
        """Bytes; 0 where the system does not tell."""
        try:
            lines = (_PROC / "status").read_text().splitlines()
        except OSError:
            return 0
        found = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
        return int(found.split()[1]) << 10

    def seconds(self) -> float:
        """A clock that only goes forward."""
        return time.monotonic()
