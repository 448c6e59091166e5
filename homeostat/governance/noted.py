"""Ends of the ledger that somebody wrote down elsewhere: who may write everything here cannot change those."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.governance.audit import Entry
from homeostat.kernel.errors import InvalidInput

_LINE = re.compile(r"([1-9][0-9]{0,17})\s+([0-9a-f]{64})(?:\s.*)?")


@dataclass(frozen=True, slots=True)
class Noted:
    """One end of the ledger: the place of its last entry, from 1, and that entry's hash, which covers all before."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"


def read_noted(text: str) -> list[Noted]:
    """Ends of the ledger, one a line, each followed by whatever its writer added; empty lines and ``#`` say nothing.

    Raises: InvalidInput where a line is no end of a ledger, or none is there.

    >>> read_noted(f"# kept by the auditor\\n12 {'0' * 64} on Monday\\n")[0].seq
    12
    """
    found: list[Noted] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not (told := line.strip()) or told.startswith("#"):
            continue
        if not (match := _LINE.fullmatch(told)):
            raise InvalidInput(
                f"Line {number} is no end of a ledger: {told[:80]!r}.",
                mend="Give lines as 'homeostat ledger head' prints them: a place and a hash of 64 digits.",
                line=number,
            )
        found.append(Noted(int(match[1]), match[2]))
    if not found:
        raise InvalidInput(
            "No end of a ledger is noted there.",
            mend="Note it where who runs this cannot write: homeostat ledger head >> FILE.",
        )
    return found


def noted_problems(entries: Sequence[Entry], noted: Sequence[Noted]) -> list[str]:
    """What of a ledger is not as it was when its ends were noted; empty when each still stands in its place.

    An entry's hash covers every entry before it, so that one noted end vouches for all up to it, whatever was done to
    database, heads and keys since.
    """
    problems: list[str] = []
    for one in noted:
        if one.seq > len(entries):
            problems.append(f"The ledger was cut: it ends at entry {len(entries)}, but entry {one.seq} was noted.")
        elif (now := entries[one.seq - 1].hash) != one.hash:
            was = f"it was noted as {one.hash[:12]}..., and is {now[:12]}..."
            problems.append(f"Entry {one.seq}, or one before it, was rewritten: {was}")
    return problems
