"""The body of a request: unpacked within bounds, and cut into its JSON and its binary part."""

from __future__ import annotations

import zlib

from homeostat.kernel.errors import InvalidInput, TooLarge
from homeostat.web.doors.oip.protocol import HEADER_LENGTH

_WINDOWS = {"gzip": 31, "deflate": 15}
"""What zlib calls the two, by their names in HTTP."""


class UnknownEncoding(InvalidInput):
    """The body is packed in a way that is not read here."""

    code = "unknown_encoding"


def unpacked(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body as it was before its ``Content-Encoding``.

    Raises: UnknownEncoding; TooLarge when more than ``limit`` bytes come out; InvalidInput when it is damaged.
    """
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return body
    if name not in _WINDOWS:
        raise UnknownEncoding(
            f"Content-Encoding {name[:60]!r} is not read here.", mend="Send the body as it is, or as gzip or deflate."
        )
    unpacker = zlib.decompressobj(_WINDOWS[name])
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise _damaged(name) from error
    if len(content) > limit:
        problem = f"The body has more than {limit} bytes when it is unpacked."
        raise TooLarge(problem, mend="Send it in several requests.", limit_bytes=limit)
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(name)
    return content


def parts(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    """The JSON and the binary part; without the header all is JSON. Raises: InvalidInput."""
    if header_length is None:
        return body, memoryview(b"")
    length = (
        int(header_length) if header_length.isascii() and header_length.isdigit() and len(header_length) < 19 else -1
    )
    if not 0 <= length <= len(body):
        raise InvalidInput(
            f"{HEADER_LENGTH} is {header_length[:40]!r}, and the body has {len(body)} bytes.",
            mend="Send the number of bytes of the JSON at the body's beginning.",
        )
    return body[:length], memoryview(body)[length:]


def _damaged(name: str) -> InvalidInput:
    return InvalidInput(f"The body is no whole {name}.", mend="Pack it as one piece, and send all of it.")
