"""Features of many questions at once, each from nothing but what was known when it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import chosen, codes, column, integers, plain
from homeostat.features.definitions import FeatureSet
from homeostat.features.timeline import Ladder, Questions, Timeline, deaths, last_seen, timeline
from homeostat.features.views import FeatureKind, Latest, View, Window, feature_kind
from homeostat.features.windowed import windows
from homeostat.kernel.errors import InvalidInput

Array = npt.NDArray[Any]
_EARLIEST = np.iinfo(np.int64).min
ASKED_AT = "_time"
"""Question column: the event time asked for, int64 microseconds."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Features of some questions: ``columns`` by name, in the order of the set's names.

    Numbers are float64 with NaN for missing, texts objects with None. ``defaulted`` holds, for each feature
    that declares a default, where it was used.
    """

    columns: Mapping[str, Array]
    defaulted: Mapping[str, npt.NDArray[np.bool_]]


def point_in_time(features: FeatureSet, question: pa.Table, tables: Mapping[str, pa.Table]) -> dict[str, Array]:
    """The features a model would have been served: bitemporal, so that nothing later leaks into training.

    ``question`` holds the question's columns, ``_time`` (int64 microseconds) and ``_sequence`` (int64: what
    was known). ``tables`` are fact tables as stored, with ``_sequence``, in any order of rows. A row asked at
    (t, s) sees facts with event time at most t and sequence at most s; of one table key only the fact
    accepted last by s. Returns a column per name of ``features``, in order: numbers as float64 with NaN for
    missing, texts as objects with None.
    Raises: InvalidInput when a table or column is not given.
    """
    return dict(answers(features, question, tables).columns)


def answers(features: FeatureSet, question: pa.Table, tables: Mapping[str, pa.Table]) -> Answers:
    """The same as ``point_in_time``, and where a declared default was used."""
    where = f"The question {features.question.name!r}"
    found = {one.name: plain(column(question, one.name, where), one.kind) for one in features.asked}
    time = integers(column(question, ASKED_AT, where), ASKED_AT)
    known = integers(column(question, SEQUENCE, where), SEQUENCE)
    defaulted: dict[str, npt.NDArray[np.bool_]] = {}
    if not len(time):
        empty = {one.name: np.empty(0, object if one.kind == "text" else float) for one in features.features}
        return Answers(empty, {one.name: np.empty(0, bool) for one in features.features if one.default is not None})
    stored: dict[str, _Stored] = {}
    for view in features.views:
        facts = stored.setdefault(view.table.name, _Stored(view.table, _table(tables, view.table), known))
        values = _view(view, facts, question, time, known)
        if view.default:
            defaulted.update(_fill(view, values, _silent(view, facts, time, known)))
        found.update(values)
    for one in features.transforms:
        found[one.name] = one.run(found)
    return Answers({name: found[name] for name in features.names}, defaulted)


def _fill(view: View, values: dict[str, Array], silent: Array) -> dict[str, Array]:
    """Put the declared defaults where a value is missing or its source silent; returns where."""
    filled: dict[str, Array] = {}
    for feature in view.features:
        if feature.default is not None:
            given = values[feature.name]
            text = feature.kind == "text"
            missing = np.array([value is None for value in given], dtype=bool) if text else np.isnan(given)
            filled[feature.name] = missing | silent
            values[feature.name] = np.where(filled[feature.name], feature.default, given)
    return filled


def _silent(view: View, stored: _Stored, time: Array, known: Array) -> Array:
    """Where the view's source has been silent for too long."""
    if view.patience is None:
        return np.zeros(len(time), dtype=bool)
    everything = np.zeros(len(stored.time), dtype=np.int64)
    facts = timeline(everything, stored.time, stored.born, stored.died)
    asked = Questions(np.zeros_like(time), time, known)
    high = np.searchsorted(facts.time, time, side="right")
    low = np.searchsorted(facts.time, time - view.patience - 1, side="right")
    quiet: Array = last_seen(facts, asked, low, high) < 0
    return quiet


