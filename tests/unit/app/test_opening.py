"""What the recorder's stores are opened with."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from homeostat.adapters.delta.rows import facts_of
from homeostat.app.recorder.opening import open_stores
from homeostat.data.contracts import instant, number, text
from homeostat.data.journal import Batch
from homeostat.data.tables import Table

SEEN = Table(
    "seen", key="id", event_time="at", contract={"id": text(), "at": instant(), "due": instant(), "size": number()}
)


def test_files_keep_statistics_of_what_is_looked_for_alone(tmp_path: Path) -> None:
    stores = open_stores(tmp_path, [SEEN])
    rows = facts_of(SEEN, [Batch("seen", 0, 7, 1, {"id": ["a"], "at": [1], "due": [2], "size": [3.0]})])
    stores.tables.append("seen", rows, writer="w", upto=0)
    log = pa.table({"prediction_id": ["p"], "asked_at": [1], "probability": [0.5], "q_size": [3.0], "x_size": [3.0]})
    stores.log.append("late", log, writer="w", upto=0)
    stores.journal.close()
    assert _kept(tmp_path / "tables/seen") == {"id", "at", "due", "_sequence", "_known_at"}
    assert _kept(tmp_path / "log/late") == {"prediction_id", "asked_at"}


def _kept(table: Path) -> set[str]:
    names = DeltaTable(table).get_add_actions(flatten=True).column_names
    return {name.removeprefix("min.") for name in names if name.startswith("min.")}
