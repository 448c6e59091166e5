"""The online store's ports, and the lookup that turns a request's rows into features within microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.transforms import run_on_values
from homeostat.features.views import Entity, Feature, Latest, View, Window
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, IntegrityError

Row = Mapping[str, Value]
Ask = tuple[Entity, Instant]
"""One question put to a view: which entity, as of which event time."""
Batch = tuple[str, Sequence[Row], Sequence[int]]
"""Facts of one table with the sequence of each."""


class Damaged(IntegrityError):
    """The store is not what was written; all that it held is in the tables."""


class OutOfDate(Conflict):
    """The online store lacks facts that the definitions need; rebuild it from the tables."""

    code = "online_store_out_of_date"


class OnlineStore(Protocol):
    """The writer's side: keeps exactly the facts that views still need. One writer at a time."""

    def prepare(self, features: Sequence[FeatureSet]) -> None:
        """Make ready for these definitions. Raises: OutOfDate when the facts kept do not suffice."""
        ...

    def rebuild(self, features: Sequence[FeatureSet], batches: Iterable[Batch], upto: int) -> None:
        """Replace everything, at once for readers, by ``batches``: all facts accepted up to ``upto``."""
        ...

    def apply(self, table: str, rows: Sequence[Row], first_sequence: int) -> None:
        """Take in parsed facts, accepted as ``first_sequence`` and on; what was applied before is skipped."""
        ...

    def sequence(self) -> int:
        """The last sequence applied; -1 when there is none."""
        ...

    def prune(self, now: Instant) -> int:
        """Forget facts that no view can need from ``now`` less seven days on; returns how many."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class Snapshot(Protocol):
    """One consistent state of the store: every answer is as of ``sequence``."""

    @property
    def sequence(self) -> int:
        """The last sequence whose facts are seen; -1 when there is none."""
        ...

    def latest(self, view: Latest, asks: Sequence[Ask]) -> Sequence[Sequence[Value]]:
        """Per ask the values of ``view.features``. Raises: NotEnoughData before the pruning horizon."""
        ...

    def window(self, view: Window, asks: Sequence[Ask]) -> Sequence[Sequence[Value]]:
        """Per ask the values of ``view.features``. Raises: NotEnoughData before the pruning horizon."""
        ...

    def newest(self, table: Table, at: Instant) -> Instant | None:
        """The event time of a table's newest fact at an instant; None when it knows none.

        Kept for tables that a view with defaults and a freshness reads, as far back as that freshness.
        """
        ...


class OnlineReader(Protocol):
    """The reader's side; works while a writer writes, and never waits for it."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open one consistent read. Raises: Unavailable when the store is not there."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class Lookup(msgspec.Struct, frozen=True):
    """Features of some rows: per row ``values`` in the order of ``features.names`` (missing is None).

    ``defaulted`` holds, per row, the names of features whose declared default was used.
    """

    values: list[list[Value]]
    defaulted: list[tuple[str, ...]]


def read_features(
    features: FeatureSet, rows: Sequence[Row], times: Sequence[Instant], reader: OnlineReader
) -> tuple[Lookup, int]:
    """Features of each row, and the sequence they were read at; -1 where none of them reads a fact.

    Raises: Unavailable when a view must be read and the store is not there; NotEnoughData before its horizon.
    """
    if features.direct is not None:
        copied = [features.direct(row) for row in rows]
        return Lookup(copied, [()] * len(rows)), -1
    with reader.snapshot() as snapshot:
        return lookup(features, rows, times, snapshot), snapshot.sequence


def lookup(features: FeatureSet, rows: Sequence[Row], times: Sequence[Instant], snapshot: Snapshot) -> Lookup:
    """Features of each row as of its time.

    Equal to ``point_in_time`` asked for the same times at ``snapshot.sequence``. Rows keep the question's
    contract; ``times`` are their event times. What several rows ask of a view is asked once.
    """
    if not rows:
        return Lookup([], [])
    columns: dict[str, Sequence[Value]] = {}
    for feature in features.asked:
        columns[feature.name] = _selected(feature, rows)
    defaulted: list[list[str]] = [[] for _ in rows]
    for view in features.views:
        viewed = _viewed(view, rows, times, snapshot)
        if view.default:
            viewed = _filled(view, viewed, times, snapshot, defaulted)
        columns.update(viewed)
    run_on_values(features.transforms, features.taken, columns)
    values = [list(row) for row in zip(*(columns[name] for name in features.names), strict=True)]
    return Lookup(values, [tuple(names) for names in defaulted])


def _selected(feature: Feature, rows: Sequence[Row]) -> list[Value]:
    values = [row[feature.name] for row in rows]
    if feature.kind == "text":
        return values
    return [None if value is None else float(value) for value in values]


def _viewed(
    view: View, rows: Sequence[Row], times: Sequence[Instant], snapshot: Snapshot
) -> dict[str, Sequence[Value]]:
    names = view.entity
    if len(names) == 1:
        entities: list[Entity] = [(row[names[0]],) for row in rows]
    else:
        entities = [tuple(row[name] for name in names) for row in rows]
    asks = list(zip(entities, times, strict=True))
    distinct = asks if len(asks) == 1 else list(dict.fromkeys(asks))
    read = snapshot.latest(view, distinct) if isinstance(view, Latest) else snapshot.window(view, distinct)
    if len(distinct) < len(asks):
        answers = dict(zip(distinct, read, strict=True))
        read = [answers[ask] for ask in asks]
    return {feature.name: column for feature, column in zip(view.features, zip(*read, strict=True), strict=True)}


def _filled(
    view: View,
    columns: dict[str, Sequence[Value]],
    times: Sequence[Instant],
    snapshot: Snapshot,
    defaulted: list[list[str]],
) -> dict[str, Sequence[Value]]:
    """Put the declared defaults where a value is missing or its source silent, and note which."""
    silent = _silent(view, times, snapshot)
    for feature in view.features:
        if feature.default is None:
            continue
        values = list(columns[feature.name])
        for row, value in enumerate(values):
            if value is None or silent[row]:
                values[row] = feature.default
                defaulted[row].append(feature.name)
        columns[feature.name] = values
    return columns


def _silent(view: View, times: Sequence[Instant], snapshot: Snapshot) -> list[bool]:
    """Whether the view's source has been silent for too long at each time."""
    patience = view.patience
    if patience is None:
        return [False] * len(times)
    known = {at: snapshot.newest(view.table, at) for at in dict.fromkeys(times)}
    return [(newest := known[at]) is None or at - newest > patience for at in times]
