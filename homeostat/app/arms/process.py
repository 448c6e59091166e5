"""A candidate as the gateway sees it: asked within a time limit, rested when it fails, started again when it dies."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from homeostat.app.arms.messages import LENGTH, LONGEST, Ask, Told, message, receive
from homeostat.app.processes.supervisor import module_command, quiet_environment
from homeostat.data.contracts import Value
from homeostat.kernel.errors import HomeostatError, Unavailable, Untrusted
from homeostat.registry.binding import Binding, binding_of
from homeostat.registry.manifest import read_manifest
from homeostat.registry.models import Kind
from homeostat.serving.batching import Batching
from homeostat.serving.breaker import Breaker
from homeostat.serving.runtimes import Probabilities

_START_SECONDS = 60.0
_STUCK_SECONDS = 2.0
"""A candidate that has not answered for so long beyond its time limit is killed and started again."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_LOG = logging.getLogger("homeostat.arms")


class ArmFailed(Exception):
    """A candidate did not answer; the champion does."""


@dataclass(frozen=True, slots=True)
class ArmLimits:
    """``seconds`` that an answer may take, ``memory`` in bytes that the process may use (0: no limit), and whether
    requests that wait there go together."""

    seconds: float = 0.25
    memory: int = 2 << 30
    batching: Batching = "off"


