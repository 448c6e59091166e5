"""The journal: where accepted facts are safe until every store has them, and how a fact is known again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from homeostat.data.contracts import Break, Row, Value
from homeostat.data.identity import Identity
from homeostat.kernel.clock import Duration, Instant

Door = Literal["events", "predict"]
JOURNAL_WRITER = "journal"
"""Who commits what the journal held to the tables: how far it came tells what still waits."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that broke its contract: its JSON text, with everything that is wrong.

    ``digest`` tells a row that is sent again: it is kept and counted once. ``door`` says where it was refused.
    """

    content: str
    digest: bytes
    breaks: tuple[Break, ...]
    door: Door = "events"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused row as kept: what it was, when it came, and the first thing wrong with it."""

    id: int
    table: str
    known_at: Instant
    content: str
    column: str | None
    reason: str
    problem: str
    mend: str
    door: Door


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request brings for a table: checked rows with identities and event times, and refused ones.

    ``retries`` is how long content that was superseded is taken for a retry rather than a return to it; None
    where rows carry event ids, which count once for ever. ``warned`` counts rows by what was odd about them.
    ``released`` are the kept rows that the rows are, one each: they leave quarantine unless their key has told
    more since. An import of history gives ``known_times``, one per row in ascending order, and ``ranks``, the
    places of the rows among those of all tables; else every row is known at ``known_at``.
    """

    table: str
    known_at: Instant
    rows: Sequence[Row]
    identities: Sequence[Identity]
    event_times: Sequence[Instant]
    retries: Duration | None = None
    refused: Sequence[RefusedRow] = ()
    warned: Mapping[str, int] = field(default_factory=dict)
    released: Sequence[Quarantined] = ()
    known_times: Sequence[Instant] | None = None
    ranks: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """What a batch of imported history has of its own: per fact its sequence and the known time declared.

    Facts of several tables were numbered together up to ``last_sequence``.
    """

    sequences: Sequence[int]
    known_times: Sequence[Instant]
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Batch:
    """New facts of one table in order: ``columns`` by name, numbered from ``first_sequence`` on.

    All were known at ``known_at``, unless they are of the ``past``.
    """

    table: str
    first_sequence: int
    known_at: Instant
    count: int
    columns: Mapping[str, Sequence[Value]]
    past: Past | None = None

    @property
    def last_sequence(self) -> int:
        """The sequence up to which it goes: of the last fact numbered together with its own."""
        return self.past.last_sequence if self.past else self.first_sequence + self.count - 1

    @property
    def sequences(self) -> Sequence[int]:
        """The sequence of each fact."""
        return self.past.sequences if self.past else range(self.first_sequence, self.first_sequence + self.count)

    def rows(self) -> list[Row]:
        """The facts, each by column name."""
        names = tuple(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an entry: the new ``rows``, numbered from ``first_sequence`` on, and the rest.

    ``conflicts`` are places in the entry whose event id was known with other content; they are duplicates too.
    ``outdated`` counts kept rows that stay kept, since their key has told more meanwhile.
    """

    first_sequence: int
    rows: Sequence[Row]
    duplicates: int
    conflicts: Sequence[int] = ()
    outdated: int = 0


@dataclass(frozen=True, slots=True)
class TableCounts:
    """What has come for a table; ``quarantined`` counts rows by their first reason, ``kept`` those still kept.

    ``imported`` of the ``rows`` are history with declared known times; ``readmitted`` ones had been kept apart.
    ``newest_event`` and ``newest_known`` are None, and ``sequence`` -1, while nothing was accepted.
    """

    rows: int = 0
    duplicates: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    newest_event: Instant | None = None
    newest_known: Instant | None = None
    sequence: int = -1
    warned: Mapping[str, int] = field(default_factory=dict)
    imported: int = 0
    readmitted: int = 0
    kept: int = 0


class Journal(Protocol):
    """Makes facts durable at once, numbers them without gaps, and knows for ever which ones it has seen."""

    def record(self, entries: Sequence[Entry]) -> list[Recorded]:
        """Take in what is new of some entries, all or nothing; durable on return.

        Known times never run backwards: a row is known at the newest known time, should the clock step back.
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

    def counts(self, table: str, since: Instant | None = None, until: Instant | None = None) -> TableCounts:
        """What has come, in all or known in ``[since, until)``, which are rounded down to whole hours.

        ``newest_event``, ``newest_known``, ``sequence`` and ``kept`` are those of the whole table in either case.
        """
        ...

    def close(self) -> None:
        """Let go of the store; everything recorded stays."""
        ...


class Quarantine(Protocol):
    """Lists the rows that were kept apart; they leave with the entry that takes them in."""

    def quarantined(self, table: str, limit: int = 100) -> list[Quarantined]:
        """The newest refused rows of a table, newest first."""
        ...

    def kept(self, table: str, after: int, limit: int) -> list[Quarantined]:
        """Refused rows of a table with ids above ``after``, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """An import of history that was taken in: ``id`` is made of its files and what was declared of them."""

    id: str
    known_at: Instant
    rows: int
    duplicates: int
    quarantined: int
    first_sequence: int
    last_sequence: int


class HistoryJournal(Protocol):
    """Takes in the past of a table, whose known times were declared, before it lives."""

    def take(self, id: str, known_at: Instant, groups: Iterable[Sequence[Entry]]) -> History:
        """Take in all groups or none, however many; they are read once, one at a time.

        The rows of a group, one entry per table, are numbered together by rank. The same ``id`` again changes
        nothing. Raises: whatever ``groups`` raise, with nothing taken in.
        """
        ...

    def history(self, id: str) -> History | None:
        """What was taken in under an id; None when nothing was."""
        ...

    def live(self, table: str) -> bool:
        """Whether facts of a table were accepted that are no history."""
        ...

    def newest_known(self) -> Instant | None:
        """The newest known time of any table."""
        ...
