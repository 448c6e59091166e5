"""Pins the tables of a home as they are now, for whoever looks back: no instance need be running."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.prediction_log.shaped import shaped_questions
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT
from homeostat.kernel.clock import Instant
from homeostat.training.training_set import Sources


def sources_now(settings: Settings, loop: Loop, decided_until: Instant | None) -> Sources:
    """All facts that are stored, and labels mature by what was last decided, or by the newest fact."""
    tables = DeltaTables(settings.paths.tables)
    found = {table.name: tables.version(table.name) for table in loop.tables}
    versions = {name: version for name, version in found.items() if version >= 0}

    def read(name: str, version: int, columns: object) -> pa.Table:
        return tables.read(name, version=version, columns=columns)  # type: ignore[arg-type]

    as_of = decided_until or max((_newest(tables, name) for name in versions), default=0)
    shaped = shaped_questions(DeltaTables(settings.paths.log), loop, Reported(tables))
    return Sources(read, versions, 1 << 62, as_of, shaped=shaped)


def _newest(tables: DeltaTables, name: str) -> Instant:
    known = pc.max(tables.read(name, columns=[KNOWN_AT])[KNOWN_AT])
    return int(known.cast(pa.int64()).as_py() or 0)
