"""The loop "late" of the serving tests: its tables, features and plan, and rows as a client sends them."""

from __future__ import annotations

from homeostat.data.contracts import instant, integer, number, text
from homeostat.data.labels import Label
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet, Latest, Window, count, feature_set, mean
from homeostat.registry.models import Kind
from homeostat.serving.plans import ServingPlan

NOW = 1_359_723_600_000_000
"""2013-02-01T13:00:00Z"""

DEPARTURES = Table(
    "departures",
    key="flight_id",
    event_time="asked_at",
    contract={
        "flight_id": text(),
        "asked_at": instant(),
        "carrier": text(categories=["AA", "DL", "UA"]),
        "origin": text(),
        "hour": integer(0, 23),
        "distance": number(0, nullable=True),
    },
)
ARRIVALS = Table(
    "arrivals",
    key="flight_id",
    event_time="arrived_at",
    contract={
        "flight_id": text(),
        "arrived_at": instant(),
        "carrier": text(),
        "origin": text(),
        "arr_delay": number(nullable=True),
    },
)
FEATURES: FeatureSet = feature_set(
    DEPARTURES,
    [
        DEPARTURES["carrier", "hour", "distance"],
        Window(ARRIVALS, by="origin", over=["3h"], values={"delay": mean("arr_delay"), "landed": count()}),
        Latest(ARRIVALS, by="carrier", columns=["arr_delay"], max_age="3h"),
    ],
)
LABEL: Label = Label.posted(matures="24h after asked_at").of("late", DEPARTURES)
PLAN = ServingPlan("late", DEPARTURES, FEATURES, tables=(DEPARTURES, ARRIVALS), label=LABEL)
INPUTS: tuple[tuple[str, Kind], ...] = (
    ("carrier", "text"),
    ("hour", "number"),
    ("origin_delay_3h", "number"),
)


def question(index: int = 0, **changed: object) -> dict[str, object]:
    """A row as a client sends it."""
    row: dict[str, object] = {
        "flight_id": f"f{index}",
        "asked_at": "2013-02-01T13:00:00Z",
        "carrier": "UA",
        "origin": "JFK",
        "hour": 8,
        "distance": 1400.0,
    }
    return {**row, **changed}
