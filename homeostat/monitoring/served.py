"""Served rows beside what offline makes of the same questions: the ground of every skew figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.data.tables import KNOWN_AT, SEQUENCE, Table
from homeostat.features.columns import integers
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import ASKED_AT, columns_read, point_in_time
from homeostat.features.parity import differing
from homeostat.features.views import FeatureKind
from homeostat.kernel.clock import Duration, Instant, duration
from homeostat.stats.arrays import Integers

Columns = Mapping[str, NDArray[Any]]
GRACE = duration("1m")
"""How far the online store may lag behind what was accepted before it counts as stale."""
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Needed:
    """Which facts of a table recomputing needs: event time from ``since`` on (None: all), accepted as sequence
    ``sequence`` at the latest or known by ``known``. A correction of such a fact is needed whatever its event
    time; it is known no earlier than the fact it corrects."""

    table: Table
    columns: tuple[str, ...]
    since: Instant | None
    sequence: int
    known: Instant


ReadFacts = Callable[[Needed], pa.Table]


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """Served rows and their recomputed features, aligned; ``wrong`` marks by feature the rows that differ.

    ``due`` is the sequence that each row should have seen: the one it was read at, or a later one that was
    accepted more than a minute before it was served. ``read`` is behind ``due`` where the store was stale.
    ``environment`` is the hash of the libraries that computed each row; empty texts where none was logged.
    """

    ids: NDArray[np.object_]
    question: pa.Table
    asked_at: Integers
    served_at: Integers
    read: Integers
    due: Integers
    environment: NDArray[np.object_]
    served: Columns
    recomputed: Columns
    wrong: Mapping[str, NDArray[np.bool_]]

    @property
    def rows(self) -> int:
        """How many rows were recomputed."""
        return int(self.ids.size)

    def take(self, rows: Integers) -> Examined:
        """Some of the rows."""
        return Examined(
            ids=self.ids[rows],
            question=self.question.take(pa.array(rows)),
            asked_at=self.asked_at[rows],
            served_at=self.served_at[rows],
            read=self.read[rows],
            due=self.due[rows],
            environment=self.environment[rows],
            served={name: values[rows] for name, values in self.served.items()},
            recomputed={name: values[rows] for name, values in self.recomputed.items()},
            wrong={name: values[rows] for name, values in self.wrong.items()},
        )


def examine(log: pa.Table, features: FeatureSet, read: ReadFacts) -> Examined:
    """Recompute the rows of a slice of the prediction log, each as of what was known when it was served.

    Raises: InvalidInput where the log or a table lacks a column.
    """
    asked_at, served_at = (_micros(log, name) for name in ("asked_at", "served_at"))
    at = np.asarray(log["read_sequence"].to_numpy(), dtype=np.int64)
    tables = facts_needed(features, asked_at, served_at, at, read)
    due = np.maximum(at, newest_by(tables, served_at - GRACE))
    question = question_of(log)
    served = served_columns(log, features.kinds)
    again = recompute(features, question, asked_at, due, tables)
    return Examined(
        np.array(log["prediction_id"].to_pylist(), dtype=object),
        question,
        asked_at,
        served_at,
        at,
        due,
        _environments(log),
        served,
        again,
        differing(features, served, again),
    )


def recompute(
    features: FeatureSet, question: pa.Table, at: Integers, sequence: Integers, tables: Mapping[str, pa.Table]
) -> dict[str, NDArray[Any]]:
    """Features of the same questions at any times and sequences."""
    asked = question.append_column(ASKED_AT, pa.array(at)).append_column(SEQUENCE, pa.array(sequence))
    return point_in_time(features, asked, tables)


def facts_needed(
    features: FeatureSet,
    asked_at: Integers,
    served_at: Integers,
    sequence: Integers,
    read: ReadFacts,
    *,
    more: Duration = 0,
) -> dict[str, pa.Table]:
    """Every fact that the features of some questions may see; ``more`` reaches that much further back."""
    if not asked_at.size:
        return {}
    found: dict[str, pa.Table] = {}
    for table in {view.table.name: view.table for view in features.views}.values():
        reach = reach_of(features, table)
        since = None if reach is None else int(asked_at.min()) - reach - more
        needed = Needed(
            table, (*columns_read(features, table), KNOWN_AT), since, int(sequence.max()), int(served_at.max())
        )
        found[table.name] = read(needed)
    return found


def newest_by(tables: Mapping[str, pa.Table], known: Integers) -> Integers:
    """The newest sequence that had been accepted by each instant; -1 before the first.

    Counts facts in the order of acceptance, so that a history imported later is not taken for known earlier.
    """
    newest = np.full(known.shape, -1, dtype=np.int64)
    for facts in tables.values():
        sequence = integers(facts[SEQUENCE], SEQUENCE)
        order = np.argsort(sequence, kind="stable")
        at = np.maximum.accumulate(_micros(facts, KNOWN_AT)[order])
        place = np.searchsorted(at, known, side="right") - 1
        newest = np.maximum(newest, np.append(sequence[order], -1)[place])
    return newest


def question_of(log: pa.Table) -> pa.Table:
    """The questions of a log slice, under the names that their table gives them."""
    names = [name for name in log.column_names if name.startswith("q_")]
    return pa.table({name.removeprefix("q_"): log[name] for name in names})


def served_columns(log: pa.Table, kinds: Mapping[str, FeatureKind]) -> dict[str, NDArray[Any]]:
    """Features as served: float64 with NaN for missing, or objects with None; all missing where none was logged."""
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in kinds.items():
        values = log[f"x_{name}"] if f"x_{name}" in log.column_names else pa.nulls(log.num_rows)
        if kind == "number":
            columns[name] = values.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
        else:
            columns[name] = np.array(values.to_pylist(), dtype=object)
    return columns


def reach_of(features: FeatureSet, table: Table) -> Duration | None:
    """How far back from the asking time any view looks into a table; None for all the way."""
    views = [view for view in features.views if view.table.name == table.name]
    reaches = [view.longest for view in views]
    silences = [view.patience for view in views if view.patience is not None]
    return None if None in reaches else max([*(reach for reach in reaches if reach is not None), *silences])


def _environments(log: pa.Table) -> NDArray[np.object_]:
    if ENVIRONMENT not in log.column_names:
        return np.full(log.num_rows, "", dtype=object)
    return np.array([value or "" for value in log[ENVIRONMENT].to_pylist()], dtype=object)


def _micros(table: pa.Table, name: str) -> Integers:
    return np.asarray(table[name].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
