"""Matches rows of a log with facts that are about them, by key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from homeostat.stats.arrays import Integers


def key_codes(
    log: pa.Table, log_keys: Sequence[str], facts: pa.Table, keys: Sequence[str]
) -> tuple[Integers, Integers]:
    """One whole number per key on either side: equal numbers mean equal keys."""
    codes = np.zeros(log.num_rows + facts.num_rows, dtype=np.int64)
    for of_log, of_fact in zip(log_keys, keys, strict=True):
        kind = _plain_text(log.schema.field(of_log).type)
        chunks = [*log[of_log].cast(kind).chunks, *facts[of_fact].cast(kind).chunks]
        encoded = pa.chunked_array(chunks, type=kind).combine_chunks().dictionary_encode()
        part = np.asarray(encoded.indices.fill_null(-1), dtype=np.int64) + 1
        _, codes = np.unique(codes * (part.max(initial=0) + 1) + part, return_inverse=True)
    return codes[: log.num_rows], codes[log.num_rows :]


def last_fact(told: Integers, sequence: Integers, asked: Integers) -> Integers:
    """The row of the last accepted fact for each asked key; -1 where there is none."""
    order = np.argsort(sequence, kind="stable")
    place = np.full(max(told.max(initial=-1), asked.max(initial=-1)) + 1, -1, dtype=np.int64)
    place[told[order]] = order
    return place[asked]


def _plain_text(kind: pa.DataType) -> pa.DataType:
    texts = pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_dictionary(kind)
    return pa.string() if texts else kind
