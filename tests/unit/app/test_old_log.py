"""A log written by an older release goes on in the same table, and both are read."""

from __future__ import annotations

from pathlib import Path

from homeostat.adapters.delta.rows import log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.scoring import can_judge
from homeostat.data.records import PredictionRecord
from homeostat.features.logged import Logged
from homeostat.monitoring.served import served_columns
from homeostat.registry.binding import Binding
from tests.unit.serving.late import FEATURES, NOW

NEW = ("definitions", "environment", "defaulted", "trace_id")


def record(name: str, **told: object) -> PredictionRecord:
    question = {"flight_id": name, "asked_at": NOW, "carrier": "UA", "origin": "JFK", "hour": 8, "distance": None}
    features = ["UA", 8.0, None, 20.0, 1.0, 5.0]
    return PredictionRecord(
        name, "late", name, NOW, NOW, 3, "v1", "champion", 1, 0.25, False, 90, False, question, features, **told
    )  # type: ignore[arg-type]


def test_rows_without_the_newer_columns_stay_readable_beside_rows_with_them(tmp_path: Path) -> None:
    tables, made_with = DeltaTables(tmp_path), Logged.of(FEATURES)
    old = log_of(made_with, [(0, record("a"))]).drop_columns(list(NEW))
    tables.append("late", old, writer="spool", upto=0)
    told = {"definitions": FEATURES.hash, "environment": "e" * 64, "defaulted": ("origin_delay_3h",)}
    traced = {**told, "trace_id": "0af7651916cd43dd8448eb211c80319c"}
    for place, name, more in ((1, "b", told), (2, "c", traced)):
        tables.append("late", log_of(made_with, [(place, record(name, **more))]), writer="spool", upto=place)
    log = tables.read("late")
    assert log["prediction_id"].to_pylist() == ["a", "b", "c"]
    assert log["defaulted"].to_pylist() == [None, ["origin_delay_3h"], ["origin_delay_3h"]]
    assert log["trace_id"].to_pylist() == [None, None, traced["trace_id"]]
    assert log["definitions"].to_pylist() == [None, FEATURES.hash, FEATURES.hash]
    assert can_judge(log, Binding.of(FEATURES), {FEATURES.hash: made_with})
    assert served_columns(log, FEATURES.kinds)["origin_delay_3h"].tolist() == [20.0, 20.0, 20.0]
