"""What a request's rows are before they are facts: parsed and identified, or refused with the reason."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from homeostat.data.checks import Fault, parser_of
from homeostat.data.contracts import Break, Checked, Row, compile_contract, instant
from homeostat.data.identity import compile_identity, refused_digest
from homeostat.data.journal import Door, Entry, Quarantined, RefusedRow
from homeostat.data.rules import Unique
from homeostat.data.tables import Table
from homeostat.kernel.clock import Instant, duration, format_instant

_LONGEST_REFUSED = 262_144
"""Characters kept of one refused row."""
_read_instant = parser_of(instant())


@dataclass(frozen=True, slots=True)
class Sorted:
    """An entry for the journal; ``kept`` are the places its rows had in the request."""

    entry: Entry
    kept: list[int]
    breaks: list[Break]
    warnings: list[Break]
    rejected: bool

    def refused_only(self) -> Entry:
        """Its refused rows and nothing else."""
        return dataclasses.replace(self.entry, rows=(), identities=(), event_times=(), warned={})

    def readmitting(self, released: Sequence[Quarantined]) -> Sorted:
        """The good rows, which were kept apart as these; those refused again are kept already."""
        return dataclasses.replace(self, entry=dataclasses.replace(self.entry, refused=(), released=released))

    def conflict(self, place: int) -> Break:
        """What is odd about the row at a place of the entry, whose event id is known."""
        problem = "Its event id was accepted before with other content, which stands."
        mend = "Give a correction an event id of its own, and the key of the fact it corrects."
        return Break(self.kept[place], None, "same_id_other_content", problem, mend, "warn")


@dataclass(frozen=True, slots=True)
class Past:
    """Rows of history that are good, with the times at which they became known, and those that are not."""

    rows: list[Row]
    known_times: list[Instant]
    breaks: list[Break]
    refused: list[RefusedRow]


class Intake:
    """Sorts rows sent for one table; compiled once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._check = compile_contract(table.contract, table.rules)
        one_by_one = [rule for rule in table.rules if not isinstance(rule, Unique)]
        self._check_past = compile_contract(table.contract, one_by_one)
        self._identify = compile_identity(table)
        self._ahead = table.tolerance
        self._retries = None if table.event_id else duration(table.retries)

    def sort(self, rows: Sequence[object], now: Instant, *, door: Door = "events") -> Sorted:
        """Tell good rows from broken ones: by the contract, and by event times that have not come yet.

        ``rejected`` says that a promise was broken for which nothing of the request may be taken in.
        """
        name = self.table.event_time
        undated = _undated(rows, name) if self.table.now_by_default else frozenset()
        checked = self._check(_dated(rows, undated, name, now) if undated else rows)
        times: list[Instant] = [row[name] for row in checked.rows]  # type: ignore[misc]
        good, kept, breaks, ahead = checked.rows, checked.kept, checked.breaks, 0
        if times and max(times) > now:
            ahead = sum(now < at <= now + self._ahead for at in times)
            breaks = sorted([*breaks, *self._from_the_future(checked, now)], key=lambda item: item.row)
            places = [place for place, at in enumerate(times) if at <= now + self._ahead]
            good, kept = [good[place] for place in places], [kept[place] for place in places]
            times = [times[place] for place in places]
        warnings = [item for item in checked.warnings if item.row in set(kept)] if checked.warnings else []
        warned = {**({"ahead_of_clock": ahead} if ahead else {}), **Counter(item.promise for item in warnings)}
        refused = _refused(self.table.name, rows, breaks, door)
        said = [{**row, name: None} if place in undated else row for place, row in zip(kept, good, strict=True)]
        identities = self._identify(said if undated else good)
        entry = Entry(self.table.name, now, good, identities, times, self._retries, refused, warned)
        return Sorted(entry, kept, breaks, warnings, checked.rejected)

    def sort_past(self, rows: Sequence[object], known_at: str, now: Instant) -> Past:
        """Tell good rows of history from broken ones: each says in ``known_at`` when it became known.

        Nothing is known before it happened, nor later than now. Uniqueness is asked of the whole history, later.
        """
        own = known_at in self.table.contract
        told, read = _known_times(rows, known_at, now)
        checked = self._check_past(rows if own else [_without(row, known_at) for row in rows])
        breaks = [*checked.breaks, *told]
        name = self.table.event_time
        for row, index in zip(checked.rows, checked.kept, strict=True):
            at, known = row[name], read[index]
            if known is not None and isinstance(at, int) and at > known + self._ahead:
                problem = f"It happened at {format_instant(at)}, but was known at {format_instant(known)}."
                mend = "Name the column that says when it became known; for old records, when they were written."
                breaks.append(Break(index, known_at, "known_before_it_happened", problem, mend))
        breaks.sort(key=lambda item: item.row)
        bad = {item.row for item in breaks}
        good = [(row, index) for row, index in zip(checked.rows, checked.kept, strict=True) if index not in bad]
        known_times = [cast("int", read[index]) for _, index in good]
        return Past([row for row, _ in good], known_times, breaks, _refused(self.table.name, rows, breaks, "events"))

    def past_entry(
        self, rows: Sequence[Row], known_times: Sequence[Instant], ranks: Sequence[int], refused: Sequence[RefusedRow]
    ) -> Entry:
        """Good rows of history, in the order in which they became known."""
        times = [cast("int", row[self.table.event_time]) for row in rows]
        return Entry(
            self.table.name,
            known_times[-1],
            rows,
            self._identify(rows),
            times,
            self._retries,
            refused,
            known_times=known_times,
            ranks=ranks,
        )

    def _from_the_future(self, checked: Checked, now: Instant) -> Iterator[Break]:
        name = self.table.event_time
        for row, index in zip(checked.rows, checked.kept, strict=True):
            at = row[name]
            if isinstance(at, int) and at > now + self._ahead:
                problem = f"Column {name!r} is {format_instant(at)}, but now is {format_instant(now)}."
                mend = "Send an event once it has happened; check the producer's clock and offset."
                yield Break(index, name, "from_the_future", problem, mend)


