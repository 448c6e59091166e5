"""A silence in the evening is not hidden by what comes in the morning."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.ages import age_at_end
from homeostat.kernel.clock import duration
from homeostat.monitoring.windows import Window

DAY, HOUR = duration("1d"), duration("1h")
WEATHER = hs.Table("weather", key="at", event_time="at", contract={"at": hs.instant()})


@pytest.mark.parametrize(
    ("hours", "age"),
    [
        ([25, 40], 8 * HOUR),
        ([25, 40, 48, 49], 8 * HOUR),
        ([1, 2, 50], 46 * HOUR),
        ([48], None),
        ([47.999], round(0.001 * HOUR)),
    ],
)
def test_the_age_at_the_end_of_a_day_looks_only_at_events_before_it(
    tmp_path: Path, hours: list[float], age: int | None
) -> None:
    tables = DeltaTables(tmp_path)
    assert age_at_end(tables, WEATHER, Window(DAY, 2 * DAY, "1970-01-02")) is None
    at = pa.array([round(hour * HOUR) for hour in hours], pa.timestamp("us", tz="UTC"))
    tables.append("weather", pa.table({"at": at, "_sequence": range(len(hours))}), writer="test", upto=1)
    assert age_at_end(tables, WEATHER, Window(DAY, 2 * DAY, "1970-01-02")) == age
