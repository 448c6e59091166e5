"""Reading from a blocking socket."""

from __future__ import annotations

import socket

_MOST_AT_ONCE = 1 << 20


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """The next ``count`` bytes, however they arrive. Raises: EOFError when the other end has gone before."""
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(_MOST_AT_ONCE, count - len(parts)))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
