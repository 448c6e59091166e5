"""What crosses the recorder's socket: a small header and a body, each led by its length."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from homeostat.kernel import errors
from homeostat.kernel.errors import HomeostatError, InvalidInput, TooLarge

Header = dict[str, Any]
LENGTH = struct.Struct(">I")
LONGEST_HEADER = 16 * 1024 * 1024
LONGEST_BODY = 64 * 1024 * 1024
"""Bytes of one body; the doors allow less."""
_KINDS: dict[str, type[HomeostatError]] = {
    kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HomeostatError)
}


def frame(header: Header, body: bytes = b"") -> bytes:
    """One message as bytes. Raises: TooLarge for a body over 64 MiB."""
    if len(body) > LONGEST_BODY:
        mend = f"Send at most {LONGEST_BODY} bytes at a time."
        raise TooLarge(f"The body has {len(body)} bytes.", mend=mend, limit=LONGEST_BODY)
    head = msgspec.msgpack.encode(header, enc_hook=str)
    return b"".join((LENGTH.pack(len(head)), head, LENGTH.pack(len(body)), body))


def header_of(head: bytes) -> Header:
    """Read a header back. Raises: InvalidInput when it is none."""
    try:
        return msgspec.msgpack.decode(head, type=Header)
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidInput("A message could not be read.", mend="Use Homeostat's own client.") from error


def length_of(prefix: bytes, longest: int) -> int:
    """A length read back. Raises: TooLarge when it cannot be meant."""
    length = int(LENGTH.unpack(prefix)[0])
    if length > longest:
        raise TooLarge(f"A part has {length} bytes.", mend=f"Send at most {longest}.", limit=longest)
    return length


def failure(error: HomeostatError) -> Header:
    """The header that tells an error."""
    return {"ok": False, "kind": type(error).__name__, "error": error.to_dict()}


def check(header: Header) -> None:
    """Raise on this side what was raised on the other."""
    if header.get("ok"):
        return
    told = header["error"]
    kind = _KINDS.get(header["kind"], HomeostatError)
    raise kind(told["problem"], mend=told["mend"], **told["facts"])
