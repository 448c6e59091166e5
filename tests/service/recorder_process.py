"""A recorder of its own process for the service tests: ``python -m tests.service.recorder_process HOME SOCKET``."""

from __future__ import annotations

import sys
from pathlib import Path

from homeostat.app.recorder.main import run
from homeostat.app.recorder.predictions import LoggedLoop
from homeostat.data.contracts import instant, integer, number, text
from homeostat.data.tables import Table
from homeostat.features.definitions import Latest, Window, count, feature_set, mean
from homeostat.features.logged import Logged

ASKED = Table(
    "departures",
    key="flight_id",
    event_time="asked_at",
    contract={
        "flight_id": text(),
        "asked_at": instant(),
        "carrier": text(),
        "origin": text(categories=["EWR", "JFK", "LGA"]),
        "hour": integer(0, 23),
    },
)
LANDED = Table(
    "arrivals",
    key="flight_id",
    event_time="arrived_at",
    contract={
        "flight_id": text(),
        "arrived_at": instant(),
        "carrier": text(),
        "origin": text(),
        "arr_delay": number(-120, 2_000, nullable=True),
    },
)
SKY = Table(
    "weather",
    key=("origin", "hour"),
    event_time="observed_at",
    contract={"origin": text(), "hour": integer(), "observed_at": instant(), "visib": number(nullable=True)},
)
TABLES = [ASKED, LANDED, SKY]
FEATURES = feature_set(
    ASKED,
    [
        ASKED["carrier", "hour"],
        Window(LANDED, by="carrier", over=["3h", "24h"], values={"delay": mean("arr_delay"), "landed": count()}),
        Window(LANDED, by="origin", over=["3h", "24h"], values={"delay": mean("arr_delay"), "landed": count()}),
        Latest(SKY, by="origin", columns=["visib"], max_age="3h"),
    ],
)
LOOP = LoggedLoop("late-arrival", Logged.of(FEATURES))


def main(home: str, socket: str) -> None:
    """Record until told to stop."""
    run(Path(home), socket, TABLES, [FEATURES], [LOOP])


if __name__ == "__main__":
    main(*sys.argv[1:])
