"""What comes in: one request of Granian's protocol (RSGI), a bounded body in bounded time, strict JSON."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, TypeVar

import msgspec

from homeostat.app.gateway.answers import Attempt
from homeostat.kernel.errors import HomeostatError, InvalidInput, TooLarge

Body = TypeVar("Body")
_BYTE = re.compile(r"\(byte (\d+)\)")
_NOT_A_NUMBER = re.compile(rb"-?\s*(nan|inf)", re.IGNORECASE)
_SHAPE = 'Send {"rows": [{"column": value, ...}, ...]}.'

_PATIENCE = 8
"""Times the limit that is read of a body that will be refused."""
_NUMBERS = "Send numbers that fit 64 bits, and null for a missing one."


class ClientLeft(Exception):
    """The client closed the connection before its request was whole; nobody waits for an answer."""


class TooSlow(HomeostatError):
    """The body did not come in time."""

    code = "too_slow"


class UnsupportedMedia(HomeostatError):
    """The body is of a kind that this door does not read."""

    code = "unsupported_media_type"


class Headers(Protocol):
    """A request's headers, by lower-case name."""

    def get(self, name: str, default: Any = None) -> Any:
        """The first value of a name."""
        ...

    def get_all(self, name: str) -> list[str]:
        """Every value of a name."""
        ...


class Scope(Protocol):
    """What RSGI tells of a request before its body; ``path`` is decoded from percents."""

    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers:
        """Its headers."""
        ...


class Transport(Protocol):
    """The other end of a request: its body, whole or in parts, and the way back."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body; raises when the client leaves before."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it comes; ends early when the client leaves."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""
        ...


class Header(Protocol):
    """Finds what a request says under a lower-case name."""

    def __call__(self, name: str, /) -> str | None:
        """The first value of a name."""
        ...


class Asked(Protocol):
    """What is known of a request on any wire.

    ``kept`` is a body that was read before the door asked for it, ``attempt`` what an idempotency key stands for.
    """

    kept: bytes | None
    attempt: Attempt | None

    @property
    def header(self) -> Header:
        """Its headers, or what stands for them."""
        ...

    async def body(self, limit: int) -> bytes:
        """Its body. Raises: TooLarge when it has more than ``limit`` bytes; ClientLeft."""
        ...


class Request:
    """One request; its body is read when it is asked for.

    ``kept`` is a body that was read before the door asked for it, ``attempt`` what an idempotency key stands for.
    """

    __slots__ = ("_transport", "attempt", "header", "kept", "method", "path", "query")

    def __init__(self, scope: Scope, transport: Transport) -> None:
        self.method, self.path, self.query = scope.method, scope.path, scope.query_string
        self.header = scope.headers.get
        self._transport = transport
        self.kept: bytes | None = None
        self.attempt: Attempt | None = None

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises: TooLarge when it has more than ``limit`` bytes; ClientLeft.

        Of a body that is too large, up to eight times the limit is taken off the wire and thrown away first: most
        clients read no answer before they have sent everything.
        """
        told = self.header("content-length")
        announced = int(told[:18]) if told is not None and told.isascii() and told.isdigit() else None
        if announced is None or announced > limit:
            return await self._in_parts(announced or 0, limit)
        try:
            return await self._transport()
        except RuntimeError as error:  # Granian's word for a connection that was closed
            raise ClientLeft from error

    async def _in_parts(self, announced: int, limit: int) -> bytes:
        if announced > limit * _PATIENCE:
            raise _too_large(limit)
        kept: list[bytes] = []
        size = 0
        async for part in self._transport:
            size += len(part)
            if max(size, announced) <= limit:
                kept.append(part)
            else:
                kept.clear()
            if size > limit * _PATIENCE:
                break
        if size < announced:
            raise ClientLeft
        if size > limit:
            raise _too_large(limit)
        return b"".join(kept)


class SlowSenders:
    """Ends the wait for bodies that do not come: one look a second, and next to nothing for a request."""

    def __init__(self, seconds: int) -> None:
        self._seconds, self._tick = seconds, 0
        self._reading: dict[asyncio.Task[Any], int] = {}
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, request: Asked, limit: int) -> bytes:
        """The request's body. Raises: TooSlow when it does not come in time; as ``Asked.body`` does."""
        task = asyncio.current_task()
        assert task is not None
        self._reading[task] = self._tick
        try:
            return await request.body(limit)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise TooSlow(
                f"The body did not come within {self._seconds} s.", mend="Send it faster, or less of it."
            ) from None
        finally:
            del self._reading[task]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.look()

    def look(self) -> None:
        """A second has passed: end what has waited for too long."""
        self._tick += 1
        for task in [task for task, since in self._reading.items() if self._tick - since > self._seconds]:
            self._late.add(task)
            task.cancel()


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a predict request, which holds rows or keys; they are checked against the contract, not here."""

    rows: list[Any] = []
    keys: list[Any] | None = None


_DECODER = msgspec.json.Decoder(PredictBody)


def decode_asked(body: bytes) -> PredictBody:
    """What a predict request asks about. Raises: InvalidInput that says where the JSON goes wrong."""
    found = decode_as(_DECODER, body, _SHAPE)
    if found.rows and found.keys is not None:
        raise InvalidInput("The body has rows and keys.", mend="Send one of the two.")
    return found


def decode_as(decoder: msgspec.json.Decoder[Body], body: bytes, shape: str) -> Body:
    """A JSON body as a decoder reads it; ``shape`` is a sentence that says what to send instead of another shape.

    Raises: InvalidInput that says where the JSON goes wrong.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        if "out of range" in str(error):
            raise InvalidInput("A number in the body is out of range.", mend=_NUMBERS) from error
        raise InvalidInput(f"The body has another shape: {error}.", mend=shape) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not UTF-8.", mend="Encode the JSON as UTF-8.") from error
    except RecursionError as error:
        raise InvalidInput("The JSON is nested too deeply.", mend=shape) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise _malformed(body, str(error), shape) from error


def _malformed(body: bytes, why: str, shape: str) -> InvalidInput:
    if not body.strip():
        return InvalidInput("The body is empty.", mend=shape)
    found = _BYTE.search(why)
    place = int(found[1]) if found else len(body)
    if _NOT_A_NUMBER.match(body, place) or _NOT_A_NUMBER.match(body, max(0, place - 1)):
        return InvalidInput(
            f"JSON has no NaN or Infinity, as at byte {place}.",
            mend="Send null for a missing number; the contract says where null is allowed.",
            byte=place,
        )
    near = body[max(0, place - 20) : place + 20].decode("utf-8", "replace")
    return InvalidInput(f"The body is no valid JSON: {why}.", mend=f"Mend it near: {near}", byte=min(place, len(body)))


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.", mend="Send it in several requests.", limit_bytes=limit)
