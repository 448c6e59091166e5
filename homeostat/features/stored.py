"""A table's facts as offline engines read them: columns as NumPy, and the life of every fact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import chosen, codes, column, integers, plain
from homeostat.features.keys import repeated
from homeostat.features.timeline import NEVER, Questions, Timeline, deaths, grouped, in_order, timeline
from homeostat.features.views import FeatureKind, View, Window, feature_kind

Array = npt.NDArray[Any]
_MOST = 0.75
DIED = "_died"
"""Column of facts whose end was found before: the sequence that supersedes each; null for none."""


@dataclass(frozen=True)
class Asked:
    """Questions in the order of (entity, time), and where each stood: neighbours look at the same facts."""

    questions: Questions
    order: Array

    def back(self, values: Array) -> Array:
        """Values in the order in which the questions were given."""
        return put(values, self.order)


def put(values: Array, places: Array) -> Array:
    """Each value at its place."""
    found = np.empty_like(values)
    found[places] = values
    return found


@dataclass(frozen=True)
class Stored:
    """A fact table with the life of every fact; where many facts can be seen by no question, they are left out.

    ``known`` are the sequences asked for.
    """

    table: Table
    given: pa.Table
    known: Array
    _ready: dict[tuple[str, ...], tuple[Timeline, Asked]] = field(default_factory=dict)

    def ready(self, view: View, question: pa.Table, time: Array) -> tuple[Timeline, Asked]:
        """Facts and questions in the order of the view's entity; made once for views of one entity."""
        if view.entity not in self._ready:
            with ThreadPoolExecutor(1) as beside:  # what supersedes what takes about as long as the order
                ends = beside.submit(lambda: self.died)
                entity, asking = self._entities(view, question)
                found = grouped(entity, self.time, self.born)
                order = in_order(asking, time)
                facts = timeline(found, ends.result())
            asked = Asked(Questions(asking[order], time[order], self.known[order]), order)
            self._ready[view.entity] = facts, asked
        return self._ready[view.entity]

    def column(self, name: str) -> pa.ChunkedArray:
        """A stored column of the facts that any question can see."""
        return column(self._facts, name, f"Table {self.table.name!r}")

    def numbers(self, view: Window, read: str) -> Array:
        """A column as numbers, or a condition as 1.0 and 0.0; NaN is null."""
        condition = view.conditions.get(read)
        if condition is None:
            return plain(self.column(read), "number")
        kinds = {name: feature_kind(self.table.contract[name]) for name in condition.columns}
        return condition.evaluate({name: plain(self.column(name), kind) for name, kind in kinds.items()})

    def codes(self, name: str) -> Array:
        """Equal values of a column as equal numbers; -1 is null."""
        (found,) = codes([[self.column(name)]], [self.table.contract[name].kind])
        return found

    def chosen(self, name: str, kind: FeatureKind, rows: Array) -> Array:
        """The values at some rows as a feature's; a row of -1 is missing."""
        return chosen(self.column(name), kind, rows)

    @cached_property
    def time(self) -> Array:
        """Event times."""
        return integers(self.column(self.table.event_time), self.table.event_time)

    @cached_property
    def born(self) -> Array:
        """The sequence of each fact."""
        return self._of_all[0] if self._kept is None else self._of_all[0][self._kept]

    @cached_property
    def died(self) -> Array:
        """The sequence that supersedes each fact, or NEVER."""
        if self._of_all[1] is not None:
            return self._of_all[1] if self._kept is None else self._of_all[1][self._kept]
        died = np.full(len(self.born), NEVER)
        keys = [self.column(name) for name in self.table.keys]
        again = repeated(keys)
        if len(again):
            kinds = [self.table.contract[name].kind for name in self.table.keys]
            (key,) = codes([[one.take(pa.array(again)) for one in keys]], kinds)
            died[again] = deaths(key, self.born[again])
        return died

    def _entities(self, view: View, question: pa.Table) -> tuple[Array, Array]:
        where = f"The question of {self.table.name!r}"
        kinds = [self.table.contract[name].kind for name in view.entity]
        here = [self.column(name) for name in view.entity]
        asking = [column(question, name, where) for name in view.entity]
        facts, questions = codes([here, asking], kinds)
        return facts, questions

    @cached_property
    def _facts(self) -> pa.Table:
        return self.given if self._kept is None else self.given.filter(pa.array(self._kept))

    @cached_property
    def _kept(self) -> Array | None:
        """Facts that some question can see; None for all, where leaving the others out would cost more.

        What was accepted after every question neither is seen nor ends what any question sees.
        """
        born, died = self._of_all
        reachable: Array = born <= self.known.max()
        if died is not None:
            reachable &= died > self.known.min()
        return None if np.count_nonzero(reachable) >= _MOST * len(born) else reachable

    @cached_property
    def _of_all(self) -> tuple[Array, Array | None]:
        """The sequence of each given fact, and of what supersedes it where that was found before."""
        where = f"Table {self.table.name!r}"
        born = integers(column(self.given, SEQUENCE, where), SEQUENCE)
        if DIED not in self.given.column_names:
            return born, None
        return born, self.given.column(DIED).fill_null(NEVER).to_numpy()
