"""How old the newest event of a table was when a window ended, read from the table itself."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.data.tables import Table, TableStore
from homeostat.kernel.clock import Duration, Instant, to_datetime
from homeostat.monitoring.windows import Window


def age_at_end(tables: TableStore, table: Table, part: Window) -> Duration | None:
    """The age of the newest event before the window's end, whatever came later; None when there was none.

    Reads the window's own events, which is little; all earlier ones only when it has none.
    """
    if tables.version(table.name) < 0:
        return None
    at = pc.field(table.event_time)
    for where in ((at >= _at(part.start)) & (at < _at(part.end)), at < _at(part.start)):
        found = tables.read(table.name, columns=[table.event_time], where=where)[table.event_time]
        if len(found):
            return part.end - int(pc.max(found).cast(pa.int64()).as_py())
    return None


def _at(instant: Instant) -> pa.Scalar:
    return pa.scalar(to_datetime(instant), pa.timestamp("us", tz="UTC"))
