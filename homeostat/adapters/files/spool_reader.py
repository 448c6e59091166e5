"""Draining the prediction spool: only whole, checksum-verified records, in the order of writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from homeostat.adapters.files import segments
from homeostat.adapters.files.frames import State, look, next_whole, payload
from homeostat.data.records import PredictionRecord

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that were skipped: ``torn_tail`` (a write cut short, never acknowledged unless the disk lost it),
    ``damaged`` (changed after writing) or ``unreadable`` (whole, but no prediction record)."""

    segment: int
    offset: int
    length: int
    reason: Literal["torn_tail", "damaged", "unreadable"]


@dataclass(slots=True)
class Drained:
    """One read: each record with the position behind it, where reading goes on, and what was skipped."""

    upto: int
    records: list[tuple[int, PredictionRecord]] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)


class SpoolReader:
    """Reads what a ``FileSpool`` wrote, also while it is being written; holds no state of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decoder = msgspec.msgpack.Decoder(PredictionRecord)

    def read(self, after: int, limit: int = 10_000) -> Drained:
        """Read up to ``limit`` records behind a position; -1 reads from the beginning.

        Everything acknowledged before the call is in reach: repeat with ``upto`` until no record comes.
        """
        result = Drained(after)
        first, offset = segments.split(after)
        # The list is taken before reading: a segment that is not its last can no longer grow.
        present = segments.numbers(self._folder)
        for number in present:
            if number < first:
                continue
            start = offset if number == first else 0
            if not self._read_segment(number, start, number != present[-1], limit, result):
                break
        return result

    def end(self) -> int:
        """The position behind the last whole record there is now; -1 when nothing was ever written."""
        present = segments.numbers(self._folder)
        if not present:
            return -1
        found = Drained(-1)
        at = len(segments.HEADER)
        with suppress(FileNotFoundError), open(segments.path_of(self._folder, present[-1]), "rb") as file:
            for _, end, _ in self._frames(file.fileno(), present[-1], at, False, found):
                at = end
        return segments.position(present[-1], at)

    def keep_damaged(self, damage: Damage) -> Path:
        """Copy bytes that were skipped to a file beside the spool, since its segments are deleted once drained."""
        place = self._folder / f"{damage.segment:08d}-{damage.offset}.damaged"
        if not place.exists():
            with open(segments.path_of(self._folder, damage.segment), "rb") as file:
                place.write_bytes(os.pread(file.fileno(), damage.length, damage.offset))
        return place

    def mark_drained(self, position: int) -> None:
        """Let the writer know how far its spool is drained; one that cannot be told goes on as it was."""
        with suppress(OSError):
            segments.mark_drained(self._folder, position)

    def delete_through(self, position: int) -> int:
        """Remove closed segments that hold no record behind a position; returns how many.

        The last segment always stays: it may be live, and its number keeps positions growing.
        """
        removed = 0
        for number in segments.numbers(self._folder)[:-1]:
            found = Drained(position)
            first, offset = segments.split(position)
            if number >= first:
                self._read_segment(number, offset if number == first else 0, True, 1, found)
            if found.records:
                break
            segments.path_of(self._folder, number).unlink(missing_ok=True)
            removed += 1
        return removed

    def _read_segment(self, number: int, start: int, closed: bool, limit: int, into: Drained) -> bool:
        """Add a segment's records; True when the next segment may be read."""
        try:
            file = os.open(segments.path_of(self._folder, number), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            for offset, end, body in self._frames(file, number, max(start, len(segments.HEADER)), closed, into):
                into.upto = segments.position(number, end)
                self._decode(body, number, offset, end, into)
                if len(into.records) >= limit:
                    return False
        finally:
            os.close(file)
        return closed

    def _decode(self, body: bytes, number: int, offset: int, end: int, into: Drained) -> None:
        try:
            into.records.append((into.upto, self._decoder.decode(body)))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            into.damage.append(Damage(number, offset, end - offset, "unreadable"))

    def _frames(self, file: int, number: int, at: int, closed: bool, into: Drained) -> Iterator[tuple[int, int, bytes]]:
        """Whole frames as (offset, end, payload); damage is stepped over and noted."""
        while True:
            for offset, end, body in _whole(file, at):
                yield offset, end, body
                at = end
            rest = _rest(file, at)
            if look(rest, 0)[0] is State.WHOLE:  # its writer finished it between the two reads
                continue
            found = next_whole(rest, 0)
            if found < 0:
                if closed and rest:
                    into.damage.append(Damage(number, at, len(rest), "torn_tail"))
                    into.upto = segments.position(number, at + len(rest))  # said once, not at every read
                return
            into.damage.append(Damage(number, at, found, "damaged"))
            at += found


def _whole(file: int, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Whole frames from an offset up to the first place where none stands."""
    wanted = _CHUNK
    while buffer := os.pread(file, wanted, at):
        inside = 0
        state, end = look(buffer, inside)
        while state is State.WHOLE:
            yield at + inside, at + end, payload(buffer, inside, end)
            inside = end
            state, end = look(buffer, inside)
        if state is State.BAD or len(buffer) < wanted:
            return
        at, wanted = at + inside, max(_CHUNK, end - inside)


def _rest(file: int, at: int) -> bytes:
    return os.pread(file, max(0, os.fstat(file).st_size - at), at)
