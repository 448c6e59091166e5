"""Days of real flights through serving's own look-up, logged and stored as the product does it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from examples.flights.loop import loop
from examples.flights.source import TABLES, Flights
from homeostat.adapters.delta.rows import facts_of, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.data.contracts import Value, compile_contract
from homeostat.data.journal import Batch
from homeostat.data.records import PredictionRecord
from homeostat.features.definitions import FeatureSet
from homeostat.features.logged import Logged
from homeostat.features.online import lookup

Row = Mapping[str, Any]
OWN = "a" * 64
"""The environment that serves and recomputes."""
DECLARED = {table.name: table for table in loop.tables}
CHECKS: dict[str, Callable[[Sequence[object]], Any]] = {
    name: compile_contract(table.contract) for name, table in DECLARED.items()
}


def _as_it_is(value: Value) -> Value:
    return value


@dataclass
class Home:
    """An online store that takes facts in as they become known, the tables beside it, and what was served.

    ``serving`` are the definitions that serving looks up, ``spoil`` is what it does to every value then, and
    ``deaf_to`` names a table that the store no longer takes in, though it counts on.
    """

    folder: Path
    serving: FeatureSet = loop.feature_set
    spoil: Callable[[Value], Value] = _as_it_is
    deaf_to: str = ""
    environment: str = OWN
    sequence: int = -1
    batches: dict[str, list[Batch]] = field(default_factory=dict)
    records: list[PredictionRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.store = SqliteOnlineStore(self.folder / "online.sqlite")
        self.store.prepare(self._definitions)
        self.reader = SqliteOnlineReader(self.folder / "online.sqlite")

    @property
    def _definitions(self) -> Sequence[FeatureSet]:
        return (loop.feature_set, self.serving) if self.serving is not loop.feature_set else (loop.feature_set,)

    def take_in(self, table: str, rows: Sequence[object], now: int) -> None:
        """Check, number, keep and apply facts."""
        good = CHECKS[table](rows).rows
        if good:
            columns = {name: [row[name] for row in good] for name in good[0]}
            first = self.sequence + 1
            self.sequence += len(good)
            self.batches.setdefault(table, []).append(Batch(table, first, now, len(good), columns))
            self.store.apply(table, [] if table == self.deaf_to else good, first)

    def ask(self, rows: Sequence[Row], now: int) -> None:
        """Look features up as the gateway does, and log them under the names that the loop declares."""
        good = CHECKS["departures"](rows).rows
        times = [row["asked_at"] for row in good]
        with self.reader.snapshot() as snapshot:
            found, at = lookup(self.serving, good, times, snapshot).values, snapshot.sequence
        for row, values in zip(good, found, strict=True):
            features = [self.spoil(value) for value in values]
            name, key = f"p{len(self.records)}", DECLARED["departures"].key_of(row)
            when, how = (row["asked_at"], now, at), ("v1", "champion", 1, 0.5, True, 9, False)
            made = {"environment": self.environment}
            self.records.append(PredictionRecord(name, loop.name, key, *when, *how, row, features, **made))

    def freeze(self) -> None:
        """Serve from a copy of the store that nobody writes to any more."""
        copy = self.folder / "stale.sqlite"
        self.store.close()
        shutil.copy(self.folder / "online.sqlite", copy)
        self.store = SqliteOnlineStore(self.folder / "online.sqlite")
        self.store.prepare(self._definitions)
        self.reader = SqliteOnlineReader(copy)

    def log(self) -> pa.Table:
        """The prediction log so far."""
        return log_of(Logged.of(loop.feature_set), list(enumerate(self.records)))

    def tables(self) -> DeltaTables:
        """Everything taken in, as stored."""
        stored = DeltaTables(self.folder / "tables")
        for name, batches in self.batches.items():
            if stored.committed(name, "rig") < self.sequence:
                stored.append(name, facts_of(DECLARED[name], batches), writer="rig", upto=self.sequence)
        return stored


def replay(home: Home, flights: Flights, start: int, end: int, *, asking: bool = True) -> None:
    """Quarter by quarter: facts first, then the questions, then the departures as facts."""
    for quarter in flights.quarters(start, end):
        for table in TABLES[:-1]:
            home.take_in(table, getattr(quarter, table), quarter.end)
        if asking:
            home.ask(quarter.departures, quarter.end)
        home.take_in(TABLES[-1], quarter.departures, quarter.end)
