"""Answers that a retried request gets again, in one SQLite file that the gateways of a machine share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from homeostat.adapters.sqlite.holding import held, is_held
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Unavailable

MOST_BYTES = 1 << 30
_PATIENCE = 2.0
"""Seconds that a request waits for another process that holds the file; those behind it wait, too."""
_PAGE = 4_096
_AT_ONCE = 10_000
_SCHEMA = """CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, asked BLOB NOT NULL, now INTEGER NOT NULL, since INTEGER NOT NULL, owner INTEGER,
    answer BLOB)"""
_BY_AGE = "CREATE INDEX IF NOT EXISTS by_age ON answers (since)"


class Kept(NamedTuple):
    """What is known of a key: a digest of what was asked, when it was, and the answer, or who is at it.

    ``now`` is the present of the first try; ``since`` the second of processing time of the last one.
    """

    asked: bytes
    now: Instant
    since: int
    owner: int | None
    answer: bytes | None


class SqliteAnswers:
    """One line per key; one process makes it and others find it. For one thread of each process.

    Raises: Unavailable from any call when the disk refuses, or ``most_bytes`` are taken.
    """

    def __init__(self, path: Path, *, durable: bool = True, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        with self._translated():
            self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            self._db.execute(f"PRAGMA page_size = {_PAGE}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute(f"PRAGMA max_page_count = {most_bytes // _PAGE}")
            self._db.execute(_SCHEMA)
            self._db.execute(_BY_AGE)

    def take(self, key: bytes, asked: bytes, now: Instant, since: int, owner: int) -> Kept | None:
        """Claim a key for an owner; None when it is the owner's now, else what is known of it."""
        line = (key, asked, now, since, owner)
        with self._translated():
            done = self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, NULL)", line)
            if done.rowcount:
                return None
            query = "SELECT asked, now, since, owner, answer FROM answers WHERE key = ?"
            found = self._db.execute(query, (key,)).fetchone()
        return Kept(*found) if found else self.take(key, asked, now, since, owner)  # it was let go in between

    def retake(self, key: bytes, seen: Kept, since: int, owner: int) -> bool:
        """Take a key over from an owner that is gone; False when somebody else was faster."""
        update = "UPDATE answers SET owner = ?, since = ? WHERE key = ? AND owner IS ? AND since = ? AND answer IS NULL"
        with self._translated():
            return self._db.execute(update, (owner, since, key, seen.owner, seen.since)).rowcount == 1

    def keep(self, key: bytes, answer: bytes) -> None:
        """Remember the answer."""
        with self._translated():
            self._db.execute("UPDATE answers SET answer = ?, owner = NULL WHERE key = ?", (answer, key))

    def free(self, key: bytes) -> None:
        """Nobody is at it any more; whoever comes goes on with the present of the first try."""
        with self._translated():
            self._db.execute("UPDATE answers SET owner = NULL WHERE key = ? AND answer IS NULL", (key,))

    def drop(self, key: bytes) -> None:
        """Forget a key."""
        with self._translated():
            self._db.execute("DELETE FROM answers WHERE key = ?", (key,))

    def prune(self, before: int) -> int:
        """Forget keys of before a second of processing time, some thousand at most; returns how many."""
        delete = "DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE since < ? ORDER BY since LIMIT ?)"
        with self._translated():
            return self._db.execute(delete, (before, _AT_ONCE)).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if is_held(error):
                raise held("file of answers", self._path, error) from error
            mend = (
                f"Make room, or send requests without an idempotency key; what fills {self._path.name} goes by itself."
            )
            raise Unavailable(f"Answers to retries cannot be kept: {error}.", mend=mend) from error
