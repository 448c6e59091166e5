"""The journal in one SQLite file: a fact is on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from homeostat.data.contracts import Row, Value
from homeostat.data.journal import Batch, Entry, Quarantined, RefusedRow, TableCounts
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import IntegrityError, Unavailable

_LAYOUT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    first_sequence INTEGER PRIMARY KEY, last_sequence INTEGER NOT NULL, name TEXT NOT NULL,
    known_at INTEGER NOT NULL, columns BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tables (
    name TEXT PRIMARY KEY, sequence INTEGER NOT NULL,
    newest_event INTEGER NOT NULL, newest_known INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    name TEXT NOT NULL, hour INTEGER NOT NULL, reason TEXT NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (name, hour, reason)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, known_at INTEGER NOT NULL, content TEXT NOT NULL,
    field TEXT, reason TEXT NOT NULL, problem TEXT NOT NULL, mend TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS quarantine_by_name ON quarantine (name, id);
"""
_HOUR = 3_600_000_000
_TOTAL = -(2**62)
"""The hour under which a counter's total stands."""
_ACCEPTED, _DUPLICATE = "+accepted", "+duplicate"
_KEPT = 100_000
"""Refused rows kept per table; the counters know of all."""
_NEWEST = """INSERT INTO tables VALUES (:name, :sequence, :event, :known) ON CONFLICT (name) DO UPDATE SET
    sequence = :sequence,
    newest_event = max(newest_event, :event), newest_known = max(newest_known, :known)"""
_COUNT = """INSERT INTO counters VALUES (?, ?, ?, ?)
    ON CONFLICT (name, hour, reason) DO UPDATE SET rows = rows + excluded.rows"""


