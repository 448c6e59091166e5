"""Window values of many questions: prefix sums where all facts count alike, one by one where they do not.

Facts that were never superseded are in prefix sums. A question takes from them the leading run that was all
accepted by its sequence; the rest of its window (late facts: usually few) is looked at fact by fact, and so
are superseded facts that may still have been valid then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.features.aggregates import SHRINK
from homeostat.features.ranges import Floats, Ints, Ranges, may_overflow, two_sum
from homeostat.features.timeline import NEVER, Ladder, Questions, Timeline, seen
from homeostat.features.views import AggregateKind, Window

Array = npt.NDArray[Any]


class _Tally:
    """What one window's facts add up to so far, per question; parts merge in any order."""

    def __init__(self, questions: int) -> None:
        self.facts = np.zeros(questions, dtype=np.int64)
        self.present = np.zeros(questions, dtype=np.int64)
        self.total = np.zeros(questions)
        self.rest = np.zeros(questions)
        self.least = np.full(questions, np.inf)
        self.greatest = np.full(questions, -np.inf)

    def add(self, kind: AggregateKind, column: Ranges | None, at: Ints, low: Ints, high: Ints) -> None:
        """Merge the ranges ``[low, high)`` of a column into the questions ``at``."""
        self.facts[at] += high - low
        if column is None:
            return
        self.present[at] += column.present(low, high)
        if kind == "minimum":
            self.least[at] = np.minimum(self.least[at], column.least(low, high))
        elif kind == "maximum":
            self.greatest[at] = np.maximum(self.greatest[at], column.greatest(low, high))
        else:
            total, rest = column.total(low, high)
            self.total[at], error = two_sum(self.total[at], total)
            self.rest[at] += rest + error

    def value(self, kind: AggregateKind, scale: float) -> Floats:
        """The aggregate; NaN where it is missing."""
        if kind == "count":
            return self.facts.astype(np.float64)
        if kind in ("minimum", "maximum"):
            extreme = self.least if kind == "minimum" else self.greatest
            return np.where(self.present > 0, extreme, np.nan)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            total = (self.total + self.rest) / scale
            total[np.isinf(total)] = np.nan
            return total if kind == "sum" else total / self.present


def windows(view: Window, facts: Timeline, asked: Questions, columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every feature of the view for every question; ``columns`` are the table's, in the table's order."""
    lasting = facts.where(facts.died == NEVER)
    superseded = facts.where(facts.died != NEVER)
    scales = {name: SHRINK if may_overflow(values) else 1.0 for name, values in columns.items()}
    scaled = {name: values * scales[name] for name, values in columns.items()}
    tallies = [[_Tally(len(asked.time)) for _ in view.ranges] for _ in view.values]
    _add_lasting(view, lasting, asked, scaled, tallies)
    if len(superseded.row):
        _add_superseded(view, superseded, asked, scaled, tallies)
    names = iter(view.features)
    return {
        next(names).name: tally.value(one.kind, scales.get(one.column or "", 1.0))
        for one, row in zip(view.values.values(), tallies, strict=True)
        for tally in row
    }


def _add_lasting(
    view: Window,
    facts: Timeline,
    asked: Questions,
    columns: Mapping[str, Floats],
    tallies: list[list[_Tally]],
) -> None:
    ready = {name: Ranges(values[facts.row]) for name, values in columns.items()}
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    known = Ladder(facts.entity, facts.born).reach(asked.entity, asked.known)
    everyone = np.arange(len(asked.time))
    for position, length in enumerate(view.ranges):
        low = times.reach(asked.entity, asked.time - length)
        split = np.clip(known, low, high)
        add = _adder(view, tallies, position)
        add(ready, everyone, low, split)
        for block in seen(facts, asked, split, high):
            add(_some(columns, facts, block.facts), block.questions, block.low, block.high)


def _add_superseded(
    view: Window,
    facts: Timeline,
    asked: Questions,
    columns: Mapping[str, Floats],
    tallies: list[list[_Tally]],
) -> None:
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    gone = Ladder(facts.entity, facts.died).reach(asked.entity, asked.known)
    for position, length in enumerate(view.ranges):
        low = np.maximum(times.reach(asked.entity, asked.time - length), gone)
        add = _adder(view, tallies, position)
        for block in seen(facts, asked, low, high):
            add(_some(columns, facts, block.facts), block.questions, block.low, block.high)


def _some(columns: Mapping[str, Floats], facts: Timeline, positions: Ints) -> dict[str, Ranges]:
    rows = facts.row[positions]
    return {name: Ranges(values[rows]) for name, values in columns.items()}


def _adder(
    view: Window, tallies: list[list[_Tally]], position: int
) -> Callable[[Mapping[str, Ranges], Ints, Ints, Ints], None]:
    """Merges ranges into the tallies of the range at ``position``, each by its value's aggregate."""
    pairs = [(one, row[position]) for one, row in zip(view.values.values(), tallies, strict=True)]

    def add(columns: Mapping[str, Ranges], at: Ints, low: Ints, high: Ints) -> None:
        for aggregate, tally in pairs:
            column = None if aggregate.column is None else columns[aggregate.column]
            tally.add(aggregate.kind, column, at, low, high)

    return add
