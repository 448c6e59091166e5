"""A grown home with facts and served predictions in it, made without running anything."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from homeostat.adapters.delta.rows import facts_schema, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.logged import Logged
from tests.harness.grown import BEGAN
from tests.harness.world import HOUR, LOOP

ASKED = BEGAN + 30 * HOUR
READ = 10
"""The sequence at which the prediction read its features."""


def loop_of(home: Home) -> Loop:
    """The loop of a home."""
    return load_loops(Settings.load(home.root).loop_file)[LOOP]


def purchase(visit: str, hours_before: float, spent: float, sequence: int) -> dict[str, Any]:
    """A purchase in the north, some hours before the question."""
    at = ASKED - int(hours_before * HOUR)
    return {"visit": visit, "at": at, "shop": "north", "spent": spent, SEQUENCE: sequence, KNOWN_AT: at + HOUR}


FACTS = [
    purchase("long ago", 9, 500.0, 1),
    purchase("plain", 5, 10.0, 2),
    purchase("corrected", 4, 90.0, 3),
    purchase("corrected", 4, 20.0, 5),
    purchase("corrected since", 3, 30.0, 6),
    purchase("corrected since", 3, 70.0, 12),
    purchase("late", 2, 400.0, 11),
]
SPENT, BOUGHT = 20.0, 3.0


def record(number: int, loop: Loop, spent: float = SPENT, bought: float = BOUGHT) -> PredictionRecord:
    """The prediction of a number: later ones were asked later."""
    at = ASKED + number * 60_000_000
    asked = {"visit": f"v{number}", "at": at, "due": at + HOUR, "x": 0.5, "shop": "north"}
    values = {"x": 0.5, "shop": "north", "shop_spent_6h": spent, "shop_bought_6h": bought}
    return PredictionRecord(
        prediction_id=f"018cc8a0-0000-7000-8000-{number:012x}",
        loop=LOOP,
        key=loop.question.key_of(asked),
        asked_at=at,
        served_at=at,
        read_sequence=READ,
        version="v2",
        arm="champion",
        generation=2,
        probability=0.25,
        prediction=False,
        latency_us=900,
        fell_back=False,
        question=asked,
        features=[values[name] for name in loop.feature_set.names],
        definitions=loop.feature_set.hash,
    )


def serve(home: Home, *records: PredictionRecord) -> None:
    """Store the facts, and these predictions in the log."""
    loop = loop_of(home)
    purchases = loop.label.table
    DeltaTables(home.tables).append(purchases.name, stored(loop, FACTS), writer="test", upto=1)
    placed = list(enumerate(records))
    rows = log_of(Logged.of(loop.feature_set), placed)
    DeltaTables(home.log).append(loop.name, rows, writer="test", upto=1)


def stored(loop: Loop, facts: list[dict[str, Any]]) -> pa.Table:
    """Purchases as the table store keeps them."""
    return pa.Table.from_pylist(facts, schema=facts_schema(loop.label.table))


def renamed(one: PredictionRecord, **changes: Any) -> PredictionRecord:
    """The same record with some parts changed."""
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    return PredictionRecord(**{**fields, **changes})