_REFUSE = """INSERT INTO quarantine (name, known_at, content, field, reason, problem, mend)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""


class SqliteJournal:
    """Keeps the journal in a file; one process, one thread.

    Raises: Unavailable when the disk refuses (nothing of that entry is then recorded); IntegrityError when
    the file is no journal of ours.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._translated():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000;"
                "PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
            )
            self._check_layout()
            self._db.executescript(_SCHEMA)
            found = self._db.execute("SELECT coalesce(max(sequence), -1) FROM tables").fetchone()
        self._sequence = int(found[0])
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(dict[str, list[Value]]).decode

    def record(self, entry: Entry) -> Batch | None:
        """Take in what is new of an entry, all or nothing; durable on return. None when nothing is new."""
        with self._transaction():
            new = [row for row, digest in zip(entry.rows, entry.digests, strict=True) if self._is_new(digest)]
            batch = self._batch(entry, new) if new else None
            if batch is not None:
                self._insert(entry, batch)
            refused = [row for row in entry.refused if self._is_new(row.digest)]
            self._quarantine(entry, refused)
            self._count(entry, len(new), refused)
        if batch is not None:
            self._sequence = batch.last_sequence
        return batch

    def sequence(self) -> int:
        """The last sequence given out; -1 when none was."""
        return self._sequence

    def pending(self, after: int = -1, *, upto: int | None = None, limit: int = 100_000) -> list[Batch]:
        """Batches kept with sequences in ``(after, upto]``, oldest first, of about ``limit`` rows at most."""
        batches: list[Batch] = []
        rows = 0
        with self._translated():
            found = self._db.execute(
                "SELECT first_sequence, last_sequence, name, known_at, columns FROM batches"
                " WHERE first_sequence > ? AND last_sequence <= ? ORDER BY first_sequence",
                (after, self._sequence if upto is None else upto),
            )
            for first, last, name, known_at, columns in found:
                batches.append(Batch(name, first, known_at, last - first + 1, self._decode(columns)))
                rows += last - first + 1
                if rows >= limit:
                    break
        return batches

    def forget(self, ends: Iterable[tuple[str, int]]) -> None:
        """Drop each table's batches up to a sequence: every store has them."""
        with self._transaction():
            self._db.executemany("DELETE FROM batches WHERE name = ? AND last_sequence <= ?", list(ends))

    def quarantined(self, table: str, limit: int = 100) -> list[Quarantined]:
        """The newest refused rows of a table, newest first; at most 100,000 are kept."""
        query = (
            "SELECT name, known_at, content, field, reason, problem, mend FROM quarantine"
            " WHERE name = ? ORDER BY id DESC LIMIT ?"
        )
        with self._translated():
            return [Quarantined(*row) for row in self._db.execute(query, (table, limit))]

    def counts(self, table: str, since: Instant | None = None, until: Instant | None = None) -> TableCounts:
        """What has come, in all or known in ``[since, until)``, which are rounded down to whole hours."""
        low, high = _hours(since, until)
        where = "name = ? AND hour BETWEEN ? AND ?"
        query = f"SELECT reason, sum(rows) FROM counters WHERE {where} GROUP BY reason"
        newest = "SELECT newest_event, newest_known, sequence FROM tables WHERE name = ?"
        with self._translated():
            counted: dict[str, int] = dict(self._db.execute(query, (table, low, high)).fetchall())
            event, known, sequence = self._db.execute(newest, (table,)).fetchone() or (None, None, -1)
        rows, duplicates = counted.pop(_ACCEPTED, 0), counted.pop(_DUPLICATE, 0)
        return TableCounts(rows, duplicates, counted, event, known, sequence)

    def close(self) -> None:
        """Let go of the file; everything recorded stays."""
        self._db.close()

    def _is_new(self, digest: bytes) -> bool:
        return self._db.execute("INSERT OR IGNORE INTO digests VALUES (?)", (digest,)).rowcount == 1

    def _batch(self, entry: Entry, rows: Sequence[Row]) -> Batch:
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return Batch(entry.table, self._sequence + 1, entry.known_at, len(rows), columns)

    def _insert(self, entry: Entry, batch: Batch) -> None:
        first, last, columns = batch.first_sequence, batch.last_sequence, self._encode(batch.columns)
        line = (first, last, batch.table, batch.known_at, columns)
        self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?)", line)
        newest = {"name": batch.table, "sequence": batch.last_sequence, "known": batch.known_at}
        self._db.execute(_NEWEST, {**newest, "event": max(entry.event_times)})

    def _quarantine(self, entry: Entry, refused: Sequence[RefusedRow]) -> None:
        for row in refused:
            first = row.breaks[0]
            said = (first.column, first.reason, first.problem, first.mend)
            done = self._db.execute(_REFUSE, (entry.table, entry.known_at, row.content, *said))
            if (done.lastrowid or 0) % 1000 == 0:
                self._forget_refused(entry.table)

    def _forget_refused(self, table: str) -> None:
        self._db.execute(
            "DELETE FROM quarantine WHERE name = ?1 AND id <="
            " (SELECT id FROM quarantine WHERE name = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (table, _KEPT),
        )

    def _count(self, entry: Entry, new: int, refused: Sequence[RefusedRow]) -> None:
        counted = Counter(row.breaks[0].reason for row in refused)
        counted.update({_ACCEPTED: new, _DUPLICATE: len(entry.rows) - new})
        hours = (_TOTAL, entry.known_at // _HOUR)
        lines = [(entry.table, hour, reason, n) for reason, n in counted.items() if n for hour in hours]
        self._db.executemany(_COUNT, lines)

    def _check_layout(self) -> None:
        layout = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        filled = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if layout not in (0, _LAYOUT) or (layout == 0 and filled):
            raise IntegrityError(
                f"{self._path} is not a journal that this Homeostat can read.",
                mend="Start with the version that wrote it, or give this one a home of its own.",
                layout=layout,
            )
        self._db.execute(f"PRAGMA user_version={_LAYOUT}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            mend = f"Make room and give write access where {self._path} lies, then send it again."
            raise Unavailable(f"The journal cannot be used: {error}.", mend=mend) from error
        except sqlite3.DatabaseError as error:
            mend = f"Move {self._path} away to keep it, and restore it from a backup."
            raise IntegrityError(f"The journal is damaged: {error}.", mend=mend) from error


def _hours(since: Instant | None, until: Instant | None) -> tuple[int, int]:
    if since is None and until is None:
        return _TOTAL, _TOTAL
    low = _TOTAL + 1 if since is None else since // _HOUR
    return low, (2**62 if until is None else until // _HOUR - 1)
