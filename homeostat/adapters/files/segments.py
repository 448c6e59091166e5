"""Numbered spool files and the positions in them."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

HEADER = b"hspool1\n"
_DRAINED = "drained"
_PLACE = struct.Struct(">q")
_NAME = re.compile(r"(\d{8})\.spool")
_OFFSET_BITS = 40


def position(segment: int, offset: int) -> int:
    """One growing number for a place in the spool; fits a signed 64-bit integer.

    >>> split(position(3, 70))
    (3, 70)
    """
    return segment << _OFFSET_BITS | offset


def split(place: int) -> tuple[int, int]:
    """Segment number and byte offset of a position; a negative position is the very beginning."""
    return (0, 0) if place < 0 else (place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1))


def path_of(folder: Path, segment: int) -> Path:
    """Where a segment lies."""
    return folder / f"{segment:08d}.spool"


def numbers(folder: Path) -> list[int]:
    """Numbers of the segments that exist, ascending; the last one may still be written to."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)


def bytes_behind(folder: Path, place: int) -> int:
    """Bytes that stand in the spool behind a position."""
    first, offset = split(place)
    total = 0
    for number in numbers(folder):
        if number < first:
            continue
        try:
            size = path_of(folder, number).stat().st_size
        except FileNotFoundError:  # drained and deleted while we looked
            continue
        total += max(0, size - max(len(HEADER), offset if number == first else 0))
    return total


def mark_drained(folder: Path, place: int) -> None:
    """Tell the writer how far its spool is drained, and that it was just now: a hint, written in place, so that a
    full disk does not refuse it."""
    handle = os.open(folder / _DRAINED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(handle, _PLACE.pack(place), 0)
    finally:
        os.close(handle)


def drained(folder: Path) -> tuple[int, float | None]:
    """How far a spool is drained (-1: not at all), and since when (Unix seconds)."""
    try:
        with open(folder / _DRAINED, "rb") as file:
            return _PLACE.unpack(file.read())[0], os.fstat(file.fileno()).st_mtime
    except (FileNotFoundError, struct.error):
        return -1, None
