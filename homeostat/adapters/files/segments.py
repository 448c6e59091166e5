"""Numbered spool files and the positions in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

HEADER = b"hspool1\n"
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


def total_bytes(folder: Path) -> int:
    """Bytes that the spool takes on disk now."""
    total = 0
    for number in numbers(folder):
        try:
            total += path_of(folder, number).stat().st_size
        except FileNotFoundError:  # drained and deleted while we looked
            continue
    return total
