"""Days begin at the zone's midnight, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.windows import day_name, day_of, days_of, window

HOUR = 3_600_000_000
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Honolulu"])
INSTANTS = st.datetimes(datetime(2012, 1, 1), datetime(2014, 12, 31))


@given(st.lists(INSTANTS, min_size=1, max_size=20), ZONES)
def test_many_days_at_once_are_the_zones_own_dates(moments: list[datetime], zone: str) -> None:
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    instants = np.array([(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in aware])
    names = [day_name(day) for day in days_of(instants, zone)]
    assert names == [moment.astimezone(ZoneInfo(zone)).date().isoformat() for moment in aware]


@given(INSTANTS, ZONES)
def test_every_instant_is_in_the_window_of_its_day_and_windows_join(moment: datetime, zone: str) -> None:
    instant = parse_instant(moment.replace(tzinfo=UTC).isoformat())
    today = window(day_of(instant, zone), zone)
    assert today.start <= instant < today.end
    assert day_of(today.start, zone) == today.name
    assert day_of(today.end - 1, zone) == today.name
    assert window(day_of(today.end, zone), zone).start == today.end


@pytest.mark.parametrize(("day", "hours"), [("2013-03-10", 23), ("2013-11-03", 25), ("2013-07-01", 24)])
def test_days_of_clock_changes_have_23_and_25_hours(day: str, hours: int) -> None:
    span = window(day, "America/New_York")
    assert span.end - span.start == hours * HOUR


def test_a_skipped_midnight_and_a_skipped_day_leave_no_gap() -> None:
    assert window("2013-10-20", "America/Sao_Paulo").start == parse_instant("2013-10-20T01:00:00-02:00")
    skipped = window("2011-12-30", "Pacific/Apia")
    assert skipped.start == skipped.end == window("2011-12-31", "Pacific/Apia").start
    assert day_of(skipped.start, "Pacific/Apia") == "2011-12-31"


def test_no_instants_have_no_days() -> None:
    assert days_of(np.zeros(0, dtype=np.int64), "UTC").size == 0


@pytest.mark.parametrize(
    ("day", "zone"),
    [("1st of May", "UTC"), ("2013-02-30", "UTC"), ("2013-02-01", "Mars/Base"), ("2013-02-01", "../x")],
)
def test_what_is_no_day_or_zone_is_refused(day: str, zone: str) -> None:
    with pytest.raises(InvalidInput):
        window(day, zone)


def test_instants_must_be_whole_microseconds_of_a_real_year() -> None:
    with pytest.raises(InvalidInput):
        days_of(np.array([np.nan]), "UTC")
    with pytest.raises(InvalidInput):
        days_of(np.array([2**62]), "UTC")
