"""Stored rows as counts over a profile's bins, straight from the files of a Delta table: how fast distances can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.data.arrow import ds
from homeostat.data.checks import did_you_mean
from homeostat.data.profiles import Profile
from homeostat.kernel.errors import NotFound

_ROWS = 32_768
"""Read at a time: as many as a core's cache holds of a column."""
_SMALL_BUFFERS = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True, buffer_size=65_536)
"""With these, and a pool that hands back what it was just given, the same little memory is read through again and
again: fresh memory takes longer to touch than its rows to count."""


class DeltaCounts:
    """Reads on one thread, one part after the other; texts as the numbers that the files keep them by.

    Memory is that of a few thousand rows, whatever their number.
    """

    def __init__(self, tables: DeltaTables) -> None:
        self._tables = tables

    def count(
        self,
        table: str,
        profiles: Mapping[str, Profile],
        *,
        version: int | None = None,
        where: pc.Expression | None = None,
    ) -> dict[str, Profile]:
        """Rows of a version over the bins of each column's profile.

        Raises: NotFound for no such table, version or column; InvalidInput for values of another kind.
        """
        at = max(0, self._tables.version(table)) if version is None else version
        texts = [name for name, profile in profiles.items() if profile.kind == "text"]
        stored = self._tables.scan(table, at, coded=texts if where is None else ())
        for name in profiles:
            if name not in stored.schema.names:
                mend = did_you_mean(name, stored.schema.names)
                raise NotFound(f"Table {table!r} stores no column {name!r}.", mend=mend)
        parts = stored.to_batches(
            columns=list(profiles),
            filter=where,
            batch_size=_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=_SMALL_BUFFERS,
            use_threads=False,
            memory_pool=pa.system_memory_pool(),
        )
        return counted(profiles, parts)


def counted(profiles: Mapping[str, Profile], batches: Iterable[pa.RecordBatch]) -> dict[str, Profile]:
    """Rows of all batches over the bins of each column's profile.

    >>> hours = Profile.of("hour", "number", [6.0, 7.0, 8.0, 9.0], bins=2)
    >>> counted({"hour": hours}, pa.table({"hour": [5, None, 9, 9]}).to_batches())["hour"].counts
    (1, 2)
    """
    found = {name: profile.count([]) for name, profile in profiles.items()}
    for batch in batches:
        for name, so_far in found.items():
            found[name] = so_far + count_array(so_far, batch.column(name))
    return found


def count_array(profile: Profile, values: pa.Array) -> Profile:
    """One column over a profile's bins; of a text each distinct name is looked at once.

    Raises: InvalidInput for values of another kind.
    """
    if profile.kind == "number":
        return profile.count(values.to_numpy(zero_copy_only=False))
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    codes = coded.indices.drop_null().to_numpy()
    rows = np.bincount(codes, minlength=len(coded.dictionary)).tolist()
    tally: Counter[str | None] = Counter()
    for name, many in zip(coded.dictionary.to_pylist(), rows, strict=True):
        if many:
            tally[None if name is None or name == "" or name != name else str(name)] += many
    missing = tally.pop(None, 0)
    return profile.count_names({str(name): many for name, many in tally.items()}, missing + values.null_count)
