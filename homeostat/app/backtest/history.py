"""Every question of a loop once, with its features, and its labels as they were known at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.backtest.grid import Ask
from homeostat.app.backtest.shaping import Shaping, read_shaping
from homeostat.control.backtest.matrix import PastDay
from homeostat.control.loop import Loop
from homeostat.data.tables import SEQUENCE
from homeostat.features.columns import integers
from homeostat.features.offline import ASKED_AT
from homeostat.training.rows import TrainingRows, model_frame
from homeostat.training.training_set import Sources, joined_features, key_index, matured_questions, truth_of

_EVERYTHING = 1 << 62


class JudgedDay(NamedTuple):
    """A past day's questions, their labels as known once they were mature (NaN without one), and of how many rows each
    is one."""

    day: PastDay
    span: slice
    truth: NDArray[np.float64]
    each: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class History:
    """``asked`` in order of time, ``columns`` their features as known when each was asked, ``frame`` as models take
    them. ``facts`` are those of the label's table, ``of`` the question of each, in order of questions.
    ``shaping`` says of how many rows each question is one; 0 where a prediction has shaped its label, which is unknown
    then."""

    loop: Loop
    asked: pa.Table
    columns: Mapping[str, NDArray[Any]]
    frame: pd.DataFrame
    facts: pa.Table
    of: NDArray[np.int64]
    shaping: Shaping
    times: NDArray[np.int64] = field(init=False)
    sequence: NDArray[np.int64] = field(init=False)
    due: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        label = self.loop.label
        self.times = integers(self.asked.column(ASKED_AT), ASKED_AT)
        self.sequence = integers(self.asked.column(SEQUENCE), SEQUENCE)
        self.due = integers(self.asked.column(label.maturity_column), label.maturity_column) + label.maturity_delay

    def training(self, ask: Ask) -> tuple[NDArray[np.int64], TrainingRows, tuple[int, int]]:
        """The rows that a version is trained on with their places, and which of all labels these are."""
        until = int(np.searchsorted(self.times, ask.cutoff))
        places = np.arange(until)
        places = places[(self.due[:until] <= ask.asked_at) & (self.sequence[:until] <= ask.sequence)]
        truth = self._truth(self.asked.take(pa.array(places)), self.facts, ask.sequence, ask.asked_at)
        each = self.shaping.at(slice(0, until), ask.sequence)[places]
        known = ~np.isnan(truth) & (each > 0)
        places, label, each = places[known], self.loop.label.typed(truth[known]), each[known]
        first = 0 if ask.since is None else int(np.searchsorted(self.times[places], ask.since))
        rows = self._rows(places[first:], label[first:], each[first:])
        return places[first:], rows, (first, int(places.size))

    def of_day(self, day: PastDay, known: int) -> JudgedDay:
        """The questions of a day as known once their labels were mature."""
        rows = slice(*np.searchsorted(self.times, [day.window.start, day.window.end]).tolist())
        facts = slice(*np.searchsorted(self.of, [rows.start, rows.stop]).tolist())
        asked = self.asked.slice(rows.start, rows.stop - rows.start)
        told = self.facts.slice(facts.start, facts.stop - facts.start)
        truth = self._truth(asked, told, known, day.mature_at)
        each = self.shaping.of_day(rows, known)
        return JudgedDay(day, rows, np.where(each > 0, truth, np.nan), each)

    def _rows(self, places: NDArray[np.int64], label: NDArray[Any], each: NDArray[np.int64]) -> TrainingRows:
        """Rows as a training function takes them."""
        frame, classes = self.frame.iloc[places].reset_index(drop=True), self.loop.label.classes
        named = np.array(classes)[label] if classes else label
        return TrainingRows(frame, named, self.times[places], each)

    def features(self, rows: slice | NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Features of some rows, as stored."""
        return {name: values[rows] for name, values in self.columns.items()}

    def _truth(self, asked: pa.Table, facts: pa.Table, sequence: int, as_of: int) -> NDArray[np.float64]:
        def read(_name: str, _version: int, columns: Sequence[str]) -> pa.Table:
            return facts.select(list(columns))

        sources = Sources(read, {self.loop.label.table.name: 0}, sequence, as_of)
        return truth_of(asked, self.loop.question, self.loop.label, sources)


def read_history(loop: Loop, tables: Path, log: Path, until: int) -> History:
    """Read the tables and join the features of every question whose label is mature by ``until``; the prediction log
    says which labels a prediction has shaped."""
    stored = DeltaTables(tables)
    versions = {table.name: at for table in loop.tables if (at := stored.version(table.name)) >= 0}

    def read(name: str, version: int, columns: Sequence[str]) -> pa.Table:
        return stored.read(name, version=version, columns=columns)

    sources = Sources(read, versions, _EVERYTHING, until, scan=stored.scan)
    asked = matured_questions(loop.question, loop.label, sources)
    columns = joined_features(asked, loop.feature_set, sources)
    label, keys = loop.label, loop.question.keys
    facts = sources.facts(label.table.name, [*label.table.keys, *keys, *label.columns])
    of = key_index(asked, keys).get_indexer(key_index(facts, keys)).astype(np.int64)
    order = np.argsort(of, kind="stable")
    frame = model_frame(columns, loop.feature_set.kinds)
    shaping = read_shaping(loop, asked, stored, DeltaTables(log))
    return History(loop, asked, columns, frame, facts.take(pa.array(order)), of[order], shaping)
