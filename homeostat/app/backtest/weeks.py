"""Lays the weeks of a back-test over what a home holds: its first version, its tables, and what was known when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.backtest.grid import Ask, Grid
from homeostat.app.by_hand.operations import Operations
from homeostat.control.backtest.matrix import FEWEST_WEEKS, WEEK, PastDay
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.windows import day_of, days_of, window


def grid_of(operations: Operations, loop: Loop, tables: Path) -> Grid:
    """Lay whole weeks over a loop's history, from its first version on to the newest day whose labels are mature.

    Raises: NotEnoughData before the first version, or with fewer than two weeks of mature labels.
    """
    stored = DeltaTables(tables)
    began, decided = _began(operations, loop), operations.state(loop.name).decided_until or 0
    first = _whole_day(began, loop.timezone)
    since, cutoff = loop.training_span(began, first=True)
    lead = max(0, (first - date.fromisoformat(day_of(cutoff, loop.timezone))).days)
    if stored.version(loop.label.table.name) < 0:
        raise NotEnoughData(
            f"Loop {loop.name!r} has no labels: table {loop.label.table.name!r} is empty.",
            mend="Send what came true; then test policies on it.",
            table=loop.label.table.name,
        )
    days = _days(stored, loop, first - timedelta(days=lead), date.fromisoformat(day_of(decided, loop.timezone)))
    mature = next((place for place, day in enumerate(days) if day.mature_at > decided), len(days))
    weeks = (mature - lead) // WEEK
    if weeks < FEWEST_WEEKS:
        raise NotEnoughData(
            f"Loop {loop.name!r} has {max(0, mature - lead)} days with mature labels since its first version.",
            mend=f"A back-test needs {FEWEST_WEEKS * WEEK}: wait until there are.",
            days=max(0, mature - lead),
        )
    known = Known.of(stored, loop)
    asks = [Ask(0, began, since, cutoff, known.at(began))]
    for week in range(1, weeks):
        at = days[lead + WEEK * week].window.start
        since, cutoff = loop.training_span(at, first=False)
        asks.append(Ask(week, at, since, cutoff, known.at(at)))
    days = days[: lead + WEEK * weeks]
    return Grid(days, lead, asks, [known.at(day.mature_at) for day in days])


@dataclass(frozen=True, slots=True)
class Known:
    """What had been accepted by when: ``sequences`` are the newest at each of ``instants``."""

    instants: NDArray[np.int64]
    sequences: NDArray[np.int64]

    @classmethod
    def of(cls, stored: DeltaTables, loop: Loop) -> Known:
        """Of all tables of a loop."""
        found = [
            stored.read(table.name, columns=[KNOWN_AT, SEQUENCE])
            for table in loop.tables
            if stored.version(table.name) >= 0
        ]
        instants = np.concatenate([one[KNOWN_AT].cast(pa.int64()).to_numpy() for one in found])
        sequences = np.concatenate([one[SEQUENCE].to_numpy() for one in found])
        order = np.argsort(instants, kind="stable")
        return cls(instants[order], np.maximum.accumulate(sequences[order]))

    def at(self, instant: Instant) -> int:
        """The newest sequence that was accepted by then; -1 before the first."""
        place = int(np.searchsorted(self.instants, instant, side="right"))
        return int(self.sequences[place - 1]) if place else -1


def _began(operations: Operations, loop: Loop) -> Instant:
    first = operations.state(loop.name).first_version
    for entry in operations.store.entries(loop.name):
        if entry.draft.kind == "bootstrap" and entry.draft.version == first:
            return entry.draft.at
    raise NotEnoughData(
        f"Loop {loop.name!r} has no version yet: there is nothing to test policies on.",
        mend="Run it until a first version has served for two weeks.",
        loop=loop.name,
    )


def _whole_day(instant: Instant, timezone: str) -> date:
    """The first day that begins at an instant or after it."""
    day = date.fromisoformat(day_of(instant, timezone))
    return day if window(day.isoformat(), timezone).start == instant else day + timedelta(days=1)


def _days(stored: DeltaTables, loop: Loop, first: date, last: date) -> list[PastDay]:
    """The days from ``first`` to before ``last``, with the time at which the last label of each is due."""
    question, label = loop.question, loop.label
    columns = list(dict.fromkeys([question.event_time, label.maturity_column]))
    asked = stored.read(question.name, columns=columns)
    times = asked[question.event_time].cast(pa.int64()).to_numpy()
    due = asked[label.maturity_column].cast(pa.int64()).to_numpy() + label.maturity_delay
    day = days_of(times, loop.timezone) - (first - date(1970, 1, 1)).days
    count = max(0, (last - first).days)
    latest = np.full(count, -1, dtype=np.int64)
    inside = (day >= 0) & (day < count)
    np.maximum.at(latest, day[inside], due[inside])
    windows = [window((first + timedelta(days=number)).isoformat(), loop.timezone) for number in range(count)]
    return [PastDay(one, max(int(at), one.end)) for one, at in zip(windows, latest, strict=True)]
