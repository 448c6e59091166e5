"""A client of the recorder for asyncio, which pools connections.

Every call may safely be sent twice, so a call on a connection that has gone away is tried once more on a new
one: a recorder that was restarted in between is not noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from homeostat.app.recorder.frames import LENGTH, LONGEST_BODY, LONGEST_HEADER, Header, frame, length_of
from homeostat.app.recorder.replies import GONE, Flushed, Reply, down, result, slow
from homeostat.kernel.clock import Instant

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
            raise slow(self._timeout) from error
        except GONE as error:
            raise down() from error
        return result(*answer)

    async def _on_an_idle_one(self, message: bytes) -> tuple[bytes, bytes] | None:
        while self._idle:
            with suppress(*GONE):
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


async def _close(connection: _Connection) -> None:
    connection[1].close()
    with suppress(*GONE):
        await connection[1].wait_closed()
