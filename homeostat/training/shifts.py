"""The same join asked otherwise: earlier, later, or only of facts whose known time says that they were there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.columns import integers
from homeostat.features.offline import ASKED_AT
from homeostat.kernel.clock import Duration

_EVERYTHING = 1 << 62
"""After every sequence, and before the end of time, at which facts that nothing superseded die."""
Tables = Mapping[str, pa.Table]


def shifted(asked: pa.Table, by: Duration) -> pa.Table:
    """Every question asked ``by`` later, knowing then all that was ever accepted; earlier, knowing what it knew."""
    times = integers(asked.column(ASKED_AT), ASKED_AT) + by
    moved = _with(asked, ASKED_AT, times)
    return moved if by <= 0 else _with(moved, SEQUENCE, np.full(times.size, _EVERYTHING))


def by_known_time(asked: pa.Table, tables: Tables) -> tuple[pa.Table, dict[str, pa.Table]] | None:
    """Questions and facts renumbered in the order in which they were known; None when that is the order they have.

    Orders differ after an import of history, whose rows are accepted now and known long ago.
    """
    parts = [asked, *tables.values()]
    sizes = np.cumsum([part.num_rows for part in parts])[:-1]
    known = np.concatenate([integers(part.column(KNOWN_AT), KNOWN_AT) for part in parts])
    sequence = np.concatenate([integers(part.column(SEQUENCE), SEQUENCE) for part in parts])
    order = np.lexsort((sequence, known))
    if bool((np.diff(sequence[order]) >= 0).all()):
        return None
    places = np.empty_like(order)
    distinct = np.append(True, np.diff(sequence[order]) != 0)  # a question may be a fact of a view as well
    places[order] = np.cumsum(distinct)
    mine, *theirs = np.split(places, sizes)
    facts = {name: _with(part, SEQUENCE, ranks) for (name, part), ranks in zip(tables.items(), theirs, strict=True)}
    return _with(asked, SEQUENCE, mine), facts


def _with(table: pa.Table, name: str, values: NDArray[np.int64]) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values))
