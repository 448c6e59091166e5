"""Importing history: files whose rows say when they became known, taken in before a table lives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from homeostat.adapters.files.tabular import TabularFile
from homeostat.app.home import Home
from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.main import sole_writer
from homeostat.app.recorder.opening import open_stores
from homeostat.app.settings import Settings
from homeostat.app.tables.facts_check import check_staged
from homeostat.app.tables.staging import Staged, Staging
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Break
from homeostat.data.intake import Intake
from homeostat.data.journal import Entry, HistoryJournal, RefusedRow
from homeostat.data.tables import Table
from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import Conflict, ContractBroken, InvalidInput, NotFound
from homeostat.kernel.words import plural

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is and how far it goes."""
_GROUP = 20_000
_MOST_LISTED, _MOST_KEPT = 100, 100_000


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a table's history; ``known_at`` names the column that says when each row became known."""

    table: Table
    file: TabularFile
    known_at: str

    def check(self) -> None:
        """Refuse a file whose columns cannot be the table's, before any row is read. Raises: InvalidInput."""
        names = self.file.columns
        if names is None:
            return
        known = {*self.table.contract, self.known_at}
        where = f"{self.file.path} for table {self.table.name!r}"
        for name in names:
            if name not in known:
                mend = f"Leave it out, or declare it. {did_you_mean(name, known)}"
                raise InvalidInput(f"{where} has an unknown column {name!r}.", mend=mend, column=name)
        required = [name for name, column in self.table.contract.items() if not column.nullable]
        for name in [self.known_at, *required]:
            if name not in names:
                raise InvalidInput(f"{where} has no column {name!r}.", mend=did_you_mean(name, names), column=name)


def import_history(
    settings: Settings,
    tables: Sequence[Table],
    sources: Sequence[Source],
    now: Instant,
    *,
    keep_apart: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Json:
    """Take the rows of all files in, numbered together in the order in which they became known, or none.

    ``tables`` are all that the home declares. With ``keep_apart`` broken rows go to quarantine instead of
    stopping everything. The same files again change nothing.
    Raises: Conflict while Homeostat runs, when a table has live facts, or when something is known in the home
    that became known later than the files' first row; InvalidInput or ContractBroken for files with other rows.
    """
    home = settings.paths
    _check_stopped(home)
    for source in sources:
        source.check()
    home.prepare()
    settings.save()
    with sole_writer(home.root):
        stores = open_stores(home.root, tables)
        try:
            done = _take(home, stores.history, sources, now, keep_apart, progress)
            progress("storing", 0, 1)
            _store(Drain(stores, tables, []))
            progress("storing", 1, 1)
            return done
        finally:
            stores.journal.close()


def _store(drain: Drain) -> None:
    try:
        asyncio.run(drain.flush())
    finally:
        drain.close()


def _take(
    home: Home,
    journal: HistoryJournal,
    sources: Sequence[Source],
    now: Instant,
    keep_apart: bool,
    progress: Progress,
) -> Json:
    name = digest(sorted([source.table.name, source.known_at, source.file.digest()] for source in sources))
    before = journal.history(name)
    if before is None:
        _check_no_life(journal, sources)
    intakes = {source.table.name: Intake(source.table) for source in sources}
    if before is None:
        with Staging(home.root / "import.sqlite") as staging:
            refused = _stage(staging, intakes, sources, now, keep_apart, progress)
            check_staged(staging, [source.table for source in sources])
            rows = _check_order(journal, staging)
            groups = _groups(staging, intakes, refused, rows, progress)
            found = journal.take(name, now, groups)
    else:
        found = before
    told = {**asdict(found), "known_at": format_instant(found.known_at), "again": before is not None}
    return {**told, "tables": [source.table.name for source in sources]}


def _stage(
    staging: Staging,
    intakes: Mapping[str, Intake],
    sources: Sequence[Source],
    now: Instant,
    keep_apart: bool,
    progress: Progress,
) -> dict[str, list[RefusedRow]]:
    refused: dict[str, list[RefusedRow]] = {name: [] for name in intakes}
    for source in sources:
        place, good, breaks, broken = 0, 0, list[Break](), Counter[str]()
        for rows, done in source.file.chunks():
            found = intakes[source.table.name].sort_past(rows, source.known_at, now)
            staging.add(source.table.name, found.rows, found.known_times)
            broken.update(row.breaks[0].reason for row in found.refused)
            breaks += [_placed(item, place) for item in found.breaks[: _MOST_LISTED - len(breaks)]]
            if keep_apart:
                refused[source.table.name] += found.refused
            place, good = place + len(rows), good + len(found.rows)
            progress(f"reading {source.file.path.name}", done, source.file.size)
        if not place:
            raise InvalidInput(f"{source.file.path} has no rows.", mend="Give a file with rows.")
        if breaks and not (keep_apart and good and broken.total() <= _MOST_KEPT):
            raise _broken(source, breaks, broken, place)
    return refused


def _groups(
    staging: Staging,
    intakes: Mapping[str, Intake],
    refused: dict[str, list[RefusedRow]],
    total: int,
    progress: Progress,
) -> Iterator[list[Entry]]:
    """Entries for the journal: of each table its rows among the next some thousand, with their places."""
    staged = staging.in_order()
    done = 0
    while some := list(islice(staged, _GROUP)):
        by_table: dict[str, list[tuple[int, Staged]]] = {}
        for rank, one in enumerate(some):
            by_table.setdefault(one[0], []).append((rank, one))
        entries = []
        for name, placed in by_table.items():
            rows, times = [one[2] for _, one in placed], [one[1] for _, one in placed]
            entry = intakes[name].past_entry(rows, times, [rank for rank, _ in placed], refused.pop(name, []))
            entries.append(entry)
        yield entries
        done += len(some)
        progress("numbering", done, total)


def _check_stopped(home: Home) -> None:
    try:
        home.running()
    except NotFound:
        return
    raise Conflict(
        f"Homeostat is running in {home.root}.",
        mend="Stop it, import, and start it again: history is taken in before a table lives.",
        home=str(home.root),
    )


def _check_no_life(journal: HistoryJournal, sources: Sequence[Source]) -> None:
    for source in sources:
        if journal.live(source.table.name):
            raise Conflict(
                f"Table {source.table.name!r} has facts of its own.",
                mend="Send more as events, known when they arrive; or import into a new home, before it serves.",
                table=source.table.name,
            )


def _check_order(journal: HistoryJournal, staging: Staging) -> int:
    """Facts are numbered in the order in which they became known, over all tables: nothing may be slipped in before."""
    rows, first = staging.span()
    newest = journal.newest_known()
    if first is not None and newest is not None and first < newest:
        raise Conflict(
            f"The files begin with what was known at {format_instant(first)}, but this home knows of"
            f" {format_instant(newest)} already.",
            mend="Import all tables' files in one command, into a new home.",
            first=format_instant(first),
            newest=format_instant(newest),
        )
    return rows


def _placed(item: Break, place: int) -> Break:
    return Break(item.row + place, item.column, item.reason, item.problem, item.mend)


def _broken(source: Source, breaks: Sequence[Break], broken: Mapping[str, int], rows: int) -> ContractBroken:
    first, count = breaks[0], sum(broken.values())
    return ContractBroken(
        f"{count:,} of {plural(rows, 'row')} of {source.file.path} break the contract of {source.table.name!r};"
        f" nothing was taken in. Row {first.row}: {first.problem}",
        mend=f"{first.mend} Or keep broken rows apart with --quarantine.",
        table=source.table.name,
        breaks=[asdict(item) for item in breaks],
        reasons=dict(broken),
    )
