"""Facts and predictions as Arrow tables: the stored form of a contract and of a loop's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from homeostat.data.contracts import Value
from homeostat.data.journal import Batch
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import IMPORTED, KNOWN_AT, POSITION, SEQUENCE, Table
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Conflict

INSTANT = pa.timestamp("us", tz="UTC")
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": INSTANT,
}
_OWN_FIELDS: dict[str, pa.DataType] = {
    "prediction_id": pa.string(),
    "key": pa.string(),
    "asked_at": INSTANT,
    "served_at": INSTANT,
    "read_sequence": pa.int64(),
    "version": pa.string(),
    "arm": pa.string(),
    "generation": pa.int64(),
    "probability": pa.float64(),
    "prediction": pa.bool_(),
    "latency_us": pa.int64(),
    "fell_back": pa.bool_(),
    "definitions": pa.string(),
    "environment": pa.string(),
    "defaulted": pa.list_(pa.string()),
    "weight": pa.int64(),
    "one_in": pa.int64(),
    "acts": pa.bool_(),
    "explored": pa.bool_(),
    "propensity": pa.float64(),
    "trace_id": pa.string(),
}
LOG_SOUGHT = ("prediction_id", "key", "asked_at", "served_at", POSITION)
"""Columns by which predictions are looked for."""


def sought_of(table: Table) -> list[str]:
    """Columns by which facts of a table are looked for: its keys, instants and the store's own."""
    instants = (name for name, column in table.contract.items() if column.kind == "instant")
    return list(dict.fromkeys([*table.keys, *instants, SEQUENCE, KNOWN_AT]))


def facts_schema(table: Table) -> pa.Schema:
    """The stored columns of a table: its contract's, then the sequence, the known time and its mark."""
    own = {name: TYPES[column.kind] for name, column in table.contract.items()}
    return pa.schema({**own, SEQUENCE: pa.int64(), KNOWN_AT: INSTANT, IMPORTED: pa.bool_()})


def facts_of(table: Table, batches: Sequence[Batch]) -> pa.Table:
    """Batches of one table in its stored form.

    Raises: Conflict when facts were accepted under a contract that no longer fits them.
    """
    columns: dict[str, list[Value]] = {name: [] for name in facts_schema(table).names}
    for batch in batches:
        _check_columns(table, batch)
        for name in table.contract:
            columns[name] += batch.columns.get(name) or [None] * batch.count
        columns[SEQUENCE] += batch.sequences
        columns[KNOWN_AT] += batch.past.known_times if batch.past else [batch.known_at] * batch.count
        columns[IMPORTED] += [True if batch.past else None] * batch.count
    try:
        return pa.Table.from_pydict(columns, schema=facts_schema(table))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _outgrown(table.name, "with another kind of column") from error


def log_schema(made_with: Logged) -> pa.Schema:
    """The stored columns of a loop's log: the record's own, ``q_`` the question's, ``x_`` the features'."""
    asked = {f"q_{name}": TYPES[kind] for name, kind in made_with.question.items()}
    read = {f"x_{name}": TYPES[kind] for name, kind in made_with.features.items()}
    return pa.schema({**_OWN_FIELDS, **asked, **read, POSITION: pa.int64()})


def log_of(made_with: Logged, placed: Sequence[tuple[int, PredictionRecord]]) -> pa.Table:
    """Prediction records made with one feature set, each with its place in the spool, in their stored form.

    Raises: Conflict when a record was made with other features or another question than these.
    """
    records = [record for _, record in placed]
    columns: dict[str, list[Any]] = {name: [getattr(record, name) for record in records] for name in _OWN_FIELDS}
    for name in made_with.question:
        columns[f"q_{name}"] = [record.question.get(name) for record in records]
    try:
        by_feature = zip(*(record.features for record in records), strict=True)
        for name, values in zip(made_with.features, by_feature, strict=True):
            columns[f"x_{name}"] = list(values)
        columns[POSITION] = [place for place, _ in placed]
        return pa.Table.from_pydict(columns, schema=log_schema(made_with))
    except (ValueError, pa.ArrowTypeError) as error:
        raise _outgrown(records[0].loop, "with other features") from error


def _check_columns(table: Table, batch: Batch) -> None:
    gone = [name for name in batch.columns if name not in table.contract]
    if gone:
        raise _outgrown(table.name, f"with columns that its contract lacks now: {', '.join(gone)}")


def _outgrown(name: str, how: str) -> Conflict:
    return Conflict(
        f"Rows of {name!r} wait to be stored that were accepted {how}.",
        mend="Start once with the loop file as it was, let it stop in peace, then change the file.",
        table=name,
    )
