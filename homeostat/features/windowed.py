"""Window values of many questions: prefix sums where all facts count alike, one by one where they do not.

Facts that were never superseded are in prefix sums. A question takes from them the leading run that was all
accepted by its sequence; the rest of its window (late facts: usually few) is looked at fact by fact, and so
are superseded facts that may still have been valid then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_SUMMED: frozenset[AggregateKind] = frozenset({"sum", "mean", "share"})
_BY_CODE = ("distinct", "first", "last")


class _Tally:
    """What one column's facts in one window add up to so far, per question; parts merge in any order."""

    def __init__(self, questions: int, kinds: frozenset[AggregateKind]) -> None:
        self._kinds = kinds
        self.present = np.zeros(questions, dtype=np.int64)
        self.total, self.rest = np.zeros((2, questions if kinds & _SUMMED else 0))
        self.least = np.full(questions if "minimum" in kinds else 0, np.inf)
        self.greatest = np.full(questions if "maximum" in kinds else 0, -np.inf)

    def add(self, column: Ranges, at: Ints | slice, low: Ints, high: Ints) -> None:
        """Merge the ranges ``[low, high)`` of a column into the questions ``at``."""
        self.present[at] += column.present(low, high)
        if "minimum" in self._kinds:
            self.least[at] = np.minimum(self.least[at], column.least(low, high))
        if "maximum" in self._kinds:
            self.greatest[at] = np.maximum(self.greatest[at], column.greatest(low, high))
        if self._kinds & _SUMMED:
            total, rest = column.total(low, high)
            self.total[at], error = two_sum(self.total[at], total)
            self.rest[at] += rest + error

    def value(self, kind: AggregateKind, scale: float) -> Floats:
        """The aggregate; NaN where it is missing."""
        if kind == "count":
            return self.present.astype(np.float64)
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


_Tallies = Mapping[str, Sequence[_Tally]]
"""Per column read, a tally per range."""


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
    """Aggregates that are made of sums, counts and extremes; one tally per column read and range."""
    kinds: dict[str, set[AggregateKind]] = {}
    for one in values.values():
        kinds.setdefault(_read(one), set()).add(one.kind)
    columns = {name: source.numbers(view, name) for name in kinds if name}
    scales = {name: SHRINK if may_overflow(given) else 1.0 for name, given in columns.items()}
    scaled = {name: given if scales[name] == 1.0 else given * scales[name] for name, given in columns.items()}
    tallies = {name: [_Tally(len(asked.time), frozenset(of)) for _ in view.ranges] for name, of in kinds.items()}
    ended = facts.died != NEVER
    _add_lasting(view, facts, ended, asked, scaled, tallies)
    if bool(ended.any()):
        _add_superseded(view, facts.where(ended), asked, scaled, tallies)
    prefix = "_".join(view.entity)
    return {
        f"{prefix}_{name}_{text}": tally.value(one.kind, scales.get(_read(one), 1.0))
        for name, one in values.items()
        for text, tally in zip(view.over, tallies[_read(one)], strict=True)
    }


def _read(one: Aggregate) -> str:
    """The column or condition that an aggregate reads; "" for none."""
    return one.condition or one.column or ""


def _add_lasting(
    view: Window, facts: Timeline, ended: Array, asked: Questions, columns: Mapping[str, Floats], tallies: _Tallies
) -> None:
    hidden = ended if bool(ended.any()) else None
    ready = {name: Ranges(values[facts.row], hidden) for name, values in columns.items()}
    ready[""] = Ranges(None, hidden)
    if hidden is not None:
        facts = facts.unseen(hidden)
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    known = Ladder(facts.entity, facts.born).within(asked.entity, asked.known, high)
    for position, length in enumerate(view.ranges):
        low = times.reach(asked.entity, asked.time - length)
        split = np.maximum(known, low)
        _add(tallies, position, ready, slice(None), low, split)
        for block in seen(facts, asked, split, high):
            _add(tallies, position, _some(columns, facts, block.facts), block.questions, block.low, block.high)


def _add_superseded(
    view: Window, facts: Timeline, asked: Questions, columns: Mapping[str, Floats], tallies: _Tallies
) -> None:
    times = Ladder(facts.entity, facts.time)
    high = times.reach(asked.entity, asked.time)
    gone = Ladder(facts.entity, facts.died).reach(asked.entity, asked.known)
    for position, length in enumerate(view.ranges):
        low = np.maximum(times.reach(asked.entity, asked.time - length), gone)
        for block in seen(facts, asked, low, high):
            _add(tallies, position, _some(columns, facts, block.facts), block.questions, block.low, block.high)


def _some(columns: Mapping[str, Floats], facts: Timeline, positions: Ints) -> dict[str, Ranges]:
    rows = facts.row[positions]
    return {"": Ranges(None), **{name: Ranges(values[rows]) for name, values in columns.items()}}


def _add(
    tallies: _Tallies, position: int, columns: Mapping[str, Ranges], at: Ints | slice, low: Ints, high: Ints
) -> None:
    """Merge ranges into the tallies of the view's range at ``position``."""
    for name, row in tallies.items():
        row[position].add(columns[name], at, low, high)
