"""A request that carries an idempotency key is answered once, however often it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import blake2b

import msgspec

from homeostat.app.gateway.answers import Answers, Attempt, KeyReused, UnderWay
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.keys import HEADER, check_key
from homeostat.web.doors.paths import Handle, Names
from homeostat.web.doors.replies import Headers, Response
from homeostat.web.doors.requests import Asked, Request

Answer = Callable[[], Awaitable[bytes]]
"""Makes a whole answer, as it goes onto the wire."""
Parts = tuple[str | bytes, ...]
_KEY = HEADER.lower()
_MEANING = ("content-type", "content-encoding", "inference-header-content-length")
"""Headers that change what a body means."""
_decode = msgspec.msgpack.Decoder(tuple[Headers, bytes]).decode
_encode = msgspec.msgpack.Encoder().encode


class Once:
    """Keeps what requests with a key are answered, for doors of every wire; one without passes as if it were not there.

    Its methods raise, besides what the doors do: InvalidInput for what is no key; KeyReused, UnderWay; Unavailable
    when answers cannot be kept.
    """

    def __init__(self, asking: Asking, answers: Answers) -> None:
        self._asking, self._answers = asking, answers
        self._tries: set[asyncio.Task[bytes]] = set()

    def __call__(self, handle: Handle) -> Handle:
        """A door over HTTP that keeps what it answers."""

        async def once(request: Request, names: Names) -> Response:
            key = key_of(request)
            if key is None:
                return await handle(request, names)
            request.kept = body = await self._asking.body(request)

            async def answer() -> bytes:
                response = await handle(request, names)
                return _encode((response.headers, response.body))

            meant = [request.header(name) or "" for name in _MEANING]
            headers, kept = _decode(await self.answered(request, (request.path, key), (*meant, body), answer))
            return Response(200, kept, headers)

        return once

    async def answered(self, request: Asked, key: Parts, said: Parts, answer: Answer) -> bytes:
        """What ``answer`` makes, or what an earlier try has led to.

        ``key`` is the place that the request was sent to and its key, ``said`` all that tells one request from another.
        A try goes on when its caller leaves or waits no longer: the next one finds what it has led to.
        """
        now = self._asking.now(request)
        task = asyncio.create_task(self._answered(request, _digest(*key), _digest(*said), now, answer))
        self._tries.add(task)  # the event loop alone would forget it
        task.add_done_callback(self._tries.discard)
        return await asyncio.shield(task)

    async def _answered(self, request: Asked, key: bytes, said: bytes, now: Instant, answer: Answer) -> bytes:
        counted = self._asking.metrics.idempotent
        try:
            found = await self._answers.claim(key, said, now)
        except (KeyReused, UnderWay) as error:
            counted(error.code)
            raise
        if isinstance(found, bytes):
            counted("repeated")
            return found
        counted("taken_up" if found.again else "first")
        return await self._kept(request, found, answer)

    async def _kept(self, request: Asked, attempt: Attempt, answer: Answer) -> bytes:
        request.attempt = attempt
        try:
            made = await answer()
            await self._answers.keep(attempt, made)
        except Exception as error:
            attempt.again |= not isinstance(error, HomeostatError)
            await self._answers.forget(attempt)
            raise
        finally:
            self._answers.ended(attempt)
        return made


def key_of(request: Asked) -> str | None:
    """The idempotency key that a request carries. Raises: InvalidInput for what is no key."""
    key = request.header(_KEY)
    if key is not None:
        check_key(key)
    return key


def _digest(*parts: str | bytes) -> bytes:
    """16 bytes that are equal for equal parts."""
    return blake2b(_encode(parts), digest_size=16).digest()
