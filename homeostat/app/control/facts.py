"""What the recorder and the gateway have counted, as control needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeostat.app.gateway.counted import PREDICTING, samples_of
from homeostat.app.processes.loopback import get
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.data.tables import Table
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import Unavailable
from homeostat.monitoring.freshness import Objective

Json = dict[str, Any]


@dataclass(slots=True)
class Facts:
    """Asks the recorder to put everything acknowledged on disk, and the gateway what it failed to answer.

    A part that is away is not an error here: what it said last still holds, and it will say the rest later.
    """

    recorder: BlockingRecorderClient
    doors_url: str
    sequence: int = field(init=False, default=-1)
    _versions: Mapping[str, int] = field(init=False, default_factory=dict)
    _logs: Mapping[str, int] = field(init=False, default_factory=dict)
    _tables: Mapping[str, Json] = field(init=False, default_factory=dict)
    _failed: dict[str, int] = field(init=False, default_factory=dict)
    _failed_seen: dict[str, int] = field(init=False, default_factory=dict)

    def refresh(self) -> int:
        """Everything acknowledged so far is in the tables and logs; the newest sequence that is.

        Raises: Unavailable when the recorder is down.
        """
        flushed = self.recorder.flush()
        self.sequence, self._versions, self._logs = flushed.sequence, flushed.versions, flushed.log
        self._tables = self.recorder.status()["tables"]
        return self.sequence

    def version(self, table: str) -> int:
        """A table's version at the last refresh. Raises: Unavailable for one without rows."""
        if table not in self._versions:
            raise Unavailable(f"Table {table!r} holds no rows yet.", mend="Send it events first.", table=table)
        return self._versions[table]

    def log_version(self, loop: str) -> int:
        """The version of a loop's prediction log at the last refresh; -1 before its first prediction."""
        return self._logs.get(loop, -1)

    def quarantined(self) -> dict[str, int]:
        """Rows that broke a contract, by table, since the beginning."""
        return {name: sum(told["quarantined"].values()) for name, told in self._tables.items()}

    def intake(self, table: str) -> Json:
        """Rows of a table that broke its contract, by reason, since the beginning; those still kept apart, and those
        taken in after all; rows that broke a rule that only warns; rows that came with the history.

        All null, and ``known`` false, while the recorder has not told anything yet.
        """
        told = self._tables.get(table, {})
        names = ("rows", "quarantined", "warned", "kept", "readmitted", "imported")
        return {**{name: told.get(name) for name in names}, "known": table in self._tables}

    def failed(self, loop: str) -> int:
        """Predict requests of a loop that were answered with a server error, over restarts of the gateway."""
        try:
            text = get(f"{self.doors_url}/metrics").decode()
        except Unavailable:
            return self._failed.get(loop, 0)
        seen = sum(
            int(value)
            for name, labels, value in samples_of(text)
            if name == "homeostat_requests_total"
            and labels["door"] in PREDICTING
            and labels["loop"] == loop
            and labels["status"].startswith("5")
        )
        before = self._failed_seen.get(loop, 0)
        self._failed[loop] = self._failed.get(loop, 0) + (seen - before if seen >= before else seen)
        self._failed_seen[loop] = seen
        return self._failed[loop]

    def freshness(self, tables: Sequence[Table], now: Instant | None) -> list[Json]:
        """Each table's newest event and its age against the objective."""
        return [self._fresh(table, now) for table in tables]

    def objectives(self, objectives: Sequence[Objective], now: Instant | None) -> list[Json]:
        """Each table's and view's silence against its objective; ``ok`` is null where that is not known."""
        return [self._held(one, now) for one in objectives]

    def look(self) -> None:
        """Ask the recorder for its counts; what it said last holds while it is away."""
        try:
            self._tables = self.recorder.status()["tables"]
        except Unavailable:
            return

    def _held(self, objective: Objective, now: Instant | None) -> Json:
        age = self._age(objective.table, now)
        return {
            "kind": objective.kind,
            "name": objective.name,
            "table": objective.table,
            "age_seconds": age,
            "objective_seconds": objective.limit // 1_000_000,
            "ok": None if age is None else age <= objective.limit // 1_000_000,
        }

    def _age(self, table: str, now: Instant | None) -> int | None:
        newest = self._tables.get(table, {}).get("newest_event")
        return None if newest is None or now is None else max(0, now - int(newest)) // 1_000_000

    def _fresh(self, table: Table, now: Instant | None) -> Json:
        newest = self._tables.get(table.name, {}).get("newest_event")
        age = self._age(table.name, now)
        objective = None if table.freshness is None else duration(table.freshness) // 1_000_000
        return {
            "table": table.name,
            "rows": self._tables.get(table.name, {}).get("rows", 0),
            "newest": None if newest is None else format_instant(int(newest)),
            "age_seconds": age,
            "objective_seconds": objective,
            "ok": None if age is None or objective is None else age <= objective,
        }
