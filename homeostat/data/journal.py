"""The journal: where accepted facts are safe until every store has them, and how a fact is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from homeostat.data.contracts import Break, Row, Value
from homeostat.kernel.clock import Instant

_encode = msgspec.msgpack.Encoder().encode


def fact_digest(table: str, row: Mapping[str, Value]) -> bytes:
    """16 bytes that are equal for equal content, however the row was written.

    Columns in another order, nulls spelt out or left away, and columns added to the contract later with null
    in them change nothing.

    >>> fact_digest("seen", {"a": 1.0, "b": None}) == fact_digest("seen", {"a": 1.0})
    True
    """
    content = [table, sorted([item for item in row.items() if item[1] is not None])]
    return hashlib.blake2b(_encode(content), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that broke its contract: its JSON text, with everything that is wrong.

    ``digest`` tells a row that is sent again: it is kept and counted once.
    """

    content: str
    digest: bytes
    breaks: tuple[Break, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request brings: checked rows with digests and event times, and refused ones."""

    table: str
    known_at: Instant
    rows: Sequence[Row]
    digests: Sequence[bytes]
    event_times: Sequence[Instant]
    refused: Sequence[RefusedRow] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """New facts of one table in order: ``columns`` by name, numbered from ``first_sequence`` on."""

    table: str
    first_sequence: int
    known_at: Instant
    count: int
    columns: Mapping[str, Sequence[Value]]

    @property
    def last_sequence(self) -> int:
        """The sequence of the last fact."""
        return self.first_sequence + self.count - 1

    def rows(self) -> list[Row]:
        """The facts, each by column name."""
        names = tuple(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused row as kept: what it was, when it came, and the first thing wrong with it."""

    table: str
    known_at: Instant
    content: str
    column: str | None
    reason: str
    problem: str
    mend: str


@dataclass(frozen=True, slots=True)
class TableCounts:
    """What has come for a table; ``quarantined`` counts rows by their first reason.

    ``newest_event`` and ``newest_known`` are None, and ``sequence`` -1, while nothing was accepted.
    """

    rows: int = 0
    duplicates: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    newest_event: Instant | None = None
    newest_known: Instant | None = None
    sequence: int = -1


class Journal(Protocol):
    """Makes facts durable at once, numbers them without gaps, and knows for ever which ones it has seen."""

    def record(self, entry: Entry) -> Batch | None:
        """Take in what is new of an entry, all or nothing; durable on return. None when nothing is new.

        Rows whose digest was recorded before, or stands twice in the entry, are counted as duplicates.
        """
        ...

    def sequence(self) -> int:
        """The last sequence given out; -1 when none was."""
        ...

    def pending(self, after: int = -1, *, upto: int | None = None, limit: int = 100_000) -> list[Batch]:
        """Batches kept with sequences in ``(after, upto]``, oldest first, of about ``limit`` rows at most."""
        ...

    def forget(self, ends: Iterable[tuple[str, int]]) -> None:
        """Drop each table's batches up to a sequence: every store has them."""
        ...

    def quarantined(self, table: str, limit: int = 100) -> list[Quarantined]:
        """The newest refused rows of a table, newest first."""
        ...

    def counts(self, table: str, since: Instant | None = None, until: Instant | None = None) -> TableCounts:
        """What has come, in all or known in ``[since, until)``, which are rounded down to whole hours.

        ``newest_event``, ``newest_known`` and ``sequence`` are those of the whole table in either case.
        """
        ...

    def close(self) -> None:
        """Let go of the store; everything recorded stays."""
        ...
