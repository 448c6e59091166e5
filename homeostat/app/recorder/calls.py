"""What the recorder answers: one method per call, from a header and a body to a JSON-ready reply."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.frames import Header
from homeostat.app.recorder.housekeeping import Housekeeping
from homeostat.app.recorder.troubles import NOT_TAKEN_IN, Troubles
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Break
from homeostat.data.journal import Journal, Quarantine
from homeostat.features.ingest import Accepted, Ingest, Readmitted
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import ContractBroken, Held, InvalidInput, NotFound, Unavailable

Reply = dict[str, Any]
MOST_WAITING = 2_000_000
"""Accepted facts that may wait to be stored."""
MOST_LISTED = 1_000
"""Broken promises listed in one reply."""
_SHAPE = 'Send {"rows": [{"column": value, ...}, ...]}.'
_SHAPE_OF_SEVERAL = 'Send {"table": [{"column": value, ...}, ...], ...}.'
_PAGE = 1_000
"""Kept rows looked at in one step."""
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries."""
_T = TypeVar("_T")


class Calls:
    """The recorder's use cases; none keeps another waiting, also while somebody holds a file that is written to."""

    def __init__(
        self,
        ingest: Ingest,
        journal: Journal,
        quarantine: Quarantine,
        drain: Drain,
        tables: Sequence[str],
        house: Housekeeping,
        *,
        news: Callable[[Instant], None],
        most_waiting: int = MOST_WAITING,
        troubles: Troubles | None = None,
    ) -> None:
        self._ingest, self._journal, self._kept, self._drain = ingest, journal, quarantine, drain
        self._house, self._troubles = house, troubles or Troubles()
        self._tables, self._news, self._most_waiting = tables, news, most_waiting
        self._calls: Mapping[str, Callable[[Header, bytes], Awaitable[Reply]]] = {
            "events": self._events,
            "events_of_several": self._events_of_several,
            "readmit": self._readmit,
            "vacuum": self._vacuum,
            "refuse": self._refuse,
            "flush": self._flush,
            "status": self._status,
            "quarantine": self._quarantine,
        }

    async def answer(self, header: Header, body: bytes) -> Reply:
        """Do what a header asks. Raises: HomeostatError, which the caller gets."""
        call = self._calls.get(str(header.get("call")))
        if call is None:
            name = str(header.get("call"))
            raise NotFound(f"The recorder has no call {name!r}.", mend=did_you_mean(name, self._calls))
        return await call(header, body)

    async def _events(self, header: Header, body: bytes) -> Reply:
        table = _table(header)
        return (await self._accept({table: rows_of(body)}, _now(header)))[table]

    async def _events_of_several(self, header: Header, body: bytes) -> Reply:
        return {"tables": await self._accept(rows_of_several(body), _now(header))}

    async def _accept(self, rows: Mapping[str, Sequence[object]], now: Instant) -> dict[str, Reply]:
        if self._drain.backlog >= self._most_waiting:
            mend = "Send it again in a few seconds; look at the recorder's log if it stays so."
            waiting = self._drain.backlog
            raise Unavailable(f"{waiting} facts wait to be stored.", mend=mend, waiting=waiting)
        found = await self._patiently(lambda: self._ingest.accept_all(rows, now))
        self._news(now)
        if not any(taken.accepted or taken.duplicates for taken in found.values()):
            raise _broken(found)
        return {table: _told(taken) for table, taken in found.items()}

    async def _refuse(self, header: Header, body: bytes) -> Reply:
        table, rows, now = _table(header), rows_of(body), _now(header)
        breaks = await self._patiently(lambda: self._ingest.refuse(table, rows, now))
        return {"quarantined_rows": len({item.row for item in breaks})}

    async def _flush(self, header: Header, body: bytes) -> Reply:
        return dataclasses.asdict(await self._drain.flush())

    async def _status(self, header: Header, body: bytes) -> Reply:
        since, until = header.get("since"), header.get("until")
        counts = {name: self._journal.counts(name, since, until) for name in self._tables}
        return {
            "sequence": self._journal.sequence(),
            "waiting": self._drain.backlog,
            "troubles": self._troubles.told(),
            "tables": {name: dataclasses.asdict(found) for name, found in counts.items()},
        }

    async def _quarantine(self, header: Header, body: bytes) -> Reply:
        limit = header.get("limit", 100)
        if not isinstance(limit, int) or not 1 <= limit <= 10_000:
            raise InvalidInput(f"{limit!r} is no limit.", mend="Ask for 1 to 10000 rows.")
        return {"rows": [dataclasses.asdict(row) for row in self._kept.quarantined(self._known(header), limit)]}

    async def _readmit(self, header: Header, body: bytes) -> Reply:
        table, now, after, done = self._known(header), self._present(header), 0, Readmitted()
        reason, ids = header.get("reason"), header.get("ids")
        while page := self._kept.kept(table, after, _PAGE):
            after = page[-1].id
            chosen = [
                one
                for one in page
                if one.door == "events" and reason in (None, one.reason) and (ids is None or one.id in ids)
            ]
            if chosen:
                done += await self._patiently(partial(self._ingest.readmit, table, chosen, now))
                self._news(now)
            await asyncio.sleep(0)  # events come in between
        return dataclasses.asdict(done)

    async def _vacuum(self, header: Header, body: bytes) -> Reply:
        hours, dry_run = header.get("hours"), header.get("dry_run")
        if not isinstance(hours, int) or hours < 0 or not isinstance(dry_run, bool):
            raise InvalidInput(f"{hours!r} is no number of hours.", mend="Give whole hours, 0 or more.")
        return await self._house.vacuum(hours, dry_run=dry_run)

    async def _patiently(self, work: Callable[[], _T]) -> _T:
        """Do what writes, again for a second or two while another process holds a file; a lock that is known of is
        not waited for. Raises: Held."""
        for pause in () if NOT_TAKEN_IN in self._troubles else _PAUSES:
            try:
                return work()
            except Held:
                await asyncio.sleep(pause)
        try:
            return work()
        except Held as error:
            self._troubles.begin(NOT_TAKEN_IN, error)
            raise

    def _present(self, header: Header) -> Instant:
        """What the header tells, else when the last row came: a replay that pauses stands still there."""
        if header.get("now") is not None:
            return _now(header)
        known = [self._journal.counts(name).newest_known or 0 for name in self._tables]
        kept = [row.known_at for name in self._tables for row in self._kept.quarantined(name, 1)]
        return max([0, *known, *kept])

    def _known(self, header: Header) -> str:
        name = _table(header)
        if name not in self._tables:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, self._tables), table=name)
        return name


