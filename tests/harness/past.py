"""A home with a past, made without running anything: its tables as they came in, and a first version that serves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from homeostat.adapters.delta.rows import facts_schema
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.settings import Settings
from homeostat.control import transitions
from homeostat.data.tables import KNOWN_AT, SEQUENCE, Table
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.verdicts import ACCEPT, RETRAIN, Reason, Verdict
from tests.harness.world import LOOP, LOOP_FILE, Row, World, day, write_loop


class Past:
    """Events of a world from its first day to ``last``, each known an hour after it happened at the latest."""

    def __init__(
        self, folder: Path, world: World, last: int, *, hook: str = "pass", labels: bool = True, text: str = LOOP_FILE
    ) -> None:
        self.home, self.last = Home(folder / "home"), last
        self.home.prepare()
        self.loop_file = write_loop(folder, hook, text)
        Settings(home=self.home.root, loop_file=self.loop_file).save()
        self.loop = load_loop(self.loop_file)
        self._sequence, self._commits = 0, 0
        Operations.open(self.home)
        told: dict[str, list[tuple[Row, int]]] = {"purchases": [], "visits": []}
        for now, visits, purchases in world.hours(0, last):
            told["purchases"] += [(row, now) for row in purchases if labels]
            told["visits"] += [(row, now) for row in visits]
        every = sorted((now, name, place) for name, rows in told.items() for place, (_, now) in enumerate(rows))
        numbers = {(name, place): number for number, (_, name, place) in enumerate(every)}
        for name, rows in (one for one in told.items() if one[1]):
            self._append(name, rows, [numbers[name, place] for place in range(len(rows))])
        self._sequence = len(every)

    def serves(self, since: int) -> None:
        """A first version serves from a day on, and everything is decided until the last one."""
        store = Operations.open(self.home).store
        state, because = store.state(LOOP), Verdict(RETRAIN, (Reason("first_version", 1.0, 0.0, "no version yet"),))
        steps = [
            lambda one: transitions.ask_retraining(one, because, day(since), {}),
            lambda one: transitions.first_champion(one, Verdict(ACCEPT, because.reasons), day(since), {}),
        ]
        for step in steps:
            after, drafts = step(state)
            state = store.commit(state, after, drafts, ())
        self.decided(self.last)

    def decided(self, until: int) -> None:
        """Everything is decided until a day."""
        store = Operations.open(self.home).store
        state = store.state(LOOP)
        store.commit(state, dataclasses.replace(state, decided_until=day(until)), (), ())

    def send(self, table: str, rows: Sequence[Row], now: int) -> None:
        """More events, known at an instant."""
        self._append(table, [(row, now) for row in rows], range(self._sequence, self._sequence + len(rows)))
        self._sequence += len(rows)

    def _append(self, name: str, rows: Sequence[tuple[Row, int]], sequences: Sequence[int]) -> None:
        table = next(one for one in self.loop.tables if one.name == name)
        stored = [
            {**_typed(table, row), SEQUENCE: sequence, KNOWN_AT: now}
            for (row, now), sequence in zip(rows, sequences, strict=True)
        ]
        schema = facts_schema(table)
        columns = {one: [row.get(one) for row in stored] for one in schema.names}
        self._commits += 1
        facts = pa.Table.from_pydict(columns, schema=schema)
        DeltaTables(self.home.tables).append(name, facts, writer="test", upto=self._commits)


def _typed(table: Table, row: Mapping[str, object]) -> Row:
    """A row as it is stored: instants as numbers."""
    return {
        name: parse_instant(str(value)) if table.contract[name].kind == "instant" else value
        for name, value in row.items()
    }
