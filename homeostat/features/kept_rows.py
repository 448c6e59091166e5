"""Rows of a question kept online by their key, so that a client which has sent one as an event may ask by its key."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.data.contracts import Row
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.online import OnlineReader
from homeostat.features.views import Entity, Latest
from homeostat.kernel.clock import Instant

KEPT = "7d"
"""How old, in event time, a row may be that is asked about by its key: as far back as the online store answers."""


@dataclass(frozen=True)
class KeptRows(Latest):
    """The newest row of each key, whole and as it was parsed; what a view by key is that goes to no model."""

    def _check_kinds(self) -> None:
        """Any kind may be kept."""


def kept_rows(table: Table) -> KeptRows:
    """Keep a table's rows by their key."""
    return KeptRows(table, by=table.keys, columns=tuple(table.contract), max_age=KEPT)


def keeping(view: KeptRows) -> FeatureSet:
    """What the online store is told, beside the loops' features, to keep rows."""
    return FeatureSet(view.table, (), (), (), (view,), ())


def rows_of(view: KeptRows, keys: list[Entity], now: Instant, reader: OnlineReader) -> list[Row | None]:
    """The newest row of each key as known now; None where there is none, or it is older than is kept.

    Raises: Unavailable while the store is not there or does not keep them.
    """
    until = now + view.table.tolerance  # a row may be ahead of our clock by as much
    with reader.snapshot() as snapshot:
        found = snapshot.latest(view, [(key, until) for key in keys])
    rows = [dict(zip(view.columns, values, strict=True)) for values in found]
    return [None if row[view.table.event_time] is None else row for row in rows]