def _undated(rows: Sequence[object], name: str) -> frozenset[int]:
    """Places of rows that leave their event time out."""
    return frozenset(place for place, row in enumerate(rows) if isinstance(row, dict) and name not in row)


def _dated(rows: Sequence[object], undated: Collection[int], name: str, now: Instant) -> list[object]:
    present = format_instant(now)
    return [{**row, name: present} if isinstance(row, dict) and n in undated else row for n, row in enumerate(rows)]


def _known_times(rows: Sequence[object], known_at: str, now: Instant) -> tuple[list[Break], list[Instant | None]]:
    """When each row became known, or why that cannot be believed."""
    breaks: list[Break] = []
    read: list[Instant | None] = []
    for index, row in enumerate(rows):
        told = row.get(known_at) if isinstance(row, dict) else None
        try:
            known = cast("int", _read_instant(told))
        except Fault as fault:
            breaks.append(Break(index, known_at, fault.reason, f"Column {known_at!r} {fault.problem}", fault.mend))
            read.append(None)
            continue
        if known > now:
            problem = f"Column {known_at!r} is {format_instant(known)}, but now is {format_instant(now)}."
            mend = "History is what is known already; send the rest as events."
            breaks.append(Break(index, known_at, "from_the_future", problem, mend))
        read.append(known)
    return breaks, read


def _without(row: object, name: str) -> object:
    return {key: value for key, value in row.items() if key != name} if isinstance(row, dict) else row


def _refused(table: str, rows: Sequence[object], breaks: Sequence[Break], door: Door) -> list[RefusedRow]:
    by_row: dict[int, list[Break]] = {}
    for item in breaks:
        by_row.setdefault(item.row, []).append(item)
    return [_refused_row(table, rows[index], tuple(found), door) for index, found in by_row.items()]


def _refused_row(table: str, row: object, breaks: tuple[Break, ...], door: Door) -> RefusedRow:
    try:
        content = json.dumps(row, default=repr, skipkeys=True)[:_LONGEST_REFUSED]
    except (RecursionError, ValueError):
        content = '"a row nested too deep, or of too many digits, to keep"'
    return RefusedRow(content, refused_digest(table, content), breaks, door)
