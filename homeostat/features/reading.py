"""Which questions read any of some facts: the engine that computes features answers it, by its own rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.data.contracts import number
from homeostat.data.tables import Table
from homeostat.features.definitions import feature_set
from homeostat.features.offline import OfflineEngine, columns_read
from homeostat.features.summaries import maximum
from homeostat.features.views import Latest, View, Window

Flags = npt.NDArray[np.bool_]
MARK = "marked"
"""The column that is 1.0 for the facts in question, else 0.0."""
ReadFacts = Callable[[Sequence[str]], pa.Table]
"""Columns of a table's facts as stored, ``_sequence`` among them, and ``MARK``."""


def readers(
    views: Collection[View], question: Table, asked: pa.Table, facts: ReadFacts, engine: OfflineEngine
) -> dict[str, Flags]:
    """By view of one table, which questions got a value that a marked fact went into.

    A window read a fact that it counted; a latest view the one that it took. ``asked`` is as the engine takes it.
    What had been superseded, or was not known yet, was not read: by the very rules of training.
    """
    found: dict[str, Flags] = {}
    for name, one in _marking(views):
        features = feature_set(question, [one])
        given = facts([*columns_read(features, one.table)])
        (values,) = engine.answer(features, asked, {one.table.name: given}).columns.values()
        found[name] = np.asarray(values, dtype=np.float64) > 0
    return found


def _marking(views: Collection[View]) -> Iterator[tuple[str, View]]:
    """The same views of the mark alone, over all that they reach, without defaults."""
    for view in views:
        contract = {**view.table.contract, MARK: number()}
        table = replace(view.table, contract=contract, rules=())
        by = view.entity if len(view.entity) > 1 else view.entity[0]
        if isinstance(view, Latest):
            yield view.name, Latest(table, by=by, columns=[MARK], max_age=view.max_age, name=view.name)
        else:
            yield view.name, _longest(view, table, by)


def _longest(view: Window, table: Table, by: str | tuple[str, ...]) -> Window:
    over = view.over[view.ranges.index(view.longest)]
    return Window(table, by=by, over=[over], values={MARK: maximum(MARK)}, name=view.name)
