"""Window values of many questions: prefix sums where all facts count alike, one by one where they do not.

Facts that were never superseded are in prefix sums. A question takes from them the leading run that was all
accepted by its sequence; the rest of its window (late facts: usually few) is looked at fact by fact, and so
are superseded facts that may still have been valid then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from homeostat.features.aggregates import SHRINK
from homeostat.features.listed import listed
from homeostat.features.ranges import Floats, Ints, Ranges, may_overflow, two_sum
from homeostat.features.summaries import Aggregate, AggregateKind
from homeostat.features.timeline import NEVER, Ladder, Questions, Timeline, seen
from homeostat.features.views import FeatureKind, Window

Array = npt.NDArray[Any]
_LISTED: frozenset[AggregateKind] = frozenset({"std", "distinct", "quantile", "first", "last"})
_BY_CODE = ("distinct", "first", "last")


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


class Source(Protocol):
    """A table's columns, in the table's order of rows."""

    def numbers(self, view: Window, read: str) -> Floats:
        """A column as numbers, or a condition as 1.0 and 0.0; NaN is null."""
        ...

    def codes(self, name: str) -> Ints:
        """Equal values of a column as equal numbers; -1 is null."""
        ...

    def chosen(self, name: str, kind: FeatureKind, rows: Ints) -> Array:
        """The values at some rows as a feature's; a row of -1 is missing."""
        ...


_Pairs = Sequence[tuple[Aggregate, Sequence[_Tally]]]


def windows(view: Window, facts: Timeline, asked: Questions, source: Source) -> dict[str, Array]:
    """Every feature of the view for every question."""
    added = {name: one for name, one in view.values.items() if one.kind not in _LISTED}
    found = _added(view, added, facts, asked, source)
    if len(added) < len(view.values):
        found.update(_listed(view, facts, asked, source))
    return {feature.name: found[feature.name] for feature in view.features}


def _listed(view: Window, facts: Timeline, asked: Questions, source: Source) -> dict[str, Array]:
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    lows = [times.reach(asked.entity, asked.time - length) for length in view.ranges]
    found: dict[str, Array] = {}
    names = iter(view.features)
    for one in view.values.values():
        for low in lows:
            feature = next(names)
            if one.kind not in _LISTED or one.column is None:
                continue
            values = source.codes(one.column) if one.kind in _BY_CODE else source.numbers(view, one.column)
            blocks = seen(facts, asked, low, high)
            made = listed(one.kind, one.q, values[facts.row], blocks, len(high))
            if one.kind in ("first", "last"):
                made = source.chosen(one.column, feature.kind, np.append(facts.row, -1)[made])
            found[feature.name] = made
    return found


def _added(
    view: Window, values: Mapping[str, Aggregate], facts: Timeline, asked: Questions, source: Source
) -> dict[str, Array]:
    lasting = facts.where(facts.died == NEVER)
    superseded = facts.where(facts.died != NEVER)
    read = dict.fromkeys(name for one in values.values() if (name := one.condition or one.column) is not None)
    columns = {name: source.numbers(view, name) for name in read}
    scales = {name: SHRINK if may_overflow(given) else 1.0 for name, given in columns.items()}
    scaled = {name: given * scales[name] for name, given in columns.items()}
    tallies = [[_Tally(len(asked.time)) for _ in view.ranges] for _ in values]
    pairs = list(zip(values.values(), tallies, strict=True))
    _add_lasting(view, lasting, asked, scaled, pairs)
    if len(superseded.row):
        _add_superseded(view, superseded, asked, scaled, pairs)
    prefix = "_".join(view.entity)
    return {
        f"{prefix}_{name}_{text}": tally.value(one.kind, scales.get(one.condition or one.column or "", 1.0))
        for (name, one), row in zip(values.items(), tallies, strict=True)
        for text, tally in zip(view.over, row, strict=True)
    }


def _add_lasting(
    view: Window,
    facts: Timeline,
    asked: Questions,
    columns: Mapping[str, Floats],
    pairs: _Pairs,
) -> None:
    ready = {name: Ranges(values[facts.row]) for name, values in columns.items()}
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    known = Ladder(facts.entity, facts.born).reach(asked.entity, asked.known)
    everyone = np.arange(len(asked.time))
    for position, length in enumerate(view.ranges):
        low = times.reach(asked.entity, asked.time - length)
        split = np.clip(known, low, high)
        add = _adder(pairs, position)
        add(ready, everyone, low, split)
        for block in seen(facts, asked, split, high):
            add(_some(columns, facts, block.facts), block.questions, block.low, block.high)


def _add_superseded(
    view: Window,
    facts: Timeline,
    asked: Questions,
    columns: Mapping[str, Floats],
    pairs: _Pairs,
) -> None:
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    gone = Ladder(facts.entity, facts.died).reach(asked.entity, asked.known)
    for position, length in enumerate(view.ranges):
        low = np.maximum(times.reach(asked.entity, asked.time - length), gone)
        add = _adder(pairs, position)
        for block in seen(facts, asked, low, high):
            add(_some(columns, facts, block.facts), block.questions, block.low, block.high)


def _some(columns: Mapping[str, Floats], facts: Timeline, positions: Ints) -> dict[str, Ranges]:
    rows = facts.row[positions]
    return {name: Ranges(values[rows]) for name, values in columns.items()}


def _adder(pairs: _Pairs, position: int) -> Callable[[Mapping[str, Ranges], Ints, Ints, Ints], None]:
    """Merges ranges into the tallies of the range at ``position``, each by its value's aggregate."""
    here = [(one, row[position]) for one, row in pairs]

    def add(columns: Mapping[str, Ranges], at: Ints, low: Ints, high: Ints) -> None:
        for aggregate, tally in here:
            read = aggregate.condition or aggregate.column
            tally.add(aggregate.kind, None if read is None else columns[read], at, low, high)

    return add
