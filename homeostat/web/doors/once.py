"""A request that carries an idempotency key is answered once, however often it is sent."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from homeostat.app.answers import Answers, Attempt, KeyReused, UnderWay
from homeostat.kernel.errors import HomeostatError
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.keys import HEADER, check_key
from homeostat.web.doors.paths import Handle, Names
from homeostat.web.doors.replies import Headers, Response
from homeostat.web.doors.requests import Request

_KEY = HEADER.lower()
_MEANING = ("content-type", "content-encoding", "inference-header-content-length")
"""Headers that change what a body means."""
_decode = msgspec.msgpack.Decoder(tuple[Headers, bytes]).decode
_encode = msgspec.msgpack.Encoder().encode


class Once:
    """Wraps doors; a request without the header passes as if this were not there."""

    def __init__(self, asking: Asking, answers: Answers) -> None:
        self._asking, self._answers = asking, answers

    def __call__(self, handle: Handle) -> Handle:
        """The door that keeps what it answers.

        It raises, besides what the door does: InvalidInput for what is no key; KeyReused, UnderWay; Unavailable when
        answers cannot be kept.
        """

        async def once(request: Request, names: Names) -> Response:
            key = request.header(_KEY)
            return await handle(request, names) if key is None else await self._once(key, handle, request, names)

        return once

    async def _once(self, key: str, handle: Handle, request: Request, names: Names) -> Response:
        check_key(key)
        now = self._asking.now(request)
        request.kept = body = await self._asking.body(request)
        counted = self._asking.metrics.idempotent
        try:
            found = await self._answers.claim(_digest(request.path, key), _asked(request, body), now)
        except (KeyReused, UnderWay) as error:
            counted(error.code)
            raise
        if isinstance(found, bytes):
            counted("repeated")
            return _response(found)
        counted("taken_up" if found.again else "first")
        return await self._answer(found, handle, request, names)

    async def _answer(self, attempt: Attempt, handle: Handle, request: Request, names: Names) -> Response:
        request.attempt = attempt
        try:
            response = await handle(request, names)
            await self._answers.keep(attempt, _encode((response.headers, response.body)))
        except Exception as error:
            attempt.again |= not isinstance(error, HomeostatError)
            await self._answers.forget(attempt)
            raise
        finally:
            self._answers.ended(attempt)
        return response


def _response(kept: bytes) -> Response:
    headers, body = _decode(kept)
    return Response(200, body, headers)


def _asked(request: Request, body: bytes) -> bytes:
    return _digest(*(request.header(name) or "" for name in _MEANING), body)


def _digest(*parts: str | bytes) -> bytes:
    """16 bytes that are equal for equal parts."""
    return blake2b(_encode(parts), digest_size=16).digest()
