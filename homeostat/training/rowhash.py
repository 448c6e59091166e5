"""A hash of training rows that depends on what they say, not on their order, nor on how they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import format_instant
from homeostat.registry.legs import RowsDigest
from homeostat.training.rows import TrainingRows

Words = NDArray[np.uint64]
Column = Callable[[slice], Words]
"""Gives the words of a part of a column: equal values have equal ones."""
LABEL, ASKED_AT, STANDS_FOR = "label", "asked_at", "stands_for"
_PART = 1 << 15
_DAY = 86_400_000_000
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_NOT_A_NUMBER = np.uint64(0xFFFFFFFFFFFFFFFF)


def digest_rows(rows: TrainingRows, threads: int = 2) -> RowsDigest:
    """What identifies the rows as a whole, each column, and each day (UTC) on which some were asked.

    The words of a row's values, each mixed with its column's name, are added and mixed again; rows are added. So
    neither their order nor that of the columns counts, and a digest of parts is the sum of theirs. 64 bits: two
    different sets agree by chance once in 2^64. It finds what changed; it is not made to withstand a forger, who
    could only reach another model by it, which a replay then shows. What rows stand for counts where it is not 1.
    """
    columns = [*_features(rows), (LABEL, _labels(rows.label)), (ASKED_AT, _integers(rows.asked_at))]
    if rows.stands_for is not None and (rows.stands_for != 1).any():
        columns.append((STANDS_FOR, _integers(rows.stands_for)))
    seeds = [(_seed(name), read) for name, read in columns]
    parts = [slice(start, start + _PART) for start in range(0, rows.label.size, _PART)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda part: _part(seeds, part), parts))
    words = np.concatenate([one for one, _ in found]) if found else np.empty(0, np.uint64)
    sums = np.add.reduce([one for _, one in found], axis=0) if found else np.zeros(len(columns), np.uint64)
    named = {name: _text(value) for (name, _), value in zip(columns, sums, strict=True)}
    days = dict(_days(rows.asked_at, words))
    return RowsDigest(int(rows.label.size), digest([sorted(named), _text(words.sum(dtype=np.uint64))]), named, days)


def _part(columns: list[tuple[np.uint64, Column]], part: slice) -> tuple[Words, Words]:
    """The words of some rows, and the sum of each of their columns."""
    sums = np.empty(len(columns), np.uint64)
    total: Words | None = None
    for place, (seed, read) in enumerate(columns):
        words = _mixed(read(part) + seed)
        sums[place] = words.sum(dtype=np.uint64)
        total = words if total is None else np.add(total, words, out=total)
    assert total is not None
    return _mixed(total), sums


def _mixed(words: Words) -> Words:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014), in place: every bit of a word changes every other."""
    scratch = words >> _SHIFTS[0]
    words ^= scratch
    words *= _FIRST
    words ^= np.right_shift(words, _SHIFTS[1], out=scratch)
    words *= _SECOND
    words ^= np.right_shift(words, _SHIFTS[2], out=scratch)
    return words


def _features(rows: TrainingRows) -> Iterator[tuple[str, Column]]:
    for name in rows.features.columns:
        values = rows.features[name]
        yield str(name), _texts(values.to_numpy()) if values.dtype.kind in "OT" else _numbers(values.to_numpy())


def _labels(label: NDArray[Any]) -> Column:
    """Truths by their numbers, the names of classes as texts."""
    return _texts(label.astype(object)) if label.dtype.kind in "OU" else _numbers(label.astype(np.float64))


def _numbers(values: NDArray[np.floating]) -> Column:
    """The bits of each number; a missing one has one form, however it came about."""

    def read(part: slice) -> Words:
        some = np.ascontiguousarray(values[part])
        words = some.view(np.uint32 if some.dtype == np.float32 else np.uint64).astype(np.uint64)
        words[np.isnan(some)] = _NOT_A_NUMBER
        return words

    return read


def _integers(values: NDArray[np.int64]) -> Column:
    return lambda part: values[part].view(np.uint64).copy()


def _texts(values: NDArray[np.object_]) -> Column:
    """Each different text is hashed once."""
    coded = pa.array(values, pa.large_string()).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    words = np.array([_word(text) for text in coded.dictionary.to_pylist()], np.uint64)
    return lambda part: words[codes[part]]


def _days(asked_at: NDArray[np.int64], words: Words) -> Iterator[tuple[str, tuple[int, str]]]:
    """Per day its rows and their sum."""
    days = asked_at // _DAY
    if days.size and (days[1:] < days[:-1]).any():
        order = np.argsort(days, kind="stable")
        days, words = days[order], words[order]
    starts = np.flatnonzero(np.diff(days, prepend=days[:1] - 1)) if days.size else np.empty(0, np.int64)
    counts = np.diff(starts, append=days.size)
    sums = np.add.reduceat(words, starts) if starts.size else words[:0]
    for start, count, value in zip(starts, counts, sums, strict=True):
        yield format_instant(int(days[start]) * _DAY)[:10], (int(count), _text(value))


def _seed(name: str) -> np.uint64:
    return np.uint64(_word(f"column {name}"))


def _word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def _text(word: np.uint64) -> str:
    return f"{int(word):016x}"
