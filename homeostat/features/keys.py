"""Which facts may share their key with another, found by hashing columns at memory speed.

Almost no fact of a table is ever corrected, and telling that exactly costs more than the rest of a join. Equal
keys have equal hashes, so only facts whose hash occurs twice need the exact look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.features.columns import whole

Words = npt.NDArray[np.uint64]
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_SHIFT = np.uint64(29)
_CHUNK = 1 << 15
"""Rows at a time: what is worked with stays in the processor's cache."""


def repeated(columns: Sequence[pa.ChunkedArray]) -> npt.NDArray[np.int64]:
    """Rows whose tuple of values may occur again, ascending: all that do, and by rare chance others.

    >>> repeated([pa.chunked_array([["a", "b", "a"]])]).tolist()
    [0, 2]
    """
    short = _hashed([_words(whole(column)) for column in columns], len(columns[0]))
    ordered = np.sort(short)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    near = np.zeros(1 << 24, dtype=bool)
    near[twice >> np.uint32(8)] = True
    rows = np.flatnonzero(near[short >> np.uint32(8)])
    return rows[np.isin(short[rows], twice)]


def _hashed(columns: Sequence[Callable[[int, int], Words]], many: int) -> npt.NDArray[np.uint32]:
    found = np.empty(many, dtype=np.uint32)
    for first in range(0, many, _CHUNK):
        last = min(first + _CHUNK, many)
        hashed = np.zeros(last - first, dtype=np.uint64)
        for words in columns:
            hashed = _mix(hashed, words(first, last))
        found[first:last] = hashed >> np.uint64(32)
    return found


def _words(values: pa.Array) -> Callable[[int, int], Words]:
    """Gives a hash per value of some rows; null keys do not occur."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _of_texts(values)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    given: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)

    def of_rows(first: int, last: int) -> Words:
        some = given[first:last]
        if given.dtype.kind == "f":
            some = some + 0.0  # -0.0 equals 0.0
        return some.astype(some.dtype if some.dtype.itemsize == 8 else np.int64).view(np.uint64)

    return of_rows


def _of_texts(values: pa.Array) -> Callable[[int, int], Words]:
    _, offsets, content = values.buffers()
    wide = np.int32 if pa.types.is_string(values.type) else np.int64
    bounds = np.frombuffer(offsets, dtype=wide)[values.offset : values.offset + len(values) + 1]
    given = np.frombuffer(content or b"", dtype=np.uint8)

    def of_rows(first: int, last: int) -> Words:
        some = bounds[first : last + 1].astype(np.int64)
        here = given[some[0] : some[-1] + 8]
        missing = some[-1] + 8 - some[0] - len(here)
        padded = np.concatenate((here, np.zeros(missing, dtype=np.uint8))) if missing else here
        return _of_some(padded, some[:-1] - some[0], np.diff(some))

    return of_rows


def _of_some(content: npt.NDArray[np.uint8], begin: npt.NDArray[np.int64], length: npt.NDArray[np.int64]) -> Words:
    """Eight bytes of every text at a time; ``content`` has eight bytes after the last."""
    window: Words = np.ndarray((len(content) - 7,), dtype="<u8", buffer=content, strides=(1,))
    hashed = length.astype(np.uint64)
    shortest, longest = int(length.min()), int(length.max())
    for start in range(0, longest, 8):
        rows: Any = slice(None) if shortest > start else np.flatnonzero(length > start)
        word = window[begin[rows] + start]
        if shortest < start + 8:
            left = np.minimum(length[rows] - start, 8).astype(np.uint64)
            word <<= (np.uint64(8) - left) * np.uint64(8)
        hashed[rows] = _mix(hashed[rows], word)
    return hashed


def _mix(hashed: Words, word: Words) -> Words:
    mixed = (hashed ^ (word * _ODD[0])) * _ODD[1]
    mixed ^= mixed >> _SHIFT
    return mixed