@dataclass(slots=True)
class _Running:
    """One life of the process."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    attached: asyncio.Task[asyncio.StreamWriter] | None = None
    writer: asyncio.StreamWriter | None = None
    reading: asyncio.Task[None] | None = None
    waiting: dict[int, asyncio.Future[Told]] = field(default_factory=dict)
    answered: float = 0.0


class ArmProcess:
    """A version in its own process.

    Made where blocking is allowed: ready, loaded and warm when the constructor returns. All else happens on the
    event loop. Raises, from the constructor: Unavailable when the version cannot be loaded there, Untrusted when it
    must not be.
    """

    def __init__(self, folder: Path, loop: str, version: str, limits: ArmLimits, log: Path) -> None:
        manifest = read_manifest(folder)
        self._folder, self._loop, self._version, self._limits, self._log = folder, loop, version, limits, log
        self._inputs, self._binding = manifest.inputs, binding_of(manifest)
        self._numbers = itertools.count(1)
        self._breaker = Breaker()
        self._closed = False
        self._pause = _SHORTEST_PAUSE
        self._again: asyncio.Task[None] | None = None
        self._running: _Running | None = self._start()

    @property
    def version(self) -> str:
        """Its name, such as "v4"."""
        return self._version

    @property
    def inputs(self) -> tuple[tuple[str, Kind], ...]:
        """The features it needs, in order."""
        return self._inputs

    @property
    def binding(self) -> Binding:
        """The definitions it was trained with."""
        return self._binding

    @property
    def pid(self) -> int | None:
        """Its process now; None while it is being started again."""
        return self._running.process.pid if self._running else None

    async def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row. Raises: ArmFailed."""
        began = time.monotonic()
        if not self._breaker.allows(began):
            raise ArmFailed("it kept failing and is left alone for a while")
        try:
            async with asyncio.timeout(self._limits.seconds):
                told = await self._ask([list(columns[name]) for name, _ in self._inputs])
            if told.problem:
                raise ArmFailed(told.problem)
        except (TimeoutError, ArmFailed, OSError) as error:
            self._breaker.failed(time.monotonic())
            if isinstance(error, TimeoutError):
                self._watch_for_stuck(began)
                raise ArmFailed(f"it did not answer within {self._limits.seconds:g} s") from None
            raise
        self._breaker.succeeded()
        return np.array(told.scores)

    def close(self) -> None:
        """End the process once what it was asked is answered or late."""
        self._closed = True
        asyncio.get_running_loop().call_later(self._limits.seconds, self._end)

    def end(self) -> None:
        """End the process now, and wait until it has."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()
        running, self._running = self._running, None
        if running is not None:
            _let_go(running)
            running.process.wait()

    async def _ask(self, columns: list[list[Value]], traceparent: str = "") -> Told:
        running = self._running
        if running is None:
            raise ArmFailed("its process is being started again")
        if running.attached is None:
            running.attached = asyncio.create_task(self._attach(running))
        writer = await asyncio.shield(running.attached)
        if self._running is not running:
            raise ArmFailed("its process ended")
        number = next(self._numbers)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        running.waiting[number] = future
        try:
            writer.write(message(Ask(number, columns, traceparent)))
            return await future
        finally:
            running.waiting.pop(number, None)

    async def _attach(self, running: _Running) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_unix_connection(sock=running.socket)
        running.writer = writer
        running.reading = asyncio.create_task(self._read(running, reader))
        return writer

    async def _read(self, running: _Running, reader: asyncio.StreamReader) -> None:
        decoder = msgspec.msgpack.Decoder(Told)
        try:
            while True:
                (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                if length > LONGEST:
                    break
                self._settle(running, decoder.decode(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError):
            pass
        if self._running is running:
            self._lost(running)

    def _settle(self, running: _Running, told: Told) -> None:
        running.answered = time.monotonic()
        future = running.waiting.get(told.number)
        if future is not None and not future.done():
            future.set_result(told)

    def _lost(self, running: _Running) -> None:
        """The process has gone: fail what waits for it, and start another after a pause."""
        for future in running.waiting.values():
            if not future.done():
                future.set_exception(ArmFailed("its process ended"))
        self._running = None
        _let_go(running)
        if not self._closed and (self._again is None or self._again.done()):
            self._again = asyncio.create_task(self._start_again())

    async def _start_again(self) -> None:
        while not self._closed and self._running is None:
            _LOG.warning("%s of loop %s ended; it is started again", self._version, self._loop)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            try:
                self._running = await asyncio.to_thread(self._start)
                self._breaker = Breaker()
            except HomeostatError as error:
                _LOG.warning("%s of loop %s does not start: %s", self._version, self._loop, error.problem)
        if self._closed:
            self._end()

    def _watch_for_stuck(self, since: float) -> None:
        """Kill a process that stays silent: it would hold memory and a core for nobody."""
        running = self._running

        def look() -> None:
            if running is not None and self._running is running and running.answered < since:
                _LOG.warning("%s of loop %s is silent and is killed", self._version, self._loop)
                running.process.kill()

        asyncio.get_running_loop().call_later(_STUCK_SECONDS, look)

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            _let_go(running)

    def _start(self) -> _Running:
        """Start the process and wait until it is ready. Raises: Unavailable, Untrusted."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        limits = [str(self._limits.memory), str(self._limits.batching)]
        arguments = [str(theirs.fileno()), str(self._folder), self._loop, self._version, *limits]
        with theirs, open(self._log, "ab") as log:
            process = subprocess.Popen(
                module_command("homeostat.app.arms.host", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=quiet_environment(),
            )
        ours.settimeout(_START_SECONDS)
        try:
            told: Told = receive(ours, msgspec.msgpack.Decoder(Told))
            problem, kind = told.problem, Untrusted if told.untrusted else Unavailable
        except (OSError, EOFError, msgspec.MsgspecError):
            kind = Unavailable
            problem = f"its process did not come up; see {self._log.name} in process-logs"
        running = _Running(process, ours)
        if problem:
            _let_go(running)
            raise kind(
                f"Version {self._version} could not be started in its own process: {problem}",
                mend="Route to another version; look at how this one was made.",
                loop=self._loop,
                version=self._version,
            )
        ours.setblocking(False)
        return running


def _let_go(running: _Running) -> None:
    if running.reading is not None:
        running.reading.cancel()
    if running.writer is not None:
        running.writer.transport.abort()
    running.socket.close()
    running.process.kill()
    threading.Thread(target=running.process.wait, daemon=True).start()  # freeing its memory may take a while
