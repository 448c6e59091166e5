"""What people are shown of tables: freshness against its objective, volume by day, and what was kept apart."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.tables import SEQUENCE, Table, TableStore
from homeostat.features.views import describe
from homeostat.kernel.clock import duration
from homeostat.monitoring.windows import day_name, days_of

Json = dict[str, Any]
LONGEST = 800
"""Days of volume that are shown at most, the newest."""


@dataclass(slots=True)
class Volumes:
    """Facts by event day of each table; a fact is read once, then only those accepted after it."""

    tables: TableStore
    _seen: dict[str, tuple[int, Counter[int]]] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def by_day(self, table: Table, timezone: str) -> list[Json]:
        """Facts of each event day, oldest first; days without any are left out."""
        if self.tables.version(table.name) < 0:
            return []
        with self._lock:
            upto, counted = self._seen.get(table.name, (-1, Counter()))
            later = pc.field(SEQUENCE) > upto
            fresh = self.tables.read(table.name, columns=[table.event_time, SEQUENCE], where=later)
            if fresh.num_rows:
                days = days_of(fresh[table.event_time].cast(pa.int64()).to_numpy(), timezone)
                names, rows = np.unique(days, return_counts=True)
                counted = counted + Counter(dict(zip(names.tolist(), rows.tolist(), strict=True)))
                self._seen[table.name] = (int(pc.max(fresh[SEQUENCE]).as_py()), counted)
        return [{"day": day_name(day), "rows": counted[day]} for day in sorted(counted)[-LONGEST:]]


def uses_of(table: Table, loops: Mapping[str, Loop]) -> list[Json]:
    """What each loop takes from a table: the question, the label, what callers report, or a view of it."""
    found = []
    for loop in loops.values():
        if loop.question.name == table.name:
            found.append({"loop": loop.name, "as": "question"})
        if loop.label.table.name == table.name:
            found.append({"loop": loop.name, "as": "label"})
        if loop.feedback is not None and loop.feedback.reported == table:
            found.append({"loop": loop.name, "as": "what callers report"})
        views = [describe(view) for view in loop.feature_set.views if view.table.name == table.name]
        found += [{"loop": loop.name, "as": view} for view in views]
    return found


def columns_of(table: Table) -> list[Json]:
    """The contract, column by column."""
    return [
        {
            "column": name,
            "kind": column.kind,
            "nullable": column.nullable,
            "low": column.low,
            "high": column.high,
            "categories": None if column.categories is None else list(column.categories),
            "role": _role(table, name),
        }
        for name, column in table.contract.items()
    ]


def silences_of(table: Table, days: Sequence[Day]) -> list[Json]:
    """The silence of a table at the end of each day, in seconds, and whether it was within the objective."""
    objective = None if table.freshness is None else duration(table.freshness)
    found = []
    for day in days:
        age = day.inputs.age.get(table.name)
        ok = None if age is None or objective is None else age <= objective
        found.append({"day": day.day, "seconds": None if age is None else age // 1_000_000, "ok": ok})
    return found


def kept_apart_of(table: Table, days: Sequence[Day]) -> list[Json]:
    """Rows kept apart on each day that was measured."""
    return [{"day": day.day, "rows": day.inputs.quarantined.get(table.name, 0)} for day in days]


def _role(table: Table, name: str) -> str | None:
    if name in table.keys:
        return "key"
    return "event time" if name == table.event_time else None
