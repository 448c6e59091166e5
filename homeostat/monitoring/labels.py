"""Joins predictions to the truth as it was known: some is there, some is still due, some never comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.data.labels import Label
from homeostat.data.matching import key_codes, last_fact
from homeostat.data.shaped import Shaped
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Booleans, Floats, Integers

MATURING = 0
LABELLED = 1
MATURED_WITHOUT_LABEL = 2
SHAPED = 3


@dataclass(frozen=True, slots=True, eq=False)
class JoinedLabels:
    """One entry per question of a log slice, aligned over all arrays, in the order of the log.

    ``rows`` are the log rows that count: of several answers to one question, the first. ``status`` is MATURING until
    the label is due, even where the truth is known already: truth that comes early is not like truth that comes late,
    so figures stand on matured rows only; and SHAPED once it is due where the caller acted on the prediction, or nobody
    told whether (`data.shaped`): what is told then, if anything, may be no truth of the world. ``truth`` is 1.0, 0.0 or
    NaN as known; ``late`` marks truth accepted after it was due. ``repeated`` counts the answers left out.
    """

    rows: Integers
    status: NDArray[np.int8]
    truth: Floats
    late: Booleans
    due: Integers
    repeated: int

    @property
    def labelled_rows(self) -> Integers:
        """The log rows on which performance stands."""
        return np.asarray(self.rows[self.status == LABELLED], dtype=np.int64)

    @property
    def told(self) -> Integers:
        """The places of every entry whose label is due and there, shaped or not."""
        due = (self.status == LABELLED) | (self.status == SHAPED)
        return np.flatnonzero(due & ~np.isnan(self.truth)).astype(np.int64)

    @property
    def labels(self) -> Booleans:
        """The truth of `labelled_rows`, in their order."""
        return np.asarray(self.truth[self.status == LABELLED] == 1.0, dtype=np.bool_)

    @property
    def counts(self) -> dict[str, int]:
        """How many questions: in all, and by status; ``late`` and ``repeated`` besides."""
        return self.counts_of(np.ones(int(self.rows.max(initial=-1)) + 1, dtype=np.int64))

    def counts_of(self, weights: Integers) -> dict[str, int]:
        """The same where each log row stands for so many predictions; ``repeated`` counts rows."""
        stands_for = weights[self.rows]
        return {
            "predicted": int(stands_for.sum()),
            "labelled": int(stands_for[self.status == LABELLED].sum()),
            "matured_without_label": int(stands_for[self.status == MATURED_WITHOUT_LABEL].sum()),
            "maturing": int(stands_for[self.status == MATURING].sum()),
            "late": int(stands_for[self.late].sum()),
            "repeated": self.repeated,
        }


def join_labels(
    log: pa.Table, facts: pa.Table, label: Label, *, keys: Sequence[str], now: Instant, sequence: int
) -> JoinedLabels:
    """Status and truth of every question in ``log``, as known at ``now`` and ingest ``sequence``.

    Args: ``log`` is a slice of the prediction log, ``facts`` the label's table as stored; ``keys`` are the
    question table's key columns. A label is due, and the row matured, at the maturity column plus the delay.
    Of several facts about one question, the one accepted last counts; facts after ``sequence`` do not exist.
    Raises: InvalidInput when a needed column is not there or is null where time is needed.
    """
    _need(log, (*(f"q_{key}" for key in keys), f"q_{label.maturity_column}", *_ORDER), "prediction log")
    _need(facts, (*keys, *label.columns, SEQUENCE, KNOWN_AT), f"table {label.table.name!r}")
    known = facts.filter(pc.less_equal(facts[SEQUENCE], sequence))
    asked, told = key_codes(log, [f"q_{key}" for key in keys], known, keys)
    rows = _first_answers(log, asked)
    due = (_micros(log, f"q_{label.maturity_column}") + label.maturity_delay)[rows]
    fact = last_fact(told, _integers(known, SEQUENCE), asked[rows])
    truth, late = np.full(rows.size, np.nan), np.zeros(rows.size, dtype=np.bool_)
    found = fact >= 0
    truth[found] = label.truth(_columns(known, label.columns))[fact[found]]
    late[found] = _micros(known, KNOWN_AT)[fact[found]] > due[found]
    status = np.where(np.isnan(truth), MATURED_WITHOUT_LABEL, LABELLED)
    shaped = Shaped.of(log)
    status = np.where((shaped.acted | shaped.untold)[rows], SHAPED, status)
    status = np.where(due > now, MATURING, status).astype(np.int8)
    late &= status == LABELLED
    return JoinedLabels(rows, status, truth, late, due, log.num_rows - int(rows.size))


_ORDER = ("served_at", "read_sequence", "prediction_id")


def _need(table: pa.Table, columns: Sequence[str], what: str) -> None:
    absent = [name for name in columns if name not in table.column_names]
    if absent:
        raise InvalidInput(f"The {what} lacks {', '.join(absent)}.", mend="Read these columns as well.", absent=absent)


def _first_answers(log: pa.Table, asked: Integers) -> Integers:
    """Rows of the first answer to each question; what was answered first is what users acted on."""
    ids = log["prediction_id"].cast(pa.string()).combine_chunks()
    ranks = np.asarray(pc.rank(ids, tiebreaker="first"), dtype=np.int64)
    order = np.lexsort((ranks, _integers(log, "read_sequence"), _micros(log, "served_at")))
    _, first = np.unique(asked[order], return_index=True)
    return np.sort(order[first]).astype(np.int64)


def _columns(table: pa.Table, names: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    return {name: table[name].to_numpy() for name in names}


def _integers(table: pa.Table, name: str) -> Integers:
    column = table[name]
    if column.null_count:
        raise InvalidInput(f"{name!r} has nulls.", mend="Time and order must be given.", column=name)
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _micros(table: pa.Table, name: str) -> Integers:
    at = table.schema.get_field_index(name)
    if pa.types.is_timestamp(table.schema.field(name).type):
        table = table.set_column(at, name, table[name].cast(pa.timestamp("us", tz="UTC")))
    return _integers(table, name)
