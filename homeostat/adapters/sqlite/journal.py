"""The journal in one SQLite file: a fact is on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

import msgspec

from homeostat.adapters.sqlite import journal_schema as sql
from homeostat.adapters.sqlite.holding import PATIENCE, held, is_held
from homeostat.adapters.sqlite.journal_known import Sifted, sift
from homeostat.data.contracts import Row, Value
from homeostat.data.journal import Batch, Entry, History, Past, Quarantined, Recorded, RefusedRow, TableCounts
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import IntegrityError, Unavailable
from homeostat.kernel.readable import read_only_address

_HOUR = 3_600_000_000
_TOTAL = -(2**62)
"""The hour under which a counter's total stands."""
_ACCEPTED, _DUPLICATE, _IMPORTED, _READMITTED, _WARNED = "+accepted", "+duplicate", "+imported", "+readmitted", "~"
_KEPT = 100_000
"""Refused rows kept per table; the counters know of all."""


class SqliteJournal:
    """Keeps the journal in a file, with the rows that were refused; one process, one thread.

    ``read_only`` is for others that look at it meanwhile; the file must exist then. Once it is open, a call waits
    ``wait`` seconds for another process that holds the file.
    Raises: Unavailable when the disk refuses (nothing of that entry is then recorded), or Held; IntegrityError when
    the file is no journal of ours.
    """

    def __init__(self, path: Path, *, read_only: bool = False, wait: float = PATIENCE) -> None:
        self._path = path
        with self._translated():
            self._db = _connected(path, read_only)
            self._check_layout()
            if not read_only:
                self._db.executescript(sql.SCHEMA)
                self._db.execute(f"PRAGMA user_version={sql.LAYOUT}")
                self._db.execute(f"PRAGMA busy_timeout={wait * 1000:.0f}")
            found = self._db.execute("SELECT max(sequence), max(newest_known) FROM tables").fetchone()
        self._sequence = -1 if found[0] is None else int(found[0])
        self._known: Instant | None = found[1]
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(dict[str, list[Value]]).decode
        self._decode_past = msgspec.msgpack.Decoder(Past).decode

    def record(self, entries: Sequence[Entry]) -> list[Recorded]:
        """Take in what is new of some entries, all or nothing; durable on return."""
        with self._transaction():
            return [self._take(entry) for entry in entries]

    def sequence(self) -> int:
        """The last sequence given out; -1 when none was."""
        return self._sequence

    def newest_known(self) -> Instant | None:
        """The newest known time of any table."""
        return self._known

    def pending(self, after: int = -1, *, upto: int | None = None, limit: int = 100_000) -> list[Batch]:
        """Batches kept with sequences in ``(after, upto]``, oldest first, of about ``limit`` rows at most."""
        batches: list[Batch] = []
        rows = 0
        with self._translated():
            found = self._db.execute(sql.PENDING, (after, 2**62 if upto is None else upto))
            for first, last, name, known_at, columns, past in found:
                if rows >= limit and first > batches[-1].last_sequence:  # what was numbered together stays so
                    break
                own = None if past is None else self._decode_past(past)
                count = len(own.sequences) if own else last - first + 1
                batches.append(Batch(name, first, known_at, count, self._decode(columns), own))
                rows += count
        return batches

    def forget(self, ends: Iterable[tuple[str, int]]) -> None:
        """Drop each table's batches up to a sequence: every store has them."""
        with self._transaction():
            self._db.executemany("DELETE FROM batches WHERE name = ? AND last_sequence <= ?", list(ends))

    def quarantined(self, table: str, limit: int = 100) -> list[Quarantined]:
        """The newest refused rows of a table, newest first; at most 100,000 are kept."""
        return self._refused("id > -1", table, 0, "DESC", limit)

    def kept(self, table: str, after: int, limit: int) -> list[Quarantined]:
        """Refused rows of a table with ids above ``after``, oldest first."""
        return self._refused("id > :after", table, after, "ASC", limit)

    def counts(self, table: str, since: Instant | None = None, until: Instant | None = None) -> TableCounts:
        """What has come, in all or known in ``[since, until)``, which are rounded down to whole hours."""
        low, high = _hours(since, until)
        query = "SELECT reason, sum(rows) FROM counters WHERE name = ? AND hour BETWEEN ? AND ? GROUP BY reason"
        newest = "SELECT newest_event, newest_known, sequence FROM tables WHERE name = ?"
        with self._translated():
            counted: dict[str, int] = dict(self._db.execute(query, (table, low, high)).fetchall())
            event, known, sequence = self._db.execute(newest, (table,)).fetchone() or (None, None, -1)
            kept = self._db.execute("SELECT count(*) FROM quarantine WHERE name = ?", (table,)).fetchone()[0]
        own = [counted.pop(name, 0) for name in (_ACCEPTED, _DUPLICATE, _IMPORTED, _READMITTED)]
        warned = {name[1:]: rows for name, rows in counted.items() if name.startswith(_WARNED)}
        quarantined = {name: rows for name, rows in counted.items() if not name.startswith(_WARNED)}
        return TableCounts(own[0], own[1], quarantined, event, known, sequence, warned, own[2], own[3], kept)

    def take(self, id: str, known_at: Instant, groups: Iterable[Sequence[Entry]]) -> History:
        """Take in all groups or none, however many; they are read once, one at a time."""
        with self._transaction():
            if (before := self.history(id)) is not None:
                return before
            first, rows, duplicates, quarantined = self._sequence + 1, 0, 0, 0
            for group in groups:
                for entry, taken in zip(group, self._take_group(group), strict=True):
                    rows += taken
                    duplicates += len(entry.rows) - taken
                    quarantined += len(entry.refused)
            done = History(id, known_at, rows, duplicates, quarantined, first, self._sequence)
            line = (id, known_at, rows, duplicates, quarantined, first, self._sequence)
            self._db.execute("INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?, ?)", line)
            return done

    def history(self, id: str) -> History | None:
        """What was taken in under an id; None when nothing was."""
        with self._translated():
            found = self._db.execute("SELECT * FROM imports WHERE id = ?", (id,)).fetchone()
        return None if found is None else History(*found)

    def live(self, table: str) -> bool:
        """Whether facts of a table were accepted that are no history."""
        counts = self.counts(table)
        return counts.rows > counts.imported

    def close(self) -> None:
        """Let go of the file; everything recorded stays."""
        self._db.close()

    def _take(self, entry: Entry) -> Recorded:
        sifted = sift(self._db, entry)
        known = len(entry.rows) - len(sifted.new)
        rows = [entry.rows[place] for place in sifted.new] if known else entry.rows
        duplicates = known - len(sifted.outdated)
        first = self._sequence + 1
        if rows:
            known = entry.known_at if self._known is None else max(self._known, entry.known_at)
            newest = max(entry.event_times[place] for place in sifted.new)
            self._insert(Batch(entry.table, first, known, len(rows), _columns(rows)), newest)
        self._release(entry, sifted)
        self._account(entry, sifted)
        return Recorded(first, rows, duplicates, sifted.conflicts, len(sifted.outdated))

    def _take_group(self, group: Sequence[Entry]) -> list[int]:
        """New rows per entry; they are numbered in the order of their ranks."""
        sifted = [sift(self._db, entry) for entry in group]
        ranks = sorted(entry.ranks[place] for entry, one in zip(group, sifted, strict=True) for place in one.new)
        first, last = self._sequence + 1, self._sequence + len(ranks)
        numbers = dict(zip(ranks, range(first, last + 1), strict=True))
        for entry, one in zip(group, sifted, strict=True):
            if one.new and entry.known_times is not None:
                rows = [entry.rows[place] for place in one.new]
                sequences = [numbers[entry.ranks[place]] for place in one.new]
                past = Past(sequences, [entry.known_times[place] for place in one.new], last)
                batch = Batch(entry.table, sequences[0], entry.known_at, len(rows), _columns(rows), past)
                self._insert(batch, max(entry.event_times[place] for place in one.new))
            self._account(entry, one)
        return [len(one.new) for one in sifted]

    def _insert(self, batch: Batch, newest_event: Instant) -> None:
        past = None if batch.past is None else self._encode(batch.past)
        line = (batch.first_sequence, batch.last_sequence, batch.table, batch.known_at)
        self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", (*line, self._encode(batch.columns), past))
        newest = {"name": batch.table, "sequence": batch.sequences[-1], "known": batch.known_at}
        self._db.execute(sql.NEWEST, {**newest, "event": newest_event})
        self._sequence, self._known = batch.last_sequence, batch.known_at

    def _account(self, entry: Entry, sifted: Sifted) -> None:
        refused = [row for row in entry.refused if self._is_first_refused(row)]
        self._quarantine(entry, refused)
        self._count(entry, sifted, refused)

    def _is_first_refused(self, row: RefusedRow) -> bool:
        return self._db.execute("INSERT OR IGNORE INTO refused VALUES (?)", (row.digest,)).rowcount == 1

    def _quarantine(self, entry: Entry, refused: Sequence[RefusedRow]) -> None:
        for row in refused:
            first = row.breaks[0]
            said = (first.column, first.reason, first.problem, first.mend, row.door, row.digest)
            done = self._db.execute(sql.REFUSE, (entry.table, entry.known_at, row.content, *said))
            if (done.lastrowid or 0) % 1000 == 0:
                self._db.execute(sql.FORGET_REFUSED, (entry.table, _KEPT))

    def _release(self, entry: Entry, sifted: Sifted) -> None:
        """Rows leave quarantine; should they break a contract again, they are kept again."""
        staying = set(sifted.outdated)
        ids = [(kept.id,) for place, kept in enumerate(entry.released) if place not in staying]
        self._db.executemany("DELETE FROM refused WHERE digest = (SELECT digest FROM quarantine WHERE id = ?)", ids)
        self._db.executemany("DELETE FROM quarantine WHERE id = ?", ids)

    def _count(self, entry: Entry, sifted: Sifted, refused: Sequence[RefusedRow]) -> None:
        new, known = len(sifted.new), len(entry.rows) - len(sifted.new) - len(sifted.outdated)
        counted = Counter(row.breaks[0].reason for row in refused)
        counted.update({_ACCEPTED: new, _DUPLICATE: known, _READMITTED: new if entry.released else 0})
        counted.update({_IMPORTED: new if entry.known_times is not None else 0})
        warned = Counter(entry.warned) + Counter({"same_id_other_content": len(sifted.conflicts)})
        counted.update({_WARNED + reason: rows for reason, rows in warned.items()})
        hours = (_TOTAL, entry.known_at // _HOUR)
        lines = [(entry.table, hour, reason, n) for reason, n in counted.items() if n for hour in hours]
        self._db.executemany(sql.COUNT, lines)

    def _refused(self, which: str, table: str, after: int, order: str, limit: int) -> list[Quarantined]:
        query = f"SELECT {sql.LISTED} FROM quarantine WHERE name = :name AND {which} ORDER BY id {order} LIMIT :limit"
        with self._translated():
            found = self._db.execute(query, {"name": table, "after": after, "limit": limit})
            return [Quarantined(*row) for row in found]

    def _check_layout(self) -> None:
        layout = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        filled = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if layout not in (0, sql.LAYOUT) or (layout == 0 and filled):
            raise IntegrityError(
                f"{self._path} is not a journal that this Homeostat can read.",
                mend="Start with the version that wrote it, or give this one a home of its own.",
                layout=layout,
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        before = self._sequence, self._known
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._sequence, self._known = before
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if is_held(error):
                raise held("journal", self._path, error) from error
            mend = f"Make room and give write access where {self._path} lies, then send it again."
            raise Unavailable(f"The journal cannot be used: {error}.", mend=mend) from error
        except sqlite3.DatabaseError as error:
            mend = f"Move {self._path} away to keep it, and restore it from a backup."
            raise IntegrityError(f"The journal is damaged: {error}.", mend=mend) from error


def _connected(path: Path, read_only: bool) -> sqlite3.Connection:
    if read_only:
        return sqlite3.connect(read_only_address(path), uri=True, isolation_level=None, timeout=PATIENCE)
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    db.executescript(sql.PRAGMAS)
    return db


def _columns(rows: Sequence[Row]) -> dict[str, list[Value]]:
    names = list(rows[0])
    if len(names) == 1:
        return {names[0]: [row[names[0]] for row in rows]}
    values = zip(*map(itemgetter(*names), rows), strict=True)
    return {name: list(column) for name, column in zip(names, values, strict=True)}


def _hours(since: Instant | None, until: Instant | None) -> tuple[int, int]:
    if since is None and until is None:
        return _TOTAL, _TOTAL
    low = _TOTAL + 1 if since is None else since // _HOUR
    return low, (2**62 if until is None else until // _HOUR - 1)
