"""The offline engine for facts beyond memory: parts of entities on disk, each joined in memory, same answers.

An entity's questions need only its own facts, so both are split by a hash of the entity into parts small enough
for memory, in one pass of DuckDB that spills to disk. Which fact supersedes which is found before, for keys
that occur twice; how long a source was silent, over ranges of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.adapters.duckdb.parts import Parts
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import (
    Answers,
    Source,
    assembled,
    moments,
    needed_bytes,
    source_of,
)
from homeostat.features.stored import Stored
from homeostat.features.viewed import unheard, viewed
from homeostat.features.views import View
from homeostat.kernel.errors import Unavailable

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
_SHARE = 4
"""Of the memory, DuckDB takes all but a part in so many, in which one part of the facts is joined."""
_LEAST = 64_000_000
"""Bytes without which DuckDB does not work."""


class DuckDbEngine:
    """Joins within ``memory`` bytes whatever the size of the tables; works in files below ``folder``.

    Questions and answers are in memory: some hundred bytes a row. A single entity's facts must fit too.
    Raises: Unavailable when the disk is full.
    """

    def __init__(self, folder: Path, *, memory: int, threads: int = 1) -> None:
        self._folder, self._memory, self._threads = folder, memory, threads

    def answer(self, features: FeatureSet, question: pa.Table, tables: Mapping[str, Source]) -> Answers:
        """Every feature of every question. Raises: InvalidInput when a table or column is not given."""
        time, known = moments(features, question)
        number = max(1, -(-needed_bytes(features, question, tables) * _SHARE // self._memory))
        held: dict[str, Parts] = {}
        with self._opened() as (db, folder):

            def values_of(view: View) -> tuple[dict[str, Array], Flags]:
                table = view.table
                if table.name not in held:
                    held[table.name] = Parts(db, folder, table, source_of(tables, table), number)
                parts = held[table.name]
                return _viewed(view, parts, question, time, known), _silent(view, parts, time, known)

            return assembled(features, question, values_of)

    @contextmanager
    def _opened(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._folder) as folder, duckdb.connect(str(Path(folder) / "work.duckdb")) as db:
            limit = max(self._memory // _SHARE * (_SHARE - 1), _LEAST)
            db.execute("SET memory_limit = ?", [f"{limit // 1_000_000}MB"])
            db.execute("SET temp_directory = ?", [folder])
            db.execute("SET threads = ?", [self._threads])
            db.execute("SET disabled_optimizers = 'build_side_probe_side'")  # the few superseded facts are looked up
            db.execute("SET enable_progress_bar = false")
            db.execute("SET preserve_insertion_order = false")
            db.execute("SET TimeZone = 'UTC'")
            try:
                yield db, Path(folder)
            except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
                raise Unavailable(
                    f"Joining beyond memory stopped: {error}.",
                    mend="Make room on the disk of the home folder, or give the join more memory.",
                    memory=self._memory,
                ) from error


def _viewed(view: View, parts: Parts, question: pa.Table, time: Array, known: Array) -> dict[str, Array]:
    kinds = {one.name: object if one.kind == "text" else np.float64 for one in view.features}
    found: dict[str, Array] = {name: np.empty(len(time), dtype=kind) for name, kind in kinds.items()}
    asking = question.select(list(view.entity))
    for facts, rows in parts.of_entity(view.entity, view.columns, asking):
        stored = Stored(view.table, facts, known[rows])
        values = viewed(view, stored, asking.take(pa.array(rows)), time[rows])
        for name, each in values.items():
            found[name][rows] = each
    return found


def _silent(view: View, parts: Parts, time: Array, known: Array) -> Flags:
    quiet = np.zeros(len(time), dtype=bool)
    if view.patience is None:
        return quiet
    order = np.argsort(time, kind="stable")
    for rows in np.array_split(order, parts.number):
        if len(rows):
            facts = parts.between(int(time[rows[0]]) - view.patience, int(time[rows[-1]]))
            quiet[rows] = unheard(facts, time[rows], known[rows], view.patience)
    return quiet
