"""Rows of an import on their way: on disk, so that they can be put in order however many they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from homeostat.data.contracts import Row, Value
from homeostat.kernel.clock import Instant

Staged = tuple[str, Instant, Row]
"""A table's name, when the row became known, the row."""


class Staging:
    """A scratch file that is gone at the end; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, tuple[str, ...]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[Value]).decode

    def __enter__(self) -> Staging:
        self._path.unlink(missing_ok=True)
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32000;"
            "CREATE TABLE staged (known_at INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL); BEGIN;"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._path.unlink(missing_ok=True)

    def add(self, table: str, rows: Sequence[Row], known_times: Sequence[Instant]) -> None:
        """Put rows of a table aside."""
        if rows:
            self._names.setdefault(table, tuple(rows[0]))
            lines = zip(known_times, (self._encode(list(row.values())) for row in rows), strict=True)
            self._db.executemany("INSERT INTO staged VALUES (?, ?, ?)", ((at, table, row) for at, row in lines))

    def span(self) -> tuple[int, Instant | None]:
        """How many rows there are, and when the first of them became known."""
        rows, first = self._db.execute("SELECT count(*), min(known_at) FROM staged").fetchone()
        return rows, first

    def in_order(self) -> Iterator[Staged]:
        """All rows as they became known; those known at one time in the order in which they were added."""
        for at, table, content in self._db.execute("SELECT * FROM staged ORDER BY known_at, rowid"):
            yield table, at, dict(zip(self._names[table], self._decode(content), strict=True))

    def of(self, table: str, at_once: int = 20_000) -> Iterator[list[Row]]:
        """The rows of one table as they were added, some thousand at a time."""
        found = self._db.execute("SELECT content FROM staged WHERE name = ? ORDER BY rowid", (table,))
        while some := found.fetchmany(at_once):
            yield [dict(zip(self._names[table], self._decode(content), strict=True)) for (content,) in some]
