"""How much may still be written to a spool: counted on the hot path, looked up beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from homeostat.adapters.files import segments
from homeostat.kernel.errors import HomeostatError
from homeostat.serving.prediction_log import DiskFull, SpoolFull, SpoolState

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """``waiting`` is how many bytes may wait to be drained; ``reserve`` how many of the disk are left to others."""

    waiting: int = 2 << 30
    reserve: int = 0


class Room:
    """Lets bytes in while there is room for them.

    ``admit`` is for one thread and costs a comparison; ``look`` asks the operating system, and may run in another
    thread, where ``written`` counts what was let in and has been dealt with.
    """

    def __init__(self, folder: Path, limits: SpoolLimits) -> None:
        self._folder, self._limits = folder, limits
        self._admitted = self.written = 0
        self.look()

    def admit(self, size: int) -> bool:
        """Count bytes in, or say that there is no room for them."""
        if self._admitted + size > self._upto:
            return False
        self._admitted += size
        return True

    def look(self) -> None:
        """See what was drained, and what the disk has left."""
        written = self.written
        disk = os.statvfs(self._folder if self._folder.is_dir() else self._folder.parent)
        place, drained_at = segments.drained(self._folder)
        waiting = segments.bytes_behind(self._folder, place)
        free = disk.f_bavail * disk.f_frsize
        self._seen, self._seen_at = SpoolState(waiting, self._limits.waiting, free, drained_at), written
        self._upto = written + min(self._limits.waiting - waiting, free - self._limits.reserve)

    def state(self) -> SpoolState:
        """What was seen at the last look, and let in since."""
        seen = self._seen
        since = max(0, self._admitted - self._seen_at)
        return SpoolState(seen.waiting + since, seen.limit, seen.free, seen.drained_at)

    def refusal(self) -> HomeostatError:
        """Why there is no room."""
        seen = self.state()
        if seen.free - self._limits.reserve < seen.limit - seen.waiting:
            return DiskFull(
                f"The disk has {seen.free // _MIB} MiB left, of which {self._limits.reserve // _MIB} are kept back.",
                mend=f"Make room on the disk that holds {self._folder.name!r}, then send it again; replies come back"
                " by themselves.",
                free_bytes=seen.free,
                reserve_bytes=self._limits.reserve,
            )
        return SpoolFull(
            f"{seen.waiting} bytes of predictions wait to be moved to the log, and {seen.limit} may.",
            mend="See in process-logs/recorder.log why the recorder does not move them; replies come back by themselves"
            " once it does.",
            waiting_bytes=seen.waiting,
            limit_bytes=seen.limit,
        )
