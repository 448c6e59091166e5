"""Checksummed frames in a file, found again after any damage.

A frame is a mark, the payload's length, a CRC-32 of length and payload, then the payload. The mark holds
a byte that no UTF-8 text contains, so that a reader can find the next whole frame behind a damaged one.
"""

from __future__ import annotations

import struct
import zlib
from enum import Enum

MARK = b"\xff\xfehS"
_HEAD = struct.Struct(">4sII")
_LENGTH = struct.Struct(">I")
LONGEST = 256 * 1024 * 1024
"""Bytes; a longer frame is taken for damage."""


class State(Enum):
    """What stands at an offset."""

    WHOLE = "whole"
    SHORT = "short"
    BAD = "bad"


def frame(payload: bytes) -> bytes:
    """Wrap a payload so that a reader can prove that it is whole.

    >>> look(frame(b"abc"), 0)
    (<State.WHOLE: 'whole'>, 15)
    """
    return _HEAD.pack(MARK, len(payload), _checksum(payload)) + payload


def look(buffer: bytes, at: int) -> tuple[State, int]:
    """Say whether a whole frame starts at an offset, and where it ends (or would end).

    SHORT means that the buffer stops inside the frame; BAD that no frame of ours starts there.
    """
    body = at + _HEAD.size
    if len(buffer) < body:
        return (State.SHORT if MARK.startswith(buffer[at : at + 4]) or buffer[at : at + 4] == MARK else State.BAD), body
    mark, length, checksum = _HEAD.unpack_from(buffer, at)
    if mark != MARK or length > LONGEST:
        return State.BAD, body
    end = body + length
    if len(buffer) < end:
        return State.SHORT, end
    return (State.WHOLE if _checksum(buffer[body:end]) == checksum else State.BAD), end


def payload(buffer: bytes, at: int, end: int) -> bytes:
    """The payload of the whole frame between two offsets."""
    return buffer[at + _HEAD.size : end]


def next_whole(buffer: bytes, at: int) -> int:
    """Offset of the first whole frame behind ``at``; -1 when there is none."""
    found = buffer.find(MARK, at + 1)
    while found >= 0 and look(buffer, found)[0] is not State.WHOLE:
        found = buffer.find(MARK, found + 1)
    return found


def _checksum(body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_LENGTH.pack(len(body))))
