"""The online store in one SQLite file, the writer's side; see ``online_reader`` for the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from homeostat.adapters.sqlite.holding import PATIENCE, held, is_held
from homeostat.adapters.sqlite.online_schema import FORMAT, STATE, Facts, Layout, layout
from homeostat.adapters.sqlite.online_tiles import TileKeeper
from homeostat.features.definitions import FeatureSet
from homeostat.features.online import Batch, Damaged, OutOfDate, Row
from homeostat.features.views import describe
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import HomeostatError, Unavailable

SLACK = duration("7d")
"""How far back from the present reads stay possible after pruning."""


def set_aside(path: Path) -> None:
    """Move a store that is damaged away, over one that was before: what it held is in the tables."""
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    path.replace(path.with_name(f"{path.name}.damaged"))


class SqliteOnlineStore:
    """The writer's side of the online store; calls from several threads take turns.

    Facts are in a table per source table, one row per key; a batch and the sequence it reaches are committed
    together. A crash of the machine may lose the last batches (never parts of one): ``sequence`` tells from
    where to apply again. Once it is open, a call waits ``wait`` seconds for another process that holds the file.
    Raises: Damaged for a file that is something else; Unavailable from any call when the disk is full, or Held.
    """

    def __init__(self, path: Path, *, wait: float = PATIENCE) -> None:
        self._lock = Lock()
        self._layout: Layout | None = None
        self._keepers: dict[str, list[TileKeeper]] = {}
        self._path = path
        try:
            self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise self._refusal(error) from error
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA wal_autocheckpoint = 8000")
            self._db.execute("PRAGMA cache_size = -16384")
            with self._transaction():
                for statement in STATE:
                    self._db.execute(statement)
                self._refuse_other_formats()
            self._db.execute(f"PRAGMA busy_timeout = {wait * 1000:.0f}")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise self._refusal(error) from error

    def prepare(self, features: Sequence[FeatureSet]) -> None:
        """Make ready for these definitions; views that none of them has are forgotten.

        Raises: OutOfDate when facts were applied without keeping what a new view needs.
        """
        wanted = layout(features)
        with self._transaction():
            stored = {text for (text,) in self._db.execute("SELECT hash FROM views")}
            missing = [view for text, view in wanted.views.items() if text not in stored]
            if missing and self._state()[0] >= 0:
                names = ", ".join(describe(view) for view in missing)
                raise OutOfDate(
                    f"The online store does not keep the facts of {names}.",
                    mend="Rebuild it from the tables.",
                    views=[describe(view) for view in missing],
                )
            if missing:
                self._recreate(wanted)
                self._create_indexes(wanted)
            elif stored != set(wanted.views):
                self._forget_all_but(wanted)
        self._keep(wanted)

    def rebuild(self, features: Sequence[FeatureSet], batches: Iterable[Batch], upto: int) -> None:
        """Replace everything by ``batches``, all facts accepted up to ``upto``, in any order.

        Readers see the old state until the new one is complete.
        """
        wanted = layout(features)
        with self._transaction():
            self._recreate(wanted)
            for table, rows, sequences in batches:
                if table in wanted.facts:
                    self._db.executemany(wanted.facts[table].upsert, _values(wanted.facts[table], rows, sequences))
            self._create_indexes(wanted)
            for keepers in self._keepers_of(wanted).values():
                for keeper in keepers:
                    keeper.build()
            self._db.execute("UPDATE state SET sequence = ?", (upto,))
        self._keep(wanted)

    def apply(self, table: str, rows: Sequence[Row], first_sequence: int) -> None:
        """Take in parsed facts accepted as ``first_sequence`` and on; what was applied before is skipped.

        Call it for every batch in the order accepted; those of tables that no view reads move ``sequence``.
        """
        if self._layout is None:
            raise Unavailable("The online store is not ready.", mend="Prepare it with the feature sets first.")
        with self._transaction():
            skipped = max(0, self._state()[0] + 1 - first_sequence)
            if skipped >= len(rows):
                return
            if table in self._layout.facts:
                sequences = range(first_sequence + skipped, first_sequence + len(rows))
                self._take(self._layout.facts[table], rows[skipped:], sequences)
            self._db.execute("UPDATE state SET sequence = ?", (first_sequence + len(rows) - 1,))

    def sequence(self) -> int:
        """The last sequence applied; -1 when there is none."""
        with self._lock:
            try:
                return self._state()[0]
            except sqlite3.DatabaseError as error:
                raise self._refusal(error) from error

    def prune(self, now: Instant) -> int:
        """Forget facts that no read of the last seven days or later can need; returns how many.

        Earlier reads raise NotEnoughData from then on.
        """
        if self._layout is None:
            raise Unavailable("The online store is not ready.", mend="Prepare it with the feature sets first.")
        with self._transaction():
            horizon = self._state()[1]
            if horizon is not None and now - SLACK <= horizon:
                return 0
            forgotten = 0
            for facts in self._layout.facts.values():
                for statement in facts.prune:
                    done = self._db.execute(statement, {"horizon": now - SLACK, "longest": facts.longest})
                forgotten += done.rowcount
                for keeper in self._keepers[facts.table.name]:
                    keeper.prune(now - SLACK - facts.longest)
            self._db.execute("UPDATE state SET horizon = ?", (now - SLACK,))
            return forgotten

    def close(self) -> None:
        """Close the file; what was applied stays."""
        with self._lock:
            self._db.close()

    def _state(self) -> tuple[int, int | None]:
        sequence, horizon = self._db.execute("SELECT sequence, horizon FROM state").fetchone()
        return sequence, horizon

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise self._refusal(error) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                    for keepers in self._keepers.values():
                        for keeper in keepers:
                            keeper.forget()

    def _refusal(self, error: sqlite3.DatabaseError) -> HomeostatError:
        if is_held(error):
            return held("online store", self._path, error)
        if isinstance(error, sqlite3.OperationalError):
            mend = "See to the disk's space, then try again."
            return Unavailable(f"The online store {self._path} takes nothing: {error}.", mend=mend)
        mend = "Remove it and start again: it is rebuilt from the tables."
        return Damaged(f"{self._path} is no online store: {error}.", mend=mend, path=str(self._path))

    def _refuse_other_formats(self) -> None:
        """Forget what a file of another layout keeps: ``prepare`` then asks for a rebuild."""
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found != FORMAT:
            self._db.execute("DELETE FROM views")
            self._db.execute("UPDATE state SET generation = generation + 1")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")

    def _keep(self, wanted: Layout) -> None:
        self._layout, self._keepers = wanted, self._keepers_of(wanted)

    def _keepers_of(self, wanted: Layout) -> dict[str, list[TileKeeper]]:
        return {
            name: [TileKeeper(self._db, view, facts.stored) for view in facts.tiled]
            for name, facts in wanted.facts.items()
        }

    def _take(self, facts: Facts, rows: Sequence[Row], sequences: Iterable[int]) -> None:
        values = _values(facts, rows, sequences)
        keepers = self._keepers[facts.table.name]
        if not keepers:
            self._db.executemany(facts.upsert, values)
            return
        for keeper in keepers:
            keeper.expect(values)
        removed = self._write(facts, values)
        for keeper in keepers:
            keeper.take(values, removed)

    def _write(self, facts: Facts, values: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Write facts, each newer than what is there; returns those that they replace."""
        before = self._db.total_changes
        self._db.executemany(facts.insert, values)
        if self._db.total_changes - before == len(values):
            return []
        removed: list[Sequence[Any]] = []
        keys = [facts.stored.index(name) for name in facts.table.keys]
        for one in values:
            there = self._db.execute(facts.select, [one[position] for position in keys]).fetchone()
            if there[-1] != one[-1]:
                removed.append(there)
                self._db.execute(facts.upsert, one)
        return removed

    def _recreate(self, wanted: Layout) -> None:
        self._drop(set())
        for facts in wanted.facts.values():
            for statement in facts.create:
                self._db.execute(statement)
        self._name(wanted)
        self._db.execute("UPDATE state SET sequence = -1, horizon = NULL")

    def _forget_all_but(self, wanted: Layout) -> None:
        self._drop({name for facts in wanted.facts.values() for name in facts.owned})
        self._name(wanted)

    def _drop(self, kept: set[str]) -> None:
        listed = "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type"
        for kind, name in self._db.execute(listed).fetchall():
            if name not in kept and name not in ("state", "views"):
                self._db.execute(f'DROP {kind} IF EXISTS "{name}"')

    def _name(self, wanted: Layout) -> None:
        self._db.execute("DELETE FROM views")
        self._db.executemany("INSERT INTO views VALUES (?)", [(text,) for text in wanted.views])
        self._db.execute("UPDATE state SET generation = generation + 1")

    def _create_indexes(self, wanted: Layout) -> None:
        for facts in wanted.facts.values():
            for statement in facts.create_indexes:
                self._db.execute(statement)


def _values(facts: Facts, rows: Sequence[Row], sequences: Iterable[int]) -> list[list[Any]]:
    return [[*map(row.__getitem__, facts.columns), sequence] for row, sequence in zip(rows, sequences, strict=True)]
