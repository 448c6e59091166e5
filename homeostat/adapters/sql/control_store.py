"""The control store on SQLAlchemy; SQLite here, any database it speaks elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, create_engine, delete, event, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import OperationalError

from homeostat.adapters.sql.ledger import append_entries
from homeostat.adapters.sql.schema import days as day_table
from homeostat.adapters.sql.schema import ledger, loops, metadata
from homeostat.control.days import Day, read_day
from homeostat.control.state import LoopState, initial_state
from homeostat.governance.audit import Draft, Entry, Heads
from homeostat.kernel.errors import Conflict, Unavailable


def sqlite_engine(path: Path) -> Engine:
    """An engine on one SQLite file: WAL, full durability, and writers that queue instead of failing."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _prepare(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


class SqlControlStore:
    """Keeps loop states, days and the ledger together, so that one transaction changes them all.

    Every entry's head is signed into ``heads`` before its transaction commits and sealed after it.
    """

    def __init__(self, engine: Engine, heads: Heads) -> None:
        self._engine = engine
        self._heads = heads
        metadata.create_all(engine)

    def state(self, loop: str) -> LoopState:
        """The present state; the initial one for a loop never seen."""
        with self._engine.connect() as connection:
            return self._state(connection, loop)

    def commit(self, before: LoopState, after: LoopState, drafts: Sequence[Draft], days: Sequence[Day]) -> LoopState:
        """Replace ``before`` by ``after`` and write decisions and days with it, all or nothing.

        Raises: Conflict when the state is no longer ``before``; Unavailable where nothing can be written.
        """
        with _told(before.loop), self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
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
        query = select(day_table.c.cursor, day_table.c.value).where(
            day_table.c.loop == loop, day_table.c.cursor > after
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(day_table.c.cursor)).all()
        return [(row.cursor, read_day(row.value)) for row in rows]

    def entries(self, loop: str | None = None, *, after: int = 0) -> list[Entry]:
        """The ledger in order; of one loop, or of all."""
        query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)
        if loop is not None:
            query = query.where(ledger.c.loop == loop)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def entry(self, draft_id: str) -> Entry | None:
        """The entry written under Homeostat's own id, if any."""
        with self._engine.connect() as connection:
            row = connection.execute(select(ledger).where(ledger.c.id == draft_id)).one_or_none()
        return None if row is None else _entry(row)

    @staticmethod
    def _state(connection: Connection, loop: str) -> LoopState:
        text = connection.execute(select(loops.c.state).where(loops.c.loop == loop)).scalar_one_or_none()
        return initial_state(loop) if text is None else msgspec.json.decode(text, type=LoopState)

    def _replace(self, connection: Connection, before: LoopState, after: LoopState) -> LoopState:
        written = dataclasses.replace(after, revision=before.revision + 1)
        text = msgspec.json.encode(written).decode()
        if before.revision == 0 and self._state(connection, before.loop).revision == 0:
            connection.execute(insert(loops).values(loop=before.loop, revision=1, state=text))
            return written
        done = connection.execute(
            update(loops)
            .where(loops.c.loop == before.loop, loops.c.revision == before.revision)
            .values(revision=written.revision, state=text)
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
        cursor = connection.execute(select(func.coalesce(func.max(day_table.c.cursor), 0))).scalar_one()
        for place, day in enumerate(days, start=1):
            connection.execute(delete(day_table).where(day_table.c.loop == loop, day_table.c.day == day.day))
            text = msgspec.json.encode(day).decode()
            connection.execute(insert(day_table).values(cursor=cursor + place, loop=loop, day=day.day, value=text))


@contextmanager
def _told(loop: str) -> Iterator[None]:
    """A disk that takes no more, in our words."""
    try:
        yield
    except (OperationalError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error.orig
        raise Unavailable(
            f"What was decided about loop {loop!r} cannot be written: {why}.",
            mend="Make room where the state folder lies, and see who may write there; then ask again.",
            loop=loop,
        ) from error


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(row.seq, msgspec.json.decode(row.draft, type=Draft), row.previous, row.hash)
