"""What each logged prediction stands for where the log keeps a share of them, so that figures stay unbiased.

A kept row carries its ``weight``: the inverse of the chance with which it was kept. Counts add weights. For
everything else rows are thinned until each stands for equally many: what is left is a plain random sample, so that
every figure, and every limit on how many rows it needs, means what it always meant.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from homeostat.stats.arrays import Booleans, Integers

if TYPE_CHECKING:
    import pyarrow as pa

WEIGHT, ONE_IN = "weight", "one_in"
_SCALE = 1 << 64


def chosen(prediction_id: str, one_in: int, purpose: bytes = b"log") -> bool:
    """Whether an id is among one in so many: always the same answer, whatever was predicted.

    What is chosen among more is chosen among fewer, too; ``purpose`` gives choices that know nothing of each other.

    >>> chosen("a", 1), sum(chosen(str(n), 10) for n in range(1_000))
    (True, 109)
    """
    return one_in <= 1 or _place(prediction_id, purpose) * one_in < _SCALE


def within(name: str, chance: float, purpose: bytes) -> bool:
    """The same where each has a chance of its own.

    >>> within("a", 0.0, b"x"), within("a", 1.0, b"x"), sum(within(str(n), 0.3, b"x") for n in range(1_000))
    (False, True, 280)
    """
    return chance >= 1.0 or _place(name, purpose) < chance * _SCALE


def place_of(name: str, purpose: bytes) -> float:
    """The place of an id in [0, 1): always the same, whatever was predicted."""
    return _place(name, purpose) / _SCALE


def weights(log: pa.Table) -> Integers:
    """How many predictions each row of a log stands for; 1 where the log is older than the column."""
    return _column(log, WEIGHT)


def coarsest(log: pa.Table) -> int:
    """Of how many predictions one was kept, where the fewest were; 1 for a log that kept all."""
    return int(_column(log, ONE_IN).max(initial=1))


def even(log: pa.Table, one_in: int) -> Booleans:
    """The rows of a plain sample of one in ``one_in``: of what was kept for certain, only so many.

    ``one_in`` is at least `coarsest` of the log.
    """
    if one_in == 1:
        return np.ones(log.num_rows, dtype=np.bool_)
    ids, kept = log["prediction_id"].to_pylist(), weights(log).tolist()
    pairs = zip(ids, kept, strict=True)
    return np.array([_place(name, b"even") * one_in < weight * _SCALE for name, weight in pairs], dtype=np.bool_)


def evened(log: pa.Table) -> tuple[pa.Table, int]:
    """A plain sample of what was served, and how many predictions each of its rows stands for."""
    one_in = coarsest(log)
    return (log, 1) if one_in == 1 else (log.filter(even(log, one_in)), one_in)


def _column(log: pa.Table, name: str) -> Integers:
    if name not in log.column_names:
        return np.ones(log.num_rows, dtype=np.int64)
    return np.asarray(log[name].fill_null(1).to_numpy(), dtype=np.int64)


def _place(prediction_id: str, purpose: bytes) -> int:
    return int.from_bytes(blake2b(prediction_id.encode(), digest_size=8, person=purpose).digest(), "big")
