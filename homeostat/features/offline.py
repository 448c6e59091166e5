"""Features of many questions at once, each from nothing but what was known when it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.data.arrow import ds
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import column, integers, plain
from homeostat.features.definitions import FeatureSet
from homeostat.features.stored import Stored
from homeostat.features.viewed import silent, viewed
from homeostat.features.views import Feature, View
from homeostat.kernel.errors import InvalidInput

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Source: TypeAlias = pa.Table | ds.Dataset
"""A fact table as stored, with ``_sequence``, rows in any order: in memory, or where it lies on disk."""
ValuesOf = Callable[[View], tuple[dict[str, Array], Flags]]
"""A view's values for every question, and where its source had been silent for too long."""
ASKED_AT = "_time"
"""Question column: the event time asked for, int64 microseconds."""
WORKING_COLUMNS = 16
"""Columns of eight bytes that the join works with beside those it reads."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Features of some questions: ``columns`` by name, in the order of the set's names.

    Numbers are float64 with NaN for missing, texts objects with None. ``defaulted`` holds, for each feature
    that declares a default, where it was used.
    """

    columns: Mapping[str, Array]
    defaulted: Mapping[str, Flags]


class OfflineEngine(Protocol):
    """Computes features for training: bitemporal, so that nothing later leaks into a row.

    ``question`` holds the question's columns, ``_time`` (int64 microseconds) and ``_sequence`` (int64: what
    was known). A row asked at (t, s) sees facts with event time at most t and sequence at most s; of one
    table key only the fact accepted last by s.
    """

    def answer(self, features: FeatureSet, question: pa.Table, tables: Mapping[str, Source]) -> Answers:
        """Every feature of every question. Raises: InvalidInput when a table or column is not given."""
        ...


class InMemoryEngine:
    """The fastest engine for what fits in memory: sorts, prefix sums and searches in NumPy."""

    def answer(self, features: FeatureSet, question: pa.Table, tables: Mapping[str, Source]) -> Answers:
        """Every feature of every question. Raises: InvalidInput when a table or column is not given."""
        time, known = moments(features, question)
        held: dict[str, Stored] = {}

        def values_of(view: View) -> tuple[dict[str, Array], Flags]:
            name = view.table.name
            if name not in held:
                facts = _in_memory(features, view.table, source_of(tables, view.table))
                held[name] = Stored(view.table, facts, known)
            return viewed(view, held[name], question, time), silent(view, held[name], time)

        return assembled(features, question, values_of)


class BySize:
    """Uses memory while the questions and facts fit a budget of bytes, and the other engine beyond it."""

    def __init__(self, in_memory: OfflineEngine, out_of_core: OfflineEngine, *, budget: int) -> None:
        self._in_memory, self._out_of_core, self._budget = in_memory, out_of_core, budget

    def answer(self, features: FeatureSet, question: pa.Table, tables: Mapping[str, Source]) -> Answers:
        """Every feature of every question. Raises: InvalidInput when a table or column is not given."""
        fits = needed_bytes(features, question, tables) <= self._budget
        engine = self._in_memory if fits else self._out_of_core
        return engine.answer(features, question, tables)


def point_in_time(features: FeatureSet, question: pa.Table, tables: Mapping[str, pa.Table]) -> dict[str, Array]:
    """The features a model would have been served, computed in memory; see ``OfflineEngine``."""
    return dict(InMemoryEngine().answer(features, question, tables).columns)


def needed_bytes(features: FeatureSet, question: pa.Table, tables: Mapping[str, Source]) -> int:
    """About how much memory a join needs: rows times columns, of the questions and of every fact table."""
    total = question.num_rows * (len(features.names) + WORKING_COLUMNS)
    for table in {view.table.name: view.table for view in features.views}.values():
        source = source_of(tables, table)
        rows = source.num_rows if isinstance(source, pa.Table) else source.count_rows()
        total += rows * (len(columns_read(features, table)) + WORKING_COLUMNS)
    return 8 * int(total)


def columns_read(features: FeatureSet, table: Table) -> list[str]:
    """What the views of a set read of a table: its key and event time included, the sequence last."""
    found = [*table.keys, table.event_time]
    for view in features.views:
        if view.table.name == table.name:
            found += [*view.entity, *view.columns]
    return list(dict.fromkeys([*found, SEQUENCE]))


def source_of(tables: Mapping[str, Source], table: Table) -> Source:
    """The facts given for a table. Raises: InvalidInput when there are none."""
    if table.name not in tables:
        mend = f"Pass it under {table.name!r}; an empty table means that nothing was ever known."
        raise InvalidInput(f"Table {table.name!r} is not given.", mend=mend, table=table.name)
    return tables[table.name]


def moments(features: FeatureSet, question: pa.Table) -> tuple[Array, Array]:
    """Per question the time asked for and the sequence known."""
    where = f"The question {features.question.name!r}"
    time = integers(column(question, ASKED_AT, where), ASKED_AT)
    return time, integers(column(question, SEQUENCE, where), SEQUENCE)


def assembled(features: FeatureSet, question: pa.Table, values_of: ValuesOf) -> Answers:
    """Columns of the question, then views with their defaults, then transforms: the frame of every engine."""
    where = f"The question {features.question.name!r}"
    found = {one.name: plain(column(question, one.name, where), one.kind) for one in features.asked}
    defaulted: dict[str, Flags] = {}
    for view in features.views:
        values, quiet = values_of(view) if question.num_rows else (_none(view), np.zeros(0, dtype=bool))
        for feature in view.features:
            if feature.default is not None:
                defaulted[feature.name] = _missing(feature, values[feature.name]) | quiet
                values[feature.name] = np.where(defaulted[feature.name], feature.default, values[feature.name])
        found.update(values)
    for one in features.transforms:
        found[one.name] = one.run(found)
    return Answers({name: found[name] for name in features.names}, defaulted)


def _in_memory(features: FeatureSet, table: Table, source: Source) -> pa.Table:
    if isinstance(source, pa.Table):
        return source
    stored = set(source.schema.names)
    return source.to_table(columns=[name for name in columns_read(features, table) if name in stored])


def _none(view: View) -> dict[str, Array]:
    return {one.name: np.empty(0, object if one.kind == "text" else float) for one in view.features}


def _missing(feature: Feature, values: Array) -> Flags:
    if feature.kind == "text":
        return np.array([value is None for value in values], dtype=bool)
    return np.isnan(values)
