"""The online store in one SQLite file, the reader's side: snapshots that never wait for a writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from homeostat.adapters.sqlite.online_schema import select_latest, select_newest, select_residue, select_window
from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.features.aggregates import Facts, facts_of, window_values
from homeostat.features.online import Ask
from homeostat.features.views import Entity, Latest, View, Window, describe
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import NotEnoughData, Unavailable

_EARLIEST = -(2**63)
_STATE = "SELECT sequence, horizon, generation FROM state"
_WAIT = 10.0
"""Seconds to wait while the writer recovers the file after a crash."""


class SqliteOnlineReader:
    """The reader's side of the online store, opened read-only with the first snapshot.

    One snapshot at a time: threads that share a reader take turns; give each its own where that matters.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None
        self._identity = -1
        self._generation = -1
        self._views: frozenset[str] = frozenset()

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Read the store as of one moment, whatever is written meanwhile.

        Raises: Unavailable while there is no store.
        """
        with self._lock:
            db = self._connected()
            try:
                db.execute("BEGIN")
                yield self._begin(db)
            except sqlite3.Error as error:
                raise _not_there(self._path, str(error)) from error
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _connected(self) -> sqlite3.Connection:
        """The connection, opened anew when the file was replaced: the old one would answer for ever."""
        try:
            identity = self._path.stat().st_ino
        except OSError as error:
            raise _not_there(self._path, "it does not exist") from error
        if self._db is None or identity != self._identity:
            if self._db is not None:
                self._db.close()
            self._db, self._identity, self._generation = _open(self._path), identity, -1
        return self._db

    def _begin(self, db: sqlite3.Connection) -> SqliteSnapshot:
        sequence, horizon, generation = db.execute(_STATE).fetchone()
        if generation != self._generation:
            self._views = frozenset(text for (text,) in db.execute("SELECT hash FROM views"))
            self._generation = generation
        return SqliteSnapshot(db, sequence, horizon, self._views)


class SqliteSnapshot:
    """One moment of the store; usable until its ``with`` block ends."""

    def __init__(self, db: sqlite3.Connection, sequence: int, horizon: Instant | None, views: frozenset[str]) -> None:
        self.sequence = sequence
        self._db = db
        self._horizon = horizon
        self._views = views

    def latest(self, view: Latest, asks: Sequence[Ask]) -> list[Sequence[Value]]:
        """Per ask the values of ``view.features``; asks may be of any entities and times."""
        self._check(view, asks)
        sql = select_latest(view)
        convert = [view.table.contract[name].kind in ("integer", "boolean") for name in view.columns]
        answers: list[Sequence[Value]] = []
        for entity, at in asks:
            earliest = _EARLIEST if view.longest is None else at - view.longest
            found = self._db.execute(sql, (*entity, earliest, at)).fetchone()
            if view.longest is None and self._horizon is not None:
                self._check_residue(view, entity, found)
            if found is None:
                answers.append((None,) * len(convert))
            else:
                answers.append(_floats(found[1:], convert) if any(convert) else found[1:])
        return answers

    def window(self, view: Window, asks: Sequence[Ask]) -> list[Sequence[Value]]:
        """Per ask the values of ``view.features``; the facts of an entity are read once for nearby times."""
        self._check(view, asks)
        wanted: dict[Entity, list[tuple[Instant, int]]] = {}
        for position, (entity, at) in enumerate(asks):
            wanted.setdefault(entity, []).append((at, position))
        answers: list[Sequence[Value]] = [()] * len(asks)
        for entity, moments in wanted.items():
            for near in _clusters(sorted(moments), view.longest):
                facts = self._facts(view, entity, near[0][0] - view.longest, near[-1][0])
                for at, position in near:
                    answers[position] = window_values(view, facts, at)
        return answers

    def newest(self, table: Table, at: Instant) -> Instant | None:
        """The event time of a table's newest fact at an instant; None when none is kept."""
        found: Instant | None = self._db.execute(select_newest(table), (at,)).fetchone()[0]
        return found

    def _facts(self, view: Window, entity: Entity, after: Instant, until: Instant) -> Facts:
        rows = self._db.execute(select_window(view), (*entity, after, until)).fetchall()
        if not rows:
            return facts_of(view, (), [()] * len(view.columns))
        times, *columns = zip(*rows, strict=True)
        return facts_of(view, times, columns)

    def _check(self, view: View, asks: Sequence[Ask]) -> None:
        if view.hash not in self._views:
            raise Unavailable(
                f"The online store does not keep {describe(view)}.",
                mend="Wait until it is prepared with this definition, or rebuilt.",
                definition=describe(view),
            )
        earliest = min((at for _, at in asks), default=None)
        if self._horizon is not None and earliest is not None and earliest < self._horizon:
            raise NotEnoughData(
                f"{describe(view)} as of {format_instant(earliest)} is no longer in the online store.",
                mend=f"It answers from {format_instant(self._horizon)} on; compute older values offline.",
                horizon=format_instant(self._horizon),
                asked=format_instant(earliest),
            )

    def _check_residue(self, view: Latest, entity: Entity, found: tuple[int, ...] | None) -> None:
        """A correction may have taken away the fact for whose sake older ones were forgotten."""
        pruned = self._db.execute(select_residue(view), entity).fetchone()
        if pruned is not None and (found is None or found[0] < pruned[0]):
            raise NotEnoughData(
                f"{describe(view)} of {entity} needs a fact pruned before its successor was corrected.",
                mend="Rebuild the online store from the tables.",
                definition=describe(view),
            )


def _open(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        db = sqlite3.connect(address, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)
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


def _clusters(moments: list[tuple[Instant, int]], gap: int) -> Iterator[list[tuple[Instant, int]]]:
    """Split sorted moments where nothing between two neighbours would be read for either."""
    begin = 0
    for end in range(1, len(moments) + 1):
        if end == len(moments) or moments[end][0] - moments[end - 1][0] > gap:
            yield moments[begin:end]
            begin = end


def _floats(values: Sequence[Value], convert: Sequence[bool]) -> list[Value]:
    return [
        float(value) if number and value is not None else value for value, number in zip(values, convert, strict=True)
    ]
