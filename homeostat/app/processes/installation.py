"""Starts an installation: checks, settings, lock, and the processes under one supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from homeostat.adapters.files.routes import read_route
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.alerting.watchman import Watchman
from homeostat.app.clocks import SystemClock
from homeostat.app.gateway.consumers import refuse_broken_outputs
from homeostat.app.home import HomeLock, Running
from homeostat.app.loops.known import remember_features
from homeostat.app.loops.loader import load_loops
from homeostat.app.processes.belonging import refuse_other_evidence
from homeostat.app.processes.ports import check_grpc_port, check_ports_free
from homeostat.app.processes.supervisor import Notice, Supervisor, module_command
from homeostat.app.settings import Settings
from homeostat.app.signing.keys import warn_of_unsigned
from homeostat.app.signing.trust import keyring, prepared
from homeostat.app.tables.contracts import judge_contracts
from homeostat.app.versioned_state.places import check_state_places
from homeostat.control.loop import Loop
from homeostat.kernel.errors import IntegrityError, refused_by_system

LONG_IMPORT_SECONDS = 1.0
_LONGEST_FOLDER = 80
"""Bytes of a folder's name that leave room for the names of sockets: a system takes some hundred of both."""


class Installation:
    """One home, locked, with its recorder, gateway and control running; a context manager.

    Raises, before anything is started: Conflict when the home or a port is in use; InvalidInput when the loop
    file does not hold loops, or loops whose features do not fit the home's prediction logs, or whose state cannot
    lie where they say, or for addresses of alerts that are none, or keys within the home; IntegrityError when the
    store does not hold the decisions that were signed; Refused when a contract breaks what a live version's features
    read, or a registered consumer depends on outputs that change.
    """

    def __init__(self, settings: Settings, notice: Notice, tasks: Mapping[str, Sequence[str]] | None = None) -> None:
        loops = loops_of(settings.loop_file, notice)
        settings.paths.prepare()
        self._root = settings.home
        self._lock = HomeLock(settings.paths)
        self._sockets = _folder_of_sockets()
        try:
            check_ports_free(settings.port)
            if settings.grpc_port is not None:
                check_grpc_port(settings.grpc_port, settings.port)
            refuse_other_evidence(settings.paths, loops, notice)
            _check_addresses(settings, loops, notice)
            refuse_broken_outputs(settings.paths, loops)
            check_state_places(settings, loops)
            _prepare_keys(settings, loops, notice)
            contracts = judge_contracts(settings.paths, loops)
            answers = {name: loop.task for name, loop in loops.items()}
            remember_features(settings.paths, {name: loop.feature_set for name, loop in loops.items()}, answers)
            for line in contracts.record(SystemClock().now()):
                notice(line)
            started = {name: loop.feature_set.hash for name, loop in loops.items()}
            stateful = tuple(name for name, loop in loops.items() if loop.state is not None)
            told = {
                "recorder_socket": str(self._sockets / "recorder"),
                "definitions": started,
                "stateful": stateful,
            }
            self.settings = settings.model_copy(update=told)
            self.settings.save()
            logs = settings.paths.process_logs
            self._supervisor = Supervisor(_commands(self.settings), logs, notice, tasks)
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Installation:
        self._previous = {number: signal.signal(number, self._asked) for number in (signal.SIGTERM, signal.SIGINT)}
        self.settings.paths.announce(announced(self.settings))
        self._supervisor.start()
        self._watchman = Watchman(self.settings.paths, SystemClock(), os.environ, pulse=self.settings.clock == "system")
        self._watchman.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchman.stop()
        self._supervisor.stop()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._release()

    def watch(self, until: Callable[[], bool] = lambda: False, every: float = 0.5) -> None:
        """Keep everything running until a signal asks to stop, or ``until`` says so."""
        self._supervisor.watch(until, every)

    @property
    def stopping(self) -> bool:
        """True once a signal asked to stop."""
        return self._supervisor.stopping

    def ended(self, task: str) -> bool:
        """True when a task has ended well, or failed for good."""
        return self._supervisor.ended(task)

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return self._supervisor.pids()

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self._supervisor.ask_to_stop()

    def _release(self) -> None:
        with suppress(OSError):
            (self._root / "run.json").unlink()
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._lock.release()


def _folder_of_sockets() -> Path:
    """A folder whose name is short enough for sockets in it: TMPDIR may be anywhere. Raises: Unavailable."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="homeostat-"))
        if len(os.fsencode(folder)) > _LONGEST_FOLDER:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="homeostat-", dir="/tmp"))
    except OSError as error:
        raise refused_by_system(error) from error
    return folder


def loops_of(path: Path, notice: Notice) -> dict[str, Loop]:
    """The loops of a file, with a notice when it takes long to import: serving starts and restarts no faster."""
    began = time.perf_counter()
    loops = load_loops(path)
    if (took := time.perf_counter() - began) > LONG_IMPORT_SECONDS:
        notice(
            f"{path.name} takes {took:.1f} s to import, in every process and command: import what only training"
            " needs inside train()"
        )
    return loops


def _check_addresses(settings: Settings, loops: Mapping[str, Loop], notice: Notice) -> None:
    """Say which addresses a loop names that there are not. Raises: InvalidInput for addresses that are none."""
    known = Addresses.read(settings.paths, os.environ).names
    for loop in loops.values():
        missing = [name for name in loop.alerts.named() if name not in known]
        if missing:
            notice(
                f"alerts of {loop.name} name {', '.join(missing)}, for which no address is configured: they are shown,"
                " not sent (docs/alerts.md)"
            )


def _prepare_keys(settings: Settings, loops: Mapping[str, Loop], notice: Notice) -> None:
    """Make the first key, and say which versions that are routed to nobody has signed."""
    keys, home = keyring(), settings.paths
    made = prepared(keys, home.root, SystemClock().now())
    if made is not None:
        notice(f"made key {made.short}, which signs versions, in {keys.folder}")
    for name in loops:
        with suppress(IntegrityError):  # whoever serves says it
            route = read_route(home.routes, name)
            warn_of_unsigned(keys, home, {name: set(route.versions) if route else set()}, notice)


def _commands(settings: Settings) -> dict[str, list[str]]:
    home = str(settings.home)
    gateways = {
        "gateway" if number == 1 else f"gateway-{number}": module_command("homeostat.web.gateway", home, f"r{number}")
        for number in range(1, settings.replicas + 1)
    }
    return {
        "recorder": module_command("homeostat.app.recorder", home),
        "control": module_command("homeostat.web.control", home),
        **gateways,
    }


def announced(settings: Settings) -> Running:
    """What the home says of an installation while it runs."""
    return Running(
        pid=os.getpid(),
        doors=settings.doors_url,
        control=settings.control_url,
        recorder_socket=settings.recorder_socket,
        loop_file=str(settings.loop_file),
        clock=settings.clock,
        grpc=settings.grpc_address,
    )
