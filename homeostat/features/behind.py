"""Which facts of a view a question could have seen: those of its entity, with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.data.contracts import Value
from homeostat.data.tables import KNOWN_AT, SEQUENCE, Table
from homeostat.features.columns import codes, integers
from homeostat.features.timeline import deaths
from homeostat.features.views import View
from homeostat.kernel.clock import Instant, from_datetime

Read = Callable[[Table, Sequence[str], pc.Expression], pa.Table]
"""Columns of a table's facts as stored, those for which a condition holds; whatever was accepted by now.

A column that the store does not have, such as the known time, may be left out."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its parsed row, its event time, and the sequence up to which facts were known.

    Without ``since`` nobody looks for what corrected a fact only after that: it takes a look at every later fact.
    """

    row: Mapping[str, Value]
    at: Instant
    sequence: int
    since: bool = True


@dataclass(frozen=True)
class Behind:
    """Facts about one entity up to the asking time, ordered by (event time, sequence).

    ``born`` is each fact's sequence, ``died`` the sequence that superseded it; NEVER when none did.
    """

    table: Table
    facts: pa.Table
    time: Ints
    born: Ints
    died: Ints

    def __len__(self) -> int:
        return len(self.time)

    def seen(self, sequence: int) -> npt.NDArray[np.bool_]:
        """Which facts were accepted by then, and not superseded by then."""
        return np.asarray((self.born <= sequence) & (sequence < self.died))

    def rows(self, places: range, names: Sequence[str]) -> Iterator[tuple[dict[str, Value], Instant | None]]:
        """Some columns of neighbouring facts, instants in microseconds, and when each became known."""
        known = [KNOWN_AT] if KNOWN_AT in self.facts.column_names else []
        part = self.facts.slice(places.start, len(places)).select([*names, *known])
        for row in part.to_pylist():
            plain = {name: from_datetime(each) if isinstance(each, datetime) else each for name, each in row.items()}
            known_at = plain.pop(KNOWN_AT, None)
            yield plain, known_at


def behind(view: View, asked: Asked, read: Read, since: Instant | None) -> Behind:
    """The facts of the asking row's entity with event time in ``(since, asked.at]``, whenever accepted."""
    entity = [asked.row.get(name) for name in view.entity]
    if None in entity:
        where = pc.scalar(False)
    else:
        pairs = zip(view.entity, entity, strict=True)
        where = reduce(and_, (pc.field(name) == _scalar(view.table, name, value) for name, value in pairs))
    return _facts(view.table, view.columns, asked, read, since, where)


def is_silent(view: View, asked: Asked, read: Read) -> bool:
    """Whether the view's source had been silent for longer than a view with defaults allows."""
    if view.patience is None:
        return False
    facts = _facts(view.table, (), asked, read, asked.at - view.patience - 1, None)
    return not facts.seen(asked.sequence).any()


def _facts(
    table: Table,
    columns: Sequence[str],
    asked: Asked,
    read: Read,
    since: Instant | None,
    where: pc.Expression | None,
) -> Behind:
    """Reads the key, some columns and the store's own; and twice: a fact may have been superseded by one of
    another entity or time, which only its key tells."""
    event = pc.field(table.event_time)
    within = event <= _scalar(table, table.event_time, asked.at)
    if since is not None:
        within = within & (event > _scalar(table, table.event_time, since))
    names = dict.fromkeys([*table.keys, table.event_time, *columns, SEQUENCE, KNOWN_AT])
    near = read(table, list(names), within if where is None else within & where)
    time, born = integers(near[table.event_time], table.event_time), integers(near[SEQUENCE], SEQUENCE)
    order = np.lexsort((born, time))
    died = _deaths(table, near, born, read, None if asked.since else asked.sequence)
    return Behind(table, near.take(pa.array(order)), time[order], born[order], died[order])


def _deaths(table: Table, near: pa.Table, born: Ints, read: Read, until: int | None) -> Ints:
    """The sequence at which each fact was superseded, from all later facts of the same keys; from those up to a
    sequence, and the facts themselves, where one is given."""
    if not len(born):
        return born
    first = table.keys[0]
    where = pc.field(SEQUENCE) >= int(born.min())
    if until is not None:
        where &= pc.field(SEQUENCE) <= max(until, int(born.max()))
    related = read(table, [*table.keys, SEQUENCE], where & pc.field(first).isin(near[first].combine_chunks().unique()))
    kinds = [table.contract[name].kind for name in table.keys]
    (key,) = codes([[related[name] for name in table.keys]], kinds)
    every = integers(related[SEQUENCE], SEQUENCE)
    died = deaths(key, every)
    order = np.argsort(every)
    return np.asarray(died[order][np.searchsorted(every[order], born)])


def _scalar(table: Table, name: str, value: Any) -> pa.Scalar:
    kind = table.contract[name].kind
    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    return pa.scalar(value, types[kind])
