"""The recorder's socket: reads frames, asks the calls, writes replies; one client never stops another."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from homeostat.app.recorder.frames import (
    LENGTH,
    LONGEST_BODY,
    LONGEST_HEADER,
    Header,
    failure,
    frame,
    header_of,
    length_of,
)
from homeostat.kernel.errors import HomeostatError, InvalidInput

Answer = Callable[[Header, bytes], Awaitable[dict[str, Any]]]
_LOG = logging.getLogger("homeostat.recorder")
_LONGEST_PATH = 100


class SocketServer:
    """Serves one Unix socket that only its owner can reach; an async context manager.

    Leaving it lets no new message in, and finishes those that have come.
    """

    def __init__(self, path: Path, answer: Answer) -> None:
        if len(os.fsencode(path)) > _LONGEST_PATH:
            mend = f"Put the socket into a shorter folder: at most {_LONGEST_PATH} bytes."
            raise InvalidInput(f"The socket's path {path} is too long.", mend=mend)
        self._path, self._answer = path, answer
        self._open: set[asyncio.StreamWriter] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def __aenter__(self) -> SocketServer:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)  # left by a killed recorder; the home's lock is ours
        self._server = await asyncio.start_unix_server(self._serve, self._path, backlog=256)
        self._path.chmod(0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        self._server.close()
        if self._busy:
            await asyncio.wait(self._busy)
        for writer in list(self._open):
            writer.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while not self._stopping:
                head, body = await _part(reader, LONGEST_HEADER), await _part(reader, LONGEST_BODY)
                task = asyncio.ensure_future(self._reply(writer, head, body))
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
                await task
        except HomeostatError as error:  # what follows on this connection cannot be understood
            writer.write(frame(failure(error)))
        except (ConnectionError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _reply(self, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        try:
            answer = frame({"ok": True}, msgspec.json.encode(await self._answer(header_of(head), body)))
        except HomeostatError as error:
            answer = frame(failure(error))
        except Exception:
            _LOG.exception("a call failed inside the recorder")
            answer = frame(failure(_INTERNAL))
        writer.write(answer)
        await writer.drain()


async def _part(reader: asyncio.StreamReader, longest: int) -> bytes:
    return await reader.readexactly(length_of(await reader.readexactly(LENGTH.size), longest))


_INTERNAL = HomeostatError(
    "The recorder failed inside; it wrote why to its log.",
    mend="Send it again: what it has taken in already counts once. Report it if it stays so.",
)