def rows_of(body: bytes) -> list[object]:
    """The rows of a body ``{"rows": [...]}``.

    Raises: InvalidInput that says what the body is instead.

    >>> rows_of(b'{"rows": [{"a": null}]}')
    [{'a': None}]
    """
    sent = decoded(body, _SHAPE)
    if not isinstance(sent, dict) or not isinstance(sent.get("rows"), list):
        raise InvalidInput('The body is not an object with a list of "rows".', mend=_SHAPE)
    if unknown := sent.keys() - {"rows"}:
        named = ", ".join(sorted(unknown))
        raise InvalidInput(f"The body has more than rows: {named}.", mend=_SHAPE)
    rows: list[object] = sent["rows"]
    return rows


def rows_of_several(body: bytes) -> dict[str, list[object]]:
    """The rows of a body ``{"table": [...], ...}``, in the order sent.

    Raises: InvalidInput that says what the body is instead.

    >>> rows_of_several(b'{"arrivals": [{}], "weather": []}')
    {'arrivals': [{}], 'weather': []}
    """
    sent = decoded(body, _SHAPE_OF_SEVERAL)
    if not isinstance(sent, dict) or not all(isinstance(rows, list) for rows in sent.values()):
        raise InvalidInput("The body is not an object with a list of rows per table.", mend=_SHAPE_OF_SEVERAL)
    return sent


def decoded(body: bytes, shape: str) -> object:
    """A body's JSON. Raises: InvalidInput that says where it goes wrong, with ``shape`` as what to send instead."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _malformed(body, error, shape) from error
    return found


def _malformed(body: bytes, error: Exception, shape: str) -> InvalidInput:
    at = _offset_of(str(error))
    token = body[at : at + 9].lstrip(b"-") if at is not None else b""
    if token.startswith((b"NaN", b"Infinity")):
        name = "NaN" if token.startswith(b"NaN") else "Infinity"
        mend = "Send null for what is missing."
        return InvalidInput(f"The body holds {name}, which is not JSON.", mend=mend)
    if isinstance(error, RecursionError):
        return InvalidInput("The body is nested too deep.", mend=shape)
    why = str(error).removeprefix("JSON is malformed: ")
    return InvalidInput(f"The body is not JSON: {why}.", mend=shape)


def _offset_of(said: str) -> int | None:
    _, found, rest = said.rpartition("(byte ")
    number = rest.removesuffix(")")
    return int(number) if found and number.isdigit() else None


def _table(header: Header) -> str:
    return str(header.get("table"))


def _now(header: Header) -> Instant:
    now = header.get("now")
    if not isinstance(now, int):
        raise InvalidInput("The call does not say the present.", mend="Send now in microseconds.")
    return now


def _listed(breaks: Sequence[Break]) -> list[Reply]:
    return [dataclasses.asdict(item) for item in breaks[:MOST_LISTED]]


def _told(taken: Accepted) -> Reply:
    return {
        "accepted": taken.accepted,
        "duplicates": taken.duplicates,
        "quarantined": _listed(taken.quarantined),
        "quarantined_rows": len({item.row for item in taken.quarantined}),
        "warnings": _listed(taken.warnings),
        "first_sequence": taken.first_sequence,
        "last_sequence": taken.last_sequence,
    }


def _broken(found: Mapping[str, Accepted]) -> ContractBroken:
    table = next(name for name, taken in found.items() if taken.quarantined)
    rows = sum(len({item.row for item in taken.quarantined}) for taken in found.values())
    first = found[table].quarantined[0]
    return ContractBroken(
        f"No row keeps the contract of {table!r} ({rows} kept apart). Row {first.row}: {first.problem}",
        mend=first.mend,
        table=table,
        breaks=[{"table": name, **told} for name, taken in found.items() for told in _listed(taken.quarantined)],
        quarantined_rows=rows,
    )
