"""The online store in one SQLite file, the reader's side: snapshots that never wait for a writer."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType

from homeostat.adapters.sqlite.online_latest import LatestPlan
from homeostat.adapters.sqlite.online_names import facts, newest_index, quoted
from homeostat.adapters.sqlite.online_windows import WindowPlan
from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.features.online import Ask
from homeostat.features.views import Latest, View, Window, describe
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import NotEnoughData, Unavailable
from homeostat.kernel.readable import read_only_address

_STATE = "SELECT sequence, horizon, generation FROM state"
_WAIT = 10.0
"""Seconds to wait while the writer recovers the file after a crash."""
_STATEMENTS = 512
"""Prepared statements kept per reader."""


class SqliteOnlineReader:
    """The reader's side of the online store, opened read-only with the first snapshot.

    One snapshot at a time: threads that share a reader take turns; give each its own where that matters.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = str(path)
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None
        self._identity = -1
        self._generation = -1
        self._plans = _Plans()

    def snapshot(self) -> _Reading:
        """Read the store as of one moment, whatever is written meanwhile.

        Raises: Unavailable while there is no store.
        """
        return _Reading(self)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def begin(self) -> SqliteSnapshot:
        """Take the turn and begin a snapshot; ``end`` must follow."""
        self._lock.acquire()
        try:
            db = self._connected()
            db.execute("BEGIN")
            sequence, horizon, generation = db.execute(_STATE).fetchone()
            if generation != self._generation:
                self._plans.kept = frozenset(text for (text,) in db.execute("SELECT hash FROM views"))
                self._generation = generation
            return SqliteSnapshot(db, sequence, horizon, self._plans)
        except sqlite3.Error as error:
            self.end()
            raise _not_there(self._path, str(error)) from error
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the snapshot that was begun."""
        try:
            if self._db is not None and self._db.in_transaction:
                self._db.execute("ROLLBACK")
        finally:
            self._lock.release()

    def failed(self, error: sqlite3.Error) -> Unavailable:
        """What a driver's error means to who asked."""
        return _not_there(self._path, str(error))

    def _connected(self) -> sqlite3.Connection:
        """The connection, opened anew when the file was replaced: the old one would answer for ever."""
        try:
            identity = os.stat(self._file).st_ino
        except OSError as error:
            raise _not_there(self._path, "it does not exist") from error
        if self._db is None or identity != self._identity:
            if self._db is not None:
                self._db.close()
            self._db, self._identity, self._generation = _open(self._path), identity, -1
        return self._db


class _Reading:
    """The ``with`` block of a snapshot."""

    __slots__ = ("_reader",)

    def __init__(self, reader: SqliteOnlineReader) -> None:
        self._reader = reader

    def __enter__(self) -> SqliteSnapshot:
        return self._reader.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.end()
        if isinstance(error, sqlite3.Error):
            raise self._reader.failed(error) from error


class _Plans:
    """How each view is read, worked out once, and which views the store keeps."""

    def __init__(self) -> None:
        self.kept: frozenset[str] = frozenset()
        self._latest: dict[str, LatestPlan] = {}
        self._windows: dict[str, WindowPlan] = {}

    def latest(self, view: Latest) -> LatestPlan:
        """The plan of a view."""
        plan = self._latest.get(view.hash)
        if plan is None:
            plan = self._latest[view.hash] = LatestPlan(view)
        return plan

    def window(self, view: Window) -> WindowPlan:
        """The plan of a view."""
        plan = self._windows.get(view.hash)
        if plan is None:
            plan = self._windows[view.hash] = WindowPlan(view)
        return plan


class SqliteSnapshot:
    """One moment of the store; usable until its ``with`` block ends."""

    __slots__ = ("_db", "_horizon", "_plans", "sequence")

    def __init__(self, db: sqlite3.Connection, sequence: int, horizon: Instant | None, plans: _Plans) -> None:
        self.sequence = sequence
        self._db = db
        self._horizon = horizon
        self._plans = plans

    def latest(self, view: Latest, asks: Sequence[Ask]) -> list[Sequence[Value]]:
        """Per ask the values of ``view.features``; asks may be of any entities and times."""
        self._check(view, asks)
        return self._plans.latest(view).read(self._db, asks, self._horizon is not None)

    def window(self, view: Window, asks: Sequence[Ask]) -> list[Sequence[Value]]:
        """Per ask the values of ``view.features``; asks may be of any entities and times."""
        self._check(view, asks)
        return self._plans.window(view).read(self._db, asks)

    def newest(self, table: Table, at: Instant) -> Instant | None:
        """The event time of a table's newest fact at an instant; None when none is kept."""
        time = quoted(table.event_time)
        newest = f"SELECT max({time}) FROM {facts(table)} INDEXED BY {newest_index(table)} WHERE {time} <= ?"
        found: Instant | None = self._db.execute(newest, (at,)).fetchone()[0]
        return found

    def _check(self, view: View, asks: Sequence[Ask]) -> None:
        if view.hash not in self._plans.kept:
            raise Unavailable(
                f"The online store does not keep {describe(view)}.",
                mend="Wait until it is prepared with this definition, or rebuilt.",
                definition=describe(view),
            )
        if self._horizon is None or not asks:
            return
        earliest = min(at for _, at in asks)
        if earliest < self._horizon:
            raise NotEnoughData(
                f"{describe(view)} as of {format_instant(earliest)} is no longer in the online store.",
                mend=f"It answers from {format_instant(self._horizon)} on; compute older values offline.",
                horizon=format_instant(self._horizon),
                asked=format_instant(earliest),
            )


def _open(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(
            read_only_address(path),
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        db.execute("PRAGMA cache_size = -65536")
        db.execute(f"PRAGMA mmap_size = {1 << 30}")
    except sqlite3.DatabaseError as error:
        raise _not_there(path, str(error)) from error
    return db


def _not_there(path: Path, why: str) -> Unavailable:
    return Unavailable(
        f"The online store {path} cannot be read: {why}.",
        mend="Start the process that writes it, then ask again.",
        path=str(path),
    )
