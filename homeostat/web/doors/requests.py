"""What comes in: a bounded body, strict JSON, one header."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from homeostat.kernel.errors import InvalidInput, TooLarge

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
_BYTE = re.compile(r"\(byte (\d+)\)")
_NOT_A_NUMBER = re.compile(rb"-?\s*(nan|inf)", re.IGNORECASE)
_SHAPE = 'Send {"rows": [{"column": value, ...}, ...]}.'

_PATIENCE = 8
"""Times the limit that is read of a body that will be refused."""
_NUMBERS = "Send numbers that fit 64 bits, and null for a missing one."


class ClientLeft(Exception):
    """The client closed the connection before its request was whole; nobody waits for an answer."""


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a predict request; the rows are checked against the contract, not here."""

    rows: list[Any]


_DECODER = msgspec.json.Decoder(PredictBody)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this lower-case name."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), None)


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises: TooLarge when it has more than ``limit`` bytes; ClientLeft.

    Of a body that is too large, up to eight times the limit is taken off the wire and thrown away first: most
    clients read no answer before they have sent everything.
    """
    announced = _announced(scope)
    if announced > limit * _PATIENCE:
        raise _too_large(limit)
    kept: list[bytes] = []
    size, more = 0, True
    while more and size <= limit * _PATIENCE:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if max(size, announced) <= limit:
            kept.append(part)
        else:
            kept.clear()
    if max(size, announced) > limit:
        raise _too_large(limit)
    return b"".join(kept)


def _announced(scope: Scope) -> int:
    value = header(scope, b"content-length") or ""
    return int(value[:18]) if value.isascii() and value.isdigit() else 0


def decode_rows(body: bytes) -> list[Any]:
    """The rows of a predict request. Raises: InvalidInput that says where the JSON goes wrong."""
    try:
        return _DECODER.decode(body).rows
    except msgspec.ValidationError as error:
        if "out of range" in str(error):
            raise InvalidInput("A number in the body is out of range.", mend=_NUMBERS) from error
        raise InvalidInput(f"The body has another shape: {error}.", mend=_SHAPE) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not UTF-8.", mend="Encode the JSON as UTF-8.") from error
    except RecursionError as error:
        raise InvalidInput("The JSON is nested too deeply.", mend=_SHAPE) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise _malformed(body, str(error)) from error


def _malformed(body: bytes, why: str) -> InvalidInput:
    if not body.strip():
        return InvalidInput("The body is empty.", mend=_SHAPE)
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
