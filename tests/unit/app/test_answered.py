"""What a shadow or a pinned version said is no answer; whoever else answered counts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.answered import ANSWERED


def test_only_answers_are_read_of_a_stored_log(tmp_path: Path) -> None:
    arms = ["champion", "canary", "shadow", "pinned", "blue", "champion"]
    write_deltalake(str(tmp_path / "late"), pa.table({"arm": pa.array(arms)}))
    read = DeltaTables(tmp_path).read("late", columns=["arm"], where=ANSWERED)
    assert sorted(read["arm"].to_pylist()) == ["blue", "canary", "champion", "champion"]