def _view(view: View, stored: _Stored, question: pa.Table, time: Array, known: Array) -> dict[str, Array]:
    entity, asking = stored.entities(view, question)
    facts = timeline(entity, stored.time, stored.born, stored.died)
    order = np.lexsort((time, asking))  # neighbours look at the same facts: twice as fast as any order
    asked = Questions(asking[order], time[order], known[order])
    values = windows(view, facts, asked, stored) if isinstance(view, Window) else _latest(view, stored, facts, asked)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return {name: each[back] for name, each in values.items()}


def _latest(view: Latest, stored: _Stored, facts: Timeline, asked: Questions) -> dict[str, Array]:
    times = Ladder(facts.entity, facts.time)
    too_old = np.full_like(asked.time, _EARLIEST) if view.longest is None else asked.time - view.longest - 1
    low = times.reach(asked.entity, too_old)
    at = last_seen(facts, asked, low, times.reach(asked.entity, asked.time))
    rows = np.append(facts.row, -1)[at]
    return {
        feature.name: stored.chosen(name, feature.kind, rows)
        for name, feature in zip(view.columns, view.features, strict=True)
    }


@dataclass(frozen=True)
class _Stored:
    """A fact table with the life of every fact; facts that no question can see are left out."""

    table: Table
    given: pa.Table
    known: Array

    def column(self, name: str) -> pa.ChunkedArray:
        return column(self._facts, name, f"Table {self.table.name!r}")

    def numbers(self, view: Window, read: str) -> Array:
        condition = view.conditions.get(read)
        if condition is None:
            return plain(self.column(read), "number")
        kinds = {name: feature_kind(self.table.contract[name]) for name in condition.columns}
        return condition.evaluate({name: plain(self.column(name), kind) for name, kind in kinds.items()})

    def codes(self, name: str) -> Array:
        (found,) = codes([[self.column(name)]], [self.table.contract[name].kind])
        return found

    def chosen(self, name: str, kind: FeatureKind, rows: Array) -> Array:
        return chosen(self.column(name), kind, rows)

    def entities(self, view: View, question: pa.Table) -> tuple[Array, Array]:
        where = f"The question of {view.table.name!r}"
        kinds = [self.table.contract[name].kind for name in view.entity]
        here = [self.column(name) for name in view.entity]
        asking = [column(question, name, where) for name in view.entity]
        facts, questions = codes([here, asking], kinds)
        return facts, questions

    @cached_property
    def time(self) -> Array:
        return integers(self.column(self.table.event_time), self.table.event_time)

    @cached_property
    def born(self) -> Array:
        return self._lives[0]

    @cached_property
    def died(self) -> Array:
        return self._lives[1]

    @cached_property
    def _facts(self) -> pa.Table:
        return self.given.filter(pa.array(self._reachable))

    @cached_property
    def _lives(self) -> tuple[Array, Array]:
        born, died = self._all_lives
        return born[self._reachable], died[self._reachable]

    @cached_property
    def _reachable(self) -> Array:
        born, died = self._all_lives
        reachable: Array = (born <= self.known.max()) & (died > self.known.min())
        return reachable

    @cached_property
    def _all_lives(self) -> tuple[Array, Array]:
        where = f"Table {self.table.name!r}"
        born = integers(column(self.given, SEQUENCE, where), SEQUENCE)
        kinds = [self.table.contract[name].kind for name in self.table.keys]
        (key,) = codes([[column(self.given, name, where) for name in self.table.keys]], kinds)
        return born, deaths(key, born)


def _table(tables: Mapping[str, pa.Table], table: Table) -> pa.Table:
    if table.name not in tables:
        mend = f"Pass it under {table.name!r}; an empty table means that nothing was ever known."
        raise InvalidInput(f"Table {table.name!r} is not given.", mend=mend, table=table.name)
    return tables[table.name]
