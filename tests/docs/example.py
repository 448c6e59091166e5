"""What the page on features calls to ask for a value: the offline engine on a handful of facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import point_in_time
from homeostat.kernel.clock import parse_instant
from tests.unit.features.reference import Question, asked_table, stored


def at(clock: str) -> int:
    """A time of the example's day."""
    return parse_instant(f"2026-03-01T{clock}Z")


def asked(
    features: FeatureSet,
    table: Table,
    facts: Sequence[dict[str, Any]],
    question: Table,
    time: str,
    known: int,
    shop: str,
) -> dict[str, Any]:
    """Every feature of one question, asked when the first ``known`` facts had been accepted."""
    row = {"id": "o", "at": at(time), "shop": shop, "city": "x", "items": 4}
    asking = asked_table(question, [Question(row, at(time), known - 1)])
    tables = {table.name: stored(table, [(fact, place) for place, fact in enumerate(facts)])}
    found = point_in_time(features, asking, tables)
    return {name: None if values[0] != values[0] else values.tolist()[0] for name, values in found.items()}
