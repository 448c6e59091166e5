"""Clients of the recorder: one for asyncio, which pools connections, and one that blocks.

Every call may safely be sent twice, so a call on a connection that has gone away is tried once more on a new
one: a recorder that was restarted in between is not noticed.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from homeostat.app.processes.sockets import read_exactly
from homeostat.app.recorder.frames import (
    LENGTH,
    LONGEST_BODY,
    LONGEST_HEADER,
    Header,
    check,
    frame,
    header_of,
    length_of,
)
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Unavailable

Reply = dict[str, Any]
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_GONE = (ConnectionError, EOFError, OSError)


@dataclass(frozen=True, slots=True)
class Flushed:
    """What is stored now: everything acknowledged before the call, up to ``sequence``."""

    versions: Mapping[str, int]
    log: Mapping[str, int]
    sequence: int


class RecorderClient:
    """For a process that serves many requests at once; keeps at most ``connections`` open.

    Raises, from every call: Unavailable when the recorder is down or takes longer than ``timeout`` seconds;
    else what the recorder raised.
    """

    def __init__(self, path: str, *, timeout: float = 10.0, connections: int = 4) -> None:
        self._path, self._timeout = path, timeout
        self._idle: list[_Connection] = []
        self._turn = asyncio.Semaphore(connections)

    async def events(self, table: str, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"rows": [...]}``; durable when this returns."""
        return await self._call({"call": "events", "table": table, "now": now}, body)

    async def events_of_several(self, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"table": [...], ...}``: durable together when this returns, or none of them."""
        return await self._call({"call": "events_of_several", "now": now}, body)

    async def labels(self, loop: str, body: bytes, now: Instant) -> Reply:
        """Record the labels of ``{"labels": [...]}``; durable when this returns."""
        return await self._call({"call": "labels", "loop": loop, "now": now}, body)

    async def predictions(self, loop: str, ids: Sequence[str]) -> Reply:
        """What is recorded of some predictions of a loop, stored or not yet."""
        return await self._call({"call": "predictions", "loop": loop}, msgspec.json.encode(ids))

    async def refuse(self, table: str, body: bytes, now: Instant) -> Reply:
        """Keep apart the broken rows of ``{"rows": [...]}``; accepts none of them."""
        return await self._call({"call": "refuse", "table": table, "now": now}, body)

    async def flush(self) -> Flushed:
        """Store everything acknowledged so far in the tables and logs."""
        return Flushed(**await self._call({"call": "flush"}))

    async def status(self, since: Instant | None = None, until: Instant | None = None) -> Reply:
        """What has come per table, in all or within whole hours of known time."""
        return await self._call({"call": "status", "since": since, "until": until})

    async def quarantine(self, table: str, limit: int = 100) -> list[Reply]:
        """The newest rows of a table that were kept apart, newest first."""
        reply = await self._call({"call": "quarantine", "table": table, "limit": limit})
        return list(reply["rows"])

    async def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            await _close(self._idle.pop())

    async def _call(self, header: Header, body: bytes = b"") -> Reply:
        message = frame(header, body)
        try:
            async with self._turn, asyncio.timeout(self._timeout):
                answer = await self._on_an_idle_one(message)
                if answer is None:
                    answer = await self._ask(await asyncio.open_unix_connection(self._path), message)
        except TimeoutError as error:
            raise _slow(self._timeout) from error
        except _GONE as error:
            raise _down() from error
        return _result(*answer)

    async def _on_an_idle_one(self, message: bytes) -> tuple[bytes, bytes] | None:
        while self._idle:
            with suppress(*_GONE):
                return await self._ask(self._idle.pop(), message)
        return None

    async def _ask(self, connection: _Connection, message: bytes) -> tuple[bytes, bytes]:
        reader, writer = connection
        try:
            writer.write(message)
            await writer.drain()
            head = await reader.readexactly(length_of(await reader.readexactly(LENGTH.size), LONGEST_HEADER))
            body = await reader.readexactly(length_of(await reader.readexactly(LENGTH.size), LONGEST_BODY))
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return head, body


class BlockingRecorderClient:
    """For a process that asks now and then; threads take turns. Raises as ``RecorderClient`` does."""

    def __init__(self, path: str, *, timeout: float = 60.0) -> None:
        self._path, self._timeout = path, timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def events(self, table: str, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"rows": [...]}``; durable when this returns."""
        return self._call({"call": "events", "table": table, "now": now}, body)

    def events_of_several(self, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"table": [...], ...}``: durable together when this returns, or none of them."""
        return self._call({"call": "events_of_several", "now": now}, body)

    def flush(self) -> Flushed:
        """Store everything acknowledged so far in the tables and logs."""
        return Flushed(**self._call({"call": "flush"}))

    def status(self, since: Instant | None = None, until: Instant | None = None) -> Reply:
        """What has come per table, in all or within whole hours of known time."""
        return self._call({"call": "status", "since": since, "until": until})

    def quarantine(self, table: str, limit: int = 100) -> list[Reply]:
        """The newest rows of a table that were kept apart, newest first."""
        return list(self._call({"call": "quarantine", "table": table, "limit": limit})["rows"])

    def readmit(
        self, table: str, now: Instant | None, *, reason: str | None = None, ids: Sequence[int] | None = None
    ) -> Reply:
        """Take in kept rows that keep today's contract: all, or those of a reason or with these ids.

        Without a present, as in a replay that pauses, they are known at the newest known time.
        """
        chosen = {"reason": reason, "ids": None if ids is None else list(ids)}
        return self._call({"call": "readmit", "table": table, "now": now, **chosen})

    def vacuum(self, hours: int, *, dry_run: bool) -> Reply:
        """Remove files that no kept version needs and that were let go ``hours`` ago; or only say which."""
        return self._call({"call": "vacuum", "hours": hours, "dry_run": dry_run})

    def rebuild(self) -> Reply:
        """Begin to rebuild the online store from the tables; returns how far it is."""
        return self._call({"call": "rebuild"})

    def rebuilding(self) -> Reply:
        """How far the last rebuild of the online store is, or how it ended."""
        return self._call({"call": "rebuilding"})

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _call(self, header: Header, body: bytes = b"") -> Reply:
        message = frame(header, body)
        with self._lock:
            try:
                answer = self._asked(message)
            except TimeoutError as error:
                self._drop()
                raise _slow(self._timeout) from error
            except _GONE as error:
                self._drop()
                raise _down() from error
            except BaseException:
                self._drop()  # half an answer may be on the way: the next call must not read it
                raise
        return _result(*answer)

    def _asked(self, message: bytes) -> tuple[bytes, bytes]:
        if self._socket is not None:
            try:
                return self._ask(self._socket, message)
            except TimeoutError:
                raise
            except _GONE:
                self._drop()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(self._timeout)
        self._socket.connect(self._path)
        return self._ask(self._socket, message)

    def _ask(self, connection: socket.socket, message: bytes) -> tuple[bytes, bytes]:
        connection.sendall(message)
        head = read_exactly(connection, length_of(read_exactly(connection, LENGTH.size), LONGEST_HEADER))
        return head, read_exactly(connection, length_of(read_exactly(connection, LENGTH.size), LONGEST_BODY))

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _result(head: bytes, body: bytes) -> Reply:
    check(header_of(head))
    return msgspec.json.decode(body, type=Reply)


async def _close(connection: _Connection) -> None:
    connection[1].close()
    with suppress(*_GONE):
        await connection[1].wait_closed()


def _down() -> Unavailable:
    return Unavailable(
        "The recorder is not running.",
        mend="It is started again by itself: send it again in a second. Nothing was acknowledged.",
    )


def _slow(timeout: float) -> Unavailable:
    return Unavailable(
        f"The recorder did not answer within {timeout:g} s.",
        mend="Send it again: what it has taken in already counts once.",
    )
