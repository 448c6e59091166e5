"""Starts the processes of an installation, starts again what dies, and stops all of them together."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from homeostat.app.processes.threads import ONE_THREAD

Notice = Callable[[str], None]
_FIRST_DELAY, _LONGEST_DELAY, _HEALTHY_SECONDS = 0.2, 5.0, 30.0
_TASK_TRIES = 5
_PR_SET_PDEATHSIG = 1
_TAIL = 4_096


@dataclass(slots=True)
class _Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = _FIRST_DELAY
    due: float = 0.0
    task: bool = False
    failures: int = 0
    ended: bool = False


class Supervisor:
    """Keeps named child processes alive until told to stop.

    ``tasks`` are children that may end by themselves: started again only when they fail, a few times.
    All children are started by the thread that calls ``watch``: they die with it.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        logs: Path,
        notice: Notice,
        tasks: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._children = [_Child(name, command) for name, command in commands.items()]
        self._children += [_Child(name, command, task=True) for name, command in (tasks or {}).items()]
        self._logs = logs
        self._notice = notice
        self._news: queue.Queue[_Child | None] = queue.Queue()
        self._stopping = False

    def start(self) -> None:
        """Start every child."""
        for child in self._children:
            self._spawn(child)

    def watch(self, until: Callable[[], bool] = lambda: False, every: float = 0.5) -> None:
        """Restart what dies, until ``stop`` is asked for or ``until`` says so (asked every ``every`` seconds)."""
        while not self._stopping and not until():
            self._respawn_due()
            try:
                child = self._news.get(timeout=every)
            except queue.Empty:
                continue
            if child is not None and not self._stopping:
                self._schedule(child)

    @property
    def stopping(self) -> bool:
        """True once it was asked to stop."""
        return self._stopping

    def ask_to_stop(self) -> None:
        """Make ``watch`` return; safe in a signal handler."""
        self._stopping = True
        self._news.put(None)

    def stop(self, patience: float = 15.0) -> None:
        """Ask all children to finish, last started first; kill what does not within ``patience`` seconds."""
        self._stopping = True
        for child in reversed(self._children):
            if child.process and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for child in reversed(self._children):
            if child.process:
                _end(child.process, max(0.1, deadline - time.monotonic()))

    def ended(self, task: str) -> bool:
        """True when a task has ended well, or failed for good."""
        return any(child.ended for child in self._children if child.name == task)

    def pids(self) -> dict[str, int]:
        """The process ids of the children that run."""
        running = [c for c in self._children if c.process and c.process.poll() is None]
        return {child.name: child.process.pid for child in running if child.process}

    def _spawn(self, child: _Child) -> None:
        with open(self._logs / f"{child.name}.log", "ab") as log:
            child.process = subprocess.Popen(
                child.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=quiet_environment()
            )
        child.started, child.due = time.monotonic(), 0.0
        threading.Thread(target=self._report_end, args=(child, child.process), daemon=True).start()

    def _report_end(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._news.put(child)

    def _schedule(self, child: _Child) -> None:
        code = child.process.returncode if child.process else None
        if child.task:
            child.failures += code != 0
            child.ended = code == 0 or child.failures > _TASK_TRIES
            if child.ended:
                return
        healthy = time.monotonic() - child.started > _HEALTHY_SECONDS
        child.delay = _FIRST_DELAY if healthy else min(child.delay * 2, _LONGEST_DELAY)
        child.due = time.monotonic() + child.delay
        log = self._logs / f"{child.name}.log"
        self._notice(f"{child.name} ended (exit {code}); starting it again. {_last_error(log) or f'See {log}'}")

    def _respawn_due(self) -> None:
        for child in self._children:
            if child.due and child.due <= time.monotonic():
                self._spawn(child)


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this very interpreter."""
    return [sys.executable, "-m", module, *arguments]


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def quiet_environment() -> dict[str, str]:
    """The environment of our processes: no telemetry of any part, one thread per numeric library."""
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONUNBUFFERED": "1",
        # Freed memory goes back to the machine: these processes share it with serving.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
    }
    return {**os.environ, **ONE_THREAD, **quiet}


def _last_error(log: Path) -> str:
    """The error of ours that a process ended with; "" where it ended in another way."""
    with suppress(OSError), open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        last = file.read().decode(errors="replace").rstrip().rpartition("\n")[2]
        return last.removeprefix("error: ") if last.startswith("error: ") else ""
    return ""


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
