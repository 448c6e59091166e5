"""Servers as processes that are held on one core, and what they take of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from homeostat.app.processes.supervisor import quiet_environment

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 10.0


def cores() -> tuple[int, int]:
    """The core of the servers, and that of everything else; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Process:
    """A command and all that it starts, held on ``core``; ended as a group."""

    def __init__(self, command: Sequence[str], core: int, log: Path, environment: Mapping[str, str] | None = None):
        with open(log, "ab") as told:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                env={**quiet_environment(), **(environment or {})},
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        self.log = log

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def pids(self) -> list[int]:
        """The process and its descendants."""
        parents = dict(_parents())
        return [pid for pid in parents if _descends(pid, self._process.pid, parents)]

    @property
    def children(self) -> list[int]:
        """Its descendants alone."""
        return [pid for pid in self.pids if pid != self._process.pid]

    def cpu_seconds(self) -> float:
        """Processor time that they took so far, children that ended included."""
        return sum(_cpu_ticks(pid) for pid in self.pids) / _TICKS

    def own_cpu_seconds(self) -> float:
        """Processor time of the process alone, without its descendants."""
        return _cpu_ticks(self._process.pid, slice(11, 13)) / _TICKS

    def mebibytes(self) -> float:
        """Memory that they hold: what one process holds as the kernel counts it, of several what they share once."""
        pids = self.pids
        if len(pids) == 1:
            return _status(pids[0], "status", "VmRSS:") / 1024
        return sum(_status(pid, "smaps_rollup", "Pss:") for pid in pids) / 1024

    def stop(self) -> None:
        """End them all; what does not listen is killed."""
        pids = self.pids
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def hold(pids: Sequence[int], core: int) -> None:
    """Move processes that run, with all their threads, to a core."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def go_first(pids: Sequence[int]) -> bool:
    """Let processes, with all threads they have now, run before whatever else wants their core; what they start does
    not inherit it. False where that may not be asked for."""
    try:
        for pid in pids:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        return False
    return True


def wait_in_line() -> None:
    """Take back for this process what ``go_first`` gave."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def _parents() -> list[tuple[int, int]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                found.append((int(folder.name), int(_fields(folder / "stat")[1])))
    return found


def _descends(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
    return pid == ancestor


def _cpu_ticks(pid: int, which: slice = slice(11, 15)) -> int:
    with suppress(OSError):
        return sum(int(ticks) for ticks in _fields(Path(f"/proc/{pid}/stat"))[which])
    return 0


def _fields(stat: Path) -> list[str]:
    """The fields behind the command's name, which may hold spaces."""
    return stat.read_text().rpartition(")")[2].split()


def _status(pid: int, file: str, name: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0
