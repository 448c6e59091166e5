"""The control store in SQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Connection
from typing import TYPE_CHECKING

import msgspec

from homeostat.adapters.sql.decoding import decoded
from homeostat.adapters.sql.ledger import append_entries
from homeostat.control.state import DayCounts, LoopState, initial_state
from homeostat.governance.audit import Draft, Entry, Heads
from homeostat.kernel.errors import Conflict

if TYPE_CHECKING:
    from homeostat.adapters.sql.database import Database
    from homeostat.control.days import Day

_ENTRIES = "SELECT seq, id, loop, draft, previous, hash FROM ledger"


class SqlControlStore:
    """Keeps loop states, days and the ledger together, so that one transaction changes them all.

    Every entry's head is signed into ``heads`` before its transaction commits and sealed after it.
    """

    def __init__(self, database: Database, heads: Heads) -> None:
        self._database = database
        self._heads = heads

    def state(self, loop: str) -> LoopState:
        """The present state; the initial one for a loop never seen."""
        with self._database.reading() as connection:
            return self._state(connection, loop)

    def commit(self, before: LoopState, after: LoopState, drafts: Sequence[Draft], days: Sequence[Day]) -> LoopState:
        """Replace ``before`` by ``after`` and write decisions and days with it, all or nothing.

        Raises: Conflict when the state is no longer ``before``; Unavailable where nothing can be written.
        """
        with self._database.writing() as connection:
            written = self._replace(connection, before, after)
            self._write_days(connection, before.loop, days)
            newest = append_entries(connection, drafts)
            if newest:
                self._heads.intend(newest)
        if newest:
            with suppress(OSError):  # it is decided: as after a crash, the intended head vouches until the next one
                self._heads.seal(newest)
        return written

    def days(self, loop: str, *, after: int = 0) -> list[tuple[int, Day]]:
        """Days changed after a cursor, each with its own cursor, oldest change first."""
        from homeostat.control.days import read_day

        query = "SELECT cursor, value FROM days WHERE loop = ? AND cursor > ? ORDER BY cursor"
        with self._database.reading() as connection:
            rows = connection.execute(query, (loop, after)).fetchall()
        with decoded(f"a day of loop {loop!r}"):
            return [(cursor, read_day(value)) for cursor, value in rows]

    def newest_days(self, loop: str, many: int) -> list[Day]:
        """The last days by date, so many at most, oldest first."""
        from homeostat.control.days import read_day

        query = "SELECT value FROM days WHERE loop = ? ORDER BY day DESC LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (loop, many)).fetchall()
        with decoded(f"a day of loop {loop!r}"):
            return [read_day(value) for (value,) in reversed(rows)]

    def counted(self, loop: str) -> DayCounts:
        """What all days together count, without reading them."""
        query = "SELECT coalesce(sum(served), 0), coalesce(sum(failed), 0), coalesce(sum(labelled), 0) FROM days"
        with self._database.reading() as connection:
            return DayCounts(*connection.execute(f"{query} WHERE loop = ?", (loop,)).fetchone())

    def entries(self, loop: str | None = None, *, after: int = 0) -> list[Entry]:
        """The ledger in order; of one loop, or of all."""
        mine = "" if loop is None else " AND loop = ?"
        asked = (after,) if loop is None else (after, loop)
        with self._database.reading() as connection:
            rows = connection.execute(f"{_ENTRIES} WHERE seq > ?{mine} ORDER BY seq", asked).fetchall()
        return [_entry(*row) for row in rows]

    def entry(self, draft_id: str) -> Entry | None:
        """The entry written under Homeostat's own id, if any."""
        with self._database.reading() as connection:
            row = connection.execute(f"{_ENTRIES} WHERE id = ?", (draft_id,)).fetchone()
        return None if row is None else _entry(*row)

    @staticmethod
    def _state(connection: Connection, loop: str) -> LoopState:
        row = connection.execute("SELECT state FROM loops WHERE loop = ?", (loop,)).fetchone()
        with decoded(f"the state of loop {loop!r}"):
            return initial_state(loop) if row is None else msgspec.json.decode(row[0], type=LoopState)

    def _replace(self, connection: Connection, before: LoopState, after: LoopState) -> LoopState:
        written = dataclasses.replace(after, revision=before.revision + 1)
        text = msgspec.json.encode(written).decode()
        if before.revision == 0 and self._state(connection, before.loop).revision == 0:
            connection.execute("INSERT INTO loops (loop, revision, state) VALUES (?, 1, ?)", (before.loop, text))
            return written
        done = connection.execute(
            "UPDATE loops SET revision = ?, state = ? WHERE loop = ? AND revision = ?",
            (written.revision, text, before.loop, before.revision),
        )
        if done.rowcount == 0:
            raise Conflict(
                f"The state of loop {before.loop!r} is no longer at revision {before.revision}.",
                mend="Read it again, then retry.",
                loop=before.loop,
                revision=before.revision,
            )
        return written

    @staticmethod
    def _write_days(connection: Connection, loop: str, days: Sequence[Day]) -> None:
        (cursor,) = connection.execute("SELECT coalesce(max(cursor), 0) FROM days").fetchone()
        for place, day in enumerate(days, start=1):
            connection.execute("DELETE FROM days WHERE loop = ? AND day = ?", (loop, day.day))
            row = (cursor + place, loop, day.day, msgspec.json.encode(day).decode())
            connection.execute("INSERT INTO days (cursor, loop, day, value) VALUES (?, ?, ?, ?)", row)


def _entry(seq: int, name: str, loop: str, draft: str, previous: str, own: str) -> Entry:
    """An entry as it lies there: whatever of it was edited, also the columns by which it is found, no longer has its
    hash."""
    try:
        found = dataclasses.replace(msgspec.json.decode(draft, type=Draft), id=name, loop=loop)
    except (msgspec.MsgspecError, TypeError, UnicodeError):
        told = "This entry cannot be read any more: see 'homeostat ledger verify'"
        found = Draft(name, loop, 0, "unreadable", "", told, ())
    return Entry(seq, found, previous, own)
