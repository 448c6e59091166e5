"""The relational store's file: connections that any thread may take, and transactions that hold or never were.

Python's own driver is all it takes: commands read a state before a person has looked away, and a toolkit that speaks to
every database costs each of them a tenth of a second.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from homeostat.adapters.sql.schema import bring_up
from homeostat.kernel.errors import IntegrityError, Unavailable
from homeostat.kernel.readable import may_write, read_only_address

_PATIENCE = 30.0
"""Seconds that a writer waits for another one."""


class Database:
    """One SQLite file: WAL, full durability, and writers that queue instead of failing.

    Opened by the first who reads or writes; as many connections as threads are at it at one time. ``durable``: what is
    written outlasts a machine that stops, and not only a process.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._idle: list[Connection] = []
        self._inode: int | None = None
        with self._told("opened"), self.reading() as connection:
            bring_up(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements each see the newest that was committed. Raises: IntegrityError."""
        with self._told_broken():
            connection = self._taken()
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()
                self._idle.append(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that nobody else writes beside; all of it is kept, or after an error nothing.

        Raises: Unavailable where the disk, or who may write, stands against it.
        """
        with self._told("written"), self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """A file that may not be opened or written, in our words."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise Unavailable(
                f"{self._path} cannot be {what}: {why}.",
                mend="Nothing was changed. See that the disk has room, and who may write there; then ask again.",
                path=str(self._path),
            ) from error

    @contextmanager
    def _told_broken(self) -> Iterator[None]:
        """A file that holds something else than it should, in our words; the driver has no class of its own for it."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise IntegrityError(
                f"{self._path} is damaged: {error}.",
                mend="Nothing was changed. Stop Homeostat, keep the file, and put back a copy that was made of it.",
                path=str(self._path),
            ) from error

    def _must_be_in_place(self) -> None:
        """Raises: IntegrityError where the file was removed or replaced: connections would write to one that is gone,
        or make another."""
        try:
            found = os.stat(self._path).st_ino
        except FileNotFoundError:
            found = None
        if self._inode is not None and found != self._inode:
            raise IntegrityError(
                f"{self._path} was removed or replaced while it was in use.",
                mend="Nothing is written. Stop Homeostat, put back a copy of the whole folder, and start again.",
                path=str(self._path),
            )
        self._inode = found

    def _taken(self) -> Connection:
        self._must_be_in_place()
        try:
            return self._idle.pop()
        except IndexError:
            looked_at = self._path.exists() and not may_write(self._path.parent)
            address = read_only_address(self._path) if looked_at else self._path
            found = sqlite3.connect(
                address, uri=looked_at, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        if looked_at:
            return found
        found.execute("PRAGMA journal_mode = WAL")
        found.execute(f"PRAGMA synchronous = {self._synchronous}")
        return found
