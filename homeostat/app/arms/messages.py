"""Messages between a gateway and its candidates: a length, then msgpack."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

from homeostat.app.processes.sockets import read_exactly

LENGTH = struct.Struct(">I")
LONGEST = 256 * 1024 * 1024
"""Bytes; a longer message is no message of ours."""
_ENCODE = msgspec.msgpack.Encoder().encode


class Ask(msgspec.Struct, array_like=True):
    """Rows to score: the values of each input, in the order of the version's inputs.

    ``traceparent`` is the place in a trace that asks; empty where there is none.
    """

    number: int
    columns: list[list[float | str | None]]
    traceparent: str = ""


class Told(msgspec.Struct, array_like=True):
    """The answers to an ask, or why there are none. The first message of a host, number 0, says it is ready.

    ``untrusted``: it is not ready because nobody trusted has signed what lies there.
    ``began`` and ``ended`` are Unix nanoseconds of the work that a trace asked for; else 0.
    """

    number: int
    scores: list[float | list[float]] = []
    problem: str = ""
    began: int = 0
    ended: int = 0
    untrusted: bool = False


def message(value: Ask | Told) -> bytes:
    """The bytes of a message."""
    body = _ENCODE(value)
    return LENGTH.pack(len(body)) + body


def receive(connection: socket.socket, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
    """The next message of a blocking socket. Raises: EOFError when the other end has gone."""
    (length,) = LENGTH.unpack(read_exactly(connection, LENGTH.size))
    if length > LONGEST:
        raise EOFError
    return decoder.decode(read_exactly(connection, length))
