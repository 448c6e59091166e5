"""Which facts may share their key with another, found by hashing columns at memory speed.

Almost no fact of a table is ever corrected, and telling that exactly costs more than the rest of a join. Equal
keys have equal hashes, so only facts whose hash occurs twice need the exact look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_SHIFT = np.uint64(29)
_CHUNK = 1 << 15
"""Texts at a time: what is worked with stays in the processor's cache."""


def repeated(columns: Sequence[pa.ChunkedArray]) -> npt.NDArray[np.int64]:
    """Rows whose tuple of values may occur again, ascending: all that do, and by rare chance others.

    >>> repeated([pa.chunked_array([["a", "b", "a"]])]).tolist()
    [0, 2]
    """
    hashed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        hashed = _mix(hashed, _words(column.combine_chunks()))
    short = (hashed >> np.uint64(32)).astype(np.uint32)
    ordered = np.sort(short)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    near = np.zeros(1 << 24, dtype=bool)
    near[twice >> np.uint32(8)] = True
    rows = np.flatnonzero(near[short >> np.uint32(8)])
    return rows[np.isin(short[rows], twice)]


def _words(values: pa.Array) -> Words:
    """A hash per value; null keys do not occur."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _of_texts(values.cast(pa.large_string()))
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    given: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
    if given.dtype.kind == "f":
        given = given + 0.0  # -0.0 equals 0.0
    return given.astype(given.dtype if given.dtype.itemsize == 8 else np.int64).view(np.uint64)


def _of_texts(values: pa.Array) -> Words:
    """Eight bytes of every text at a time."""
    _, offsets, content = values.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    begin, length = bounds[:-1], np.diff(bounds)
    padded = np.concatenate((np.frombuffer(content or b"", dtype=np.uint8), np.zeros(8, dtype=np.uint8)))
    window: Words = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    hashed = length.astype(np.uint64)
    for first in range(0, len(length), _CHUNK):
        here = slice(first, first + _CHUNK)
        hashed[here] = _of_some(window, begin[here], length[here], hashed[here])
    return hashed


def _of_some(window: Words, begin: npt.NDArray[np.int64], length: npt.NDArray[np.int64], hashed: Words) -> Words:
    for start in range(0, int(length.max(initial=0)), 8):
        rows = np.flatnonzero(length > start)
        left = np.minimum(length[rows] - start, 8).astype(np.uint64)
        word = window[begin[rows] + start] << ((np.uint64(8) - left) * np.uint64(8))
        hashed[rows] = _mix(hashed[rows], word)
    return hashed


def _mix(hashed: Words, word: Words) -> Words:
    mixed = (hashed ^ (word * _ODD[0])) * _ODD[1]
    return mixed ^ (mixed >> _SHIFT)
