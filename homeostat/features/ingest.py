"""Taking facts in: checked, told apart from what is known, made durable, then seen by features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field

import msgspec

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Break
from homeostat.data.intake import Intake, Sorted
from homeostat.data.journal import Journal, Quarantined, Recorded
from homeostat.data.tables import Table
from homeostat.features.online import OnlineStore
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import ContractBroken, Held, InvalidInput, NotFound, TooLarge, Unavailable
from homeostat.kernel.words import plural

MOST_ROWS = 10_000
"""Rows in one request."""
_MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a request's rows; the sequences are None when nothing was new.

    ``quarantined`` lists every break: a row with several stands there several times. ``warnings`` tell what was
    odd about rows that were taken, or known.
    """

    accepted: int
    duplicates: int
    quarantined: list[Break]
    first_sequence: int | None
    last_sequence: int | None
    warnings: list[Break] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Readmitted:
    """What became of rows that were kept apart: now facts, or known before; and those that stay.

    ``outdated`` ones stay because their key has told more since, ``broken`` ones because they still are.
    """

    accepted: int = 0
    duplicates: int = 0
    outdated: int = 0
    broken: int = 0

    def __add__(self, other: Readmitted) -> Readmitted:
        """Both together."""
        return Readmitted(*map(sum, zip(astuple(self), astuple(other), strict=True)))


class FellBehind(Unavailable):
    """What the online store lacks is in the tables alone, as after somebody held its file for long."""


class Ingest:
    """Accepts rows of the declared tables; one instance, one thread.

    A fact is in the journal before it is acknowledged, and in the online store before the next one is
    accepted. Should the online store fail, it catches up from the journal before anything else is taken in.
    """

    def __init__(self, journal: Journal, online: OnlineStore, tables: Sequence[Table]) -> None:
        self._journal, self._online = journal, online
        self._intakes = {table.name: Intake(table) for table in tables}

    def accept(self, table: str, rows: Sequence[object], now: Instant) -> Accepted:
        """Take in what keeps the contract, keep apart what does not; the same row twice counts once.

        Raises: NotFound for an unknown table; ContractBroken, with nothing taken in or kept apart, when a promise
        with the verdict "reject" is broken; InvalidInput for no rows, TooLarge for more than 10,000;
        Unavailable when a store refuses (nothing is acknowledged; sending it again is safe).
        """
        return self.accept_all({table: rows}, now)[table]

    def accept_all(self, rows: Mapping[str, Sequence[object]], now: Instant) -> dict[str, Accepted]:
        """Take in rows of several tables in the order given: all of them are acknowledged, or none.

        Raises: as ``accept`` does, the limit of rows being for all tables together.
        """
        self.catch_up()
        check_size(sum(map(len, rows.values())))
        sorted_ = [self._intake(table).sort(some, now) for table, some in rows.items()]
        _refuse_rejected(sorted_)
        recorded = self._record(sorted_)
        return {one.entry.table: _accepted(one, done) for one, done in zip(sorted_, recorded, strict=True)}

    def refuse(self, table: str, rows: Sequence[object], now: Instant) -> list[Break]:
        """Keep apart the broken rows of a question that was refused at another door; accepts none."""
        check_size(len(rows))
        found = self._intake(table).sort(rows, now, door="predict")
        if found.entry.refused:
            self._journal.record([found.refused_only()])
        return found.breaks

    def readmit(self, table: str, kept: Sequence[Quarantined], now: Instant) -> Readmitted:
        """Take in rows that were kept apart and keep today's contract, as known now; the others stay.

        A row leaves quarantine in the transaction that makes it a fact.
        """
        self.catch_up()
        intake = self._intake(table)
        read = [(one, row) for one in kept if (row := _read(one.content)) is not None]
        found = intake.sort([row for _, row in read], now)
        passed = [read[place][0] for place in found.kept]
        [done] = self._record([found.readmitting(passed)]) if passed else [Recorded(0, (), 0)]
        return Readmitted(len(done.rows), done.duplicates, done.outdated, len(kept) - len(passed))

    def catch_up(self) -> None:
        """Bring the online store to the journal's last fact; costs nothing when it is there.

        Raises: FellBehind when the journal no longer holds what is missing: rebuild from the tables.
        """
        while (at := self._online.sequence()) < self._journal.sequence():
            missing = self._journal.pending(at)
            if not missing or missing[0].first_sequence != at + 1:
                mend = "The recorder starts anew and rebuilds it from the tables: send it again in a moment."
                raise FellBehind("The online store misses facts that the journal has let go.", mend=mend)
            for batch in missing:
                self._online.apply(batch.table, batch.rows(), batch.first_sequence)

    def _record(self, sorted_: Sequence[Sorted]) -> list[Recorded]:
        recorded = self._journal.record([one.entry for one in sorted_])
        try:
            for one, done in zip(sorted_, recorded, strict=True):
                if done.rows:
                    self._online.apply(one.entry.table, done.rows, done.first_sequence)
        except Held:
            pass  # they are durable; nothing else is accepted before the online store has them
        return recorded

    def _intake(self, name: str) -> Intake:
        if name not in self._intakes:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, self._intakes), table=name)
        return self._intakes[name]


def _accepted(found: Sorted, done: Recorded) -> Accepted:
    warnings = [*found.warnings, *(found.conflict(place) for place in done.conflicts)]
    if not done.rows:
        return Accepted(0, done.duplicates, found.breaks, None, None, warnings)
    last = done.first_sequence + len(done.rows) - 1
    return Accepted(len(done.rows), done.duplicates, found.breaks, done.first_sequence, last, warnings)


def _refuse_rejected(sorted_: Sequence[Sorted]) -> None:
    for one in sorted_:
        if one.rejected:
            table, first = one.entry.table, next(item for item in one.breaks if item.verdict == "reject")
            raise ContractBroken(
                f"Row {first.row} of {table!r} breaks what refuses a whole request: {first.problem}",
                mend=f"{first.mend} Nothing was taken in: mend it, then send everything again.",
                table=table,
                breaks=[{"table": table, **asdict(item)} for item in one.breaks[:_MOST_LISTED]],
                quarantined_rows=0,
            )


def check_size(rows: int) -> None:
    """Refuse a request of no rows, or of more than one may hold. Raises: InvalidInput, TooLarge."""
    if not rows:
        raise InvalidInput("There are no rows.", mend='Send at least one: {"rows": [{...}]}.')
    if rows > MOST_ROWS:
        mend = f"Send at most {MOST_ROWS:,} at a time."
        raise TooLarge(f"There are {plural(rows, 'row')} in one request.", mend=mend, limit=MOST_ROWS)


def _read(content: str) -> object | None:
    """A kept row as it was sent; None when it was too strange or too long to be kept whole."""
    try:
        found: object = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found
