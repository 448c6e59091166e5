"""Arrow columns as NumPy: entities as codes, instants as microseconds, numbers as float64 with NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Kind
from homeostat.features.ranges import Floats, Ints
from homeostat.features.views import FeatureKind
from homeostat.kernel.errors import InvalidInput

_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}


def column(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    """A column, or InvalidInput that says where it was looked for."""
    if name not in table.column_names:
        mend = did_you_mean(name, table.column_names)
        raise InvalidInput(f"{where} has no column {name!r}.", mend=mend, column=name)
    return table.column(name)


def integers(values: pa.ChunkedArray, name: str) -> Ints:
    """Sequences, and instants in microseconds. Raises: InvalidInput when one is null."""
    if values.null_count:
        mend = "Give every row its value: it decides what the row may see."
        raise InvalidInput(f"Column {name!r} has {values.null_count} nulls.", mend=mend, column=name)
    result: Ints = whole(values).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return result


def numbers(values: pa.ChunkedArray) -> Floats:
    """Numbers, integers and booleans as float64; null is NaN."""
    array = whole(values)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    array = array.cast(pa.float64(), safe=False)
    filled = pc.fill_null(array, np.nan) if array.null_count else array
    result: Floats = filled.to_numpy(zero_copy_only=False)
    return result


def plain(values: pa.ChunkedArray, kind: FeatureKind) -> npt.NDArray[Any]:
    """A feature's column: float64 with NaN, or text objects with None."""
    if kind == "number":
        return numbers(values)
    result: npt.NDArray[Any] = whole(values).cast(pa.string()).to_numpy(zero_copy_only=False)
    return result


def chosen(values: pa.ChunkedArray, kind: FeatureKind, rows: Ints) -> npt.NDArray[Any]:
    """The values at ``rows``; a row of -1 is missing."""
    missing = rows < 0
    if not len(values):
        return np.full(len(rows), np.nan if kind == "number" else None, dtype=float if kind == "number" else object)
    if kind == "number":
        found: npt.NDArray[Any] = numbers(values)[rows]
        found[missing] = np.nan
        return found
    return plain(values.take(pa.array(rows, mask=missing)), "text")


def codes(parts: Sequence[Sequence[pa.ChunkedArray]], kinds: Sequence[Kind]) -> list[Ints]:
    """Number the distinct tuples of some columns alike in several tables; a tuple with a null is -1.

    ``parts`` holds, per table, the columns; returns, per table, one code per row.
    """
    total = np.empty(0, dtype=np.int64)
    for position, kind in enumerate(kinds):
        joined = [chunk for columns in parts for chunk in columns[position].cast(_ARROW[kind]).chunks]
        values = pa.chunked_array(joined, type=_ARROW[kind])
        encoded = (pc.add(values, 0.0) if kind == "number" else values).dictionary_encode()  # -0.0 equals 0.0
        distinct = len(encoded.chunk(0).dictionary) if encoded.num_chunks else 0  # all chunks share one
        code = np.empty(len(values), dtype=np.int64)
        begin = 0
        for chunk in encoded.chunks:
            places = pc.fill_null(chunk.indices, -1) if chunk.null_count else chunk.indices
            code[begin : begin + len(chunk)] = places.to_numpy(zero_copy_only=False)
            begin += len(chunk)
        if not position:
            total = code
            continue
        missing = (total < 0) | (code < 0)
        total = total * max(distinct, 1) + code
        if len(total):
            both = pa.array(total).dictionary_encode()
            total = both.indices.to_numpy().astype(np.int64)
        total[missing] = -1
    splits = np.cumsum([len(columns[0]) for columns in parts])[:-1]
    return list(np.split(total, splits))


def whole(values: pa.ChunkedArray) -> pa.Array:
    """A column in one piece; copied only where it is in several."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
