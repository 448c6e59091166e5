"""What a request's rows are before they are facts: parsed and identified, or refused with the reason."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeostat.data.contracts import Break, Checked, compile_contract
from homeostat.data.identity import compile_identity, refused_digest
from homeostat.data.journal import Door, Entry, Quarantined, RefusedRow
from homeostat.data.tables import Table
from homeostat.kernel.clock import Instant, duration, format_instant

_LONGEST_REFUSED = 262_144
"""Characters kept of one refused row."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """An entry for the journal; ``kept`` are the places its rows had in the request."""

    entry: Entry
    kept: list[int]
    breaks: list[Break]
    warnings: list[Break]

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
        return Break(self.kept[place], None, "same_id_other_content", problem, mend)


class Intake:
    """Sorts rows sent for one table; compiled once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._check = compile_contract(table.contract)
        self._identify = compile_identity(table)
        self._ahead = table.tolerance
        self._retries = None if table.event_id else duration(table.retries)

    def sort(self, rows: Sequence[object], now: Instant, *, door: Door = "events") -> Sorted:
        """Tell good rows from broken ones: by the contract, and by event times that have not come yet."""
        checked = self._check(rows)
        name = self.table.event_time
        times: list[Instant] = [row[name] for row in checked.rows]  # type: ignore[misc]
        good, kept, breaks, ahead = checked.rows, checked.kept, checked.breaks, 0
        if times and max(times) > now:
            ahead = sum(now < at <= now + self._ahead for at in times)
            breaks = sorted([*breaks, *self._from_the_future(checked, now)], key=lambda item: item.row)
            places = [place for place, at in enumerate(times) if at <= now + self._ahead]
            good, kept = [good[place] for place in places], [kept[place] for place in places]
            times = [times[place] for place in places]
        warned = {"ahead_of_clock": ahead} if ahead else {}
        refused = _refused(self.table.name, rows, breaks, door)
        identities = self._identify(good)
        entry = Entry(self.table.name, now, good, identities, times, self._retries, refused, warned)
        return Sorted(entry, kept, breaks, [])

    def _from_the_future(self, checked: Checked, now: Instant) -> Iterator[Break]:
        name = self.table.event_time
        for row, index in zip(checked.rows, checked.kept, strict=True):
            at = row[name]
            if isinstance(at, int) and at > now + self._ahead:
                problem = f"Column {name!r} is {format_instant(at)}, but now is {format_instant(now)}."
                mend = "Send an event once it has happened; check the producer's clock and offset."
                yield Break(index, name, "from_the_future", problem, mend)


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
