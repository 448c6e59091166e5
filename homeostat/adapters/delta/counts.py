"""Counts of stored rows straight from a Delta table's files."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.data.arrow import ds
from homeostat.data.checks import did_you_mean
from homeostat.data.counting import counted
from homeostat.data.profiles import Profile
from homeostat.kernel.errors import NotFound

_ROWS = 32_768
"""Read at a time: as many as a core's cache holds of a column."""
_SMALL_BUFFERS = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True, buffer_size=65_536)
"""With these, and a pool that hands back what it was just given, the same little memory is read through again and
again: fresh memory takes longer to touch than its rows to count."""


class DeltaCounts:
    """Reads on one thread, one part after the other; texts as the numbers that the files keep them by."""

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
