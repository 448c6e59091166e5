"""The prediction spool on local disk: nothing acknowledged is lost when a process or the machine dies.

One gateway appends, one recorder drains. A segment starts with each process and after ``segment_bytes``;
a segment is closed as soon as a later one exists. Requests that wait at the same time share one fdatasync.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Literal

import msgspec

from homeostat.adapters.files import segments
from homeostat.adapters.files.frames import frame
from homeostat.adapters.files.room import Room, SpoolLimits
from homeostat.data.records import PredictionRecord
from homeostat.kernel.errors import Conflict, HomeostatError, Unavailable
from homeostat.serving.prediction_log import SpoolState

Durability = Literal["group", "record", "system"]
_UNTOLD = SpoolLimits()
_Waiting = tuple[bytes, asyncio.Future[None]]
_Work = Callable[[], None]


class FileSpool:
    """Appends prediction records durably; the awaitable is done when they would survive a power cut.

    ``durability``: "group" shares one fdatasync among the requests that wait, "record" gives each append
    its own, "system" leaves it to the operating system (a power cut may then lose the last seconds).
    ``limits`` bound what may wait, and keep room on the disk; what was drained is seen at the next ``look``.
    Raises: Conflict when another process writes to the folder; from the awaitable, SpoolFull or DiskFull over a
    limit, Unavailable when the disk refuses: the records then count as never written, and the next append starts
    afresh.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durability: Durability = "group",
        segment_bytes: int = 64 * 1024 * 1024,
        limits: SpoolLimits = _UNTOLD,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._durability = folder, durability
        self._limit = min(segment_bytes, limits.waiting // 8)  # of what is drained, only whole segments free the disk
        self._room = Room(folder, limits)
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: list[_Waiting] = []
        self._busy, self._idle = False, asyncio.Event()
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()
        self._file, self._number, self._durable = -1, 0, 0
        self._lock = _lock(folder / "writer.lock")

    def append(self, records: Sequence[PredictionRecord]) -> Awaitable[None]:
        """Write records, all or none as far as a reader who waits for the acknowledgement can tell."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        encode = self._encoder.encode
        data = b"".join([frame(encode(record)) for record in records])
        if not self._room.admit(len(data)):
            done.set_exception(self._room.refusal())
            return done
        self._waiting.append((data, done))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._hand_over, loop)  # with what others append in this turn of the loop
        return done

    def state(self) -> SpoolState:
        """How much waits, and how much may."""
        return self._room.state()

    async def look(self) -> None:
        """See, off the event loop, what was drained and what the disk has left; to be called now and then."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._work.put(partial(self._look, loop, done))
        await done

    async def close(self) -> None:
        """Finish what waits, then let another process write."""
        while self._busy:
            self._idle.clear()
            await self._idle.wait()
        self._work.put(None)
        self._thread.join()
        self._abandon()
        os.close(self._lock)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the thread what waits, if anything does."""
        if not self._waiting:
            self._busy = False
            self._idle.set()
            return
        count = 1 if self._durability == "record" else len(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._work.put(partial(self._write, loop, batch))

    def _run(self) -> None:
        """The thread: one piece of work after the other, until there is None."""
        while (work := self._work.get()) is not None:
            work()

    def _write(self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]) -> None:
        error: HomeostatError | None = None
        try:
            self._commit(b"".join([data for data, _ in batch]))
        except OSError as failure:
            error = _unavailable(failure, self._folder)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._written, loop, batch, error)

    def _look(self, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
        with suppress(OSError):  # what was seen last holds
            self._room.look()
        if self._file >= 0 and not self._is_in_place():
            self._abandon()  # its folder was removed or moved: nobody would read what is written there
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_end, done)

    def _written(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting], error: HomeostatError | None
    ) -> None:
        self._hand_over(loop)
        for _, done in batch:
            if not done.done():  # a client that left has cancelled its own
                done.set_exception(error) if error else done.set_result(None)

    def _commit(self, data: bytes) -> None:
        self._room.written += len(data)
        if self._file >= 0 and self._durable >= self._limit:
            self._abandon()
        try:
            if self._file < 0:
                self._start_segment()
            _write(self._file, data)
            if self._durability != "system":
                os.fdatasync(self._file)
        except OSError:
            self._give_up()
            raise
        self._durable += len(data)

    def _start_segment(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._number = max([self._number, *segments.numbers(self._folder)]) + 1
        path = segments.path_of(self._folder, self._number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._durable = 0
        _write(self._file, segments.HEADER)
        self._durable = len(segments.HEADER)
        if self._durability != "system":
            _sync_folder(self._folder)

    def _give_up(self) -> None:
        """Leave a segment whose last write failed: after a failed sync its pages cannot be trusted."""
        if self._file < 0:
            return
        with suppress(OSError):
            os.ftruncate(self._file, self._durable)
        self._abandon()

    def _is_in_place(self) -> bool:
        try:
            found = os.stat(segments.path_of(self._folder, self._number))
        except OSError:
            return False
        return found.st_ino == os.fstat(self._file).st_ino

    def _abandon(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1


def _end(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _unavailable(failure: OSError, folder: Path) -> Unavailable:
    error = Unavailable(
        f"The prediction could not be recorded: {failure.strerror or failure}.",
        mend=f"Make room on the disk that holds {folder}, then send it again; nothing was acknowledged.",
        errno=failure.errno,
    )
    error.__cause__ = failure
    return error


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Conflict(
            f"Another process writes to {path.parent}.",
            mend="Stop the other gateway, or give this one a home of its own.",
            folder=str(path.parent),
        ) from error
    return handle
