"""The year of flights arrives complete, in known-time order, as real instants."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest

from examples.flights import source
from examples.flights.source import QUARTER, TABLES, Flights, FlightsMissing, Quarter, load
from examples.flights.times import NEW_YORK, arrival_after, to_utc


def micros(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1_000_000)  # type: ignore[misc, arg-type]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def spring_forward(flights: Flights) -> list[Quarter]:
    return list(flights.quarters(micros(2013, 3, 10, 5), micros(2013, 3, 11, 4)))


def test_every_recorded_flight_observation_and_plane_is_there(flights: Flights) -> None:
    counts = {name: len(getattr(flights, name)) for name in TABLES}
    assert counts == {"planes": 3_322, "weather": 26_115, "arrivals": 327_346, "departures": 336_776}


def test_identifiers_are_unique_and_speak(flights: Flights) -> None:
    assert flights.departures["flight_id"].n_unique() == len(flights.departures)
    assert "2013-01-01-UA1545-EWR-0515" in flights.departures["flight_id"]
    assert flights.arrivals["flight_id"].is_in(flights.departures["flight_id"].implode()).all()
    assert flights.weather.select("origin", "observed_at").n_unique() == len(flights.weather)
    assert flights.planes["tailnum"].n_unique() == len(flights.planes)


@pytest.mark.parametrize("table", TABLES)
def test_streams_are_in_known_time_order(flights: Flights, table: str) -> None:
    assert getattr(flights, table)["known"].is_sorted()


def test_a_departure_is_asked_two_hours_before_its_schedule(flights: Flights) -> None:
    first = flights.departures.row(0, named=True)
    assert first["flight_id"] == "2013-01-01-UA1545-EWR-0515"
    assert first["asked_at"] == "2013-01-01T08:15:00+00:00"
    assert first["scheduled_departure"] == "2013-01-01T10:15:00+00:00"
    assert first["scheduled_arrival"] == "2013-01-01T14:19:00+00:00"
    assert (first["weekday"], first["month"], first["hour"], first["minute"]) == (2, 1, 5, 15)


def test_no_departure_tells_of_its_own_delay(flights: Flights) -> None:
    assert not [name for name in flights.departures.columns if "delay" in name or "air_time" in name]


def test_a_landing_is_the_scheduled_arrival_plus_the_delay(flights: Flights) -> None:
    both = flights.arrivals.join(flights.departures, on="flight_id")
    late = both["known"] - both["scheduled_arrival"].str.to_datetime("%+").dt.epoch("us")
    assert late.equals(both["arr_delay"] * source.MINUTE)


def test_every_schedule_flies_for_a_plausible_time(flights: Flights) -> None:
    minutes, miles = flights.departures["scheduled_minutes"], flights.departures["distance"]
    assert minutes.min() == 50
    assert minutes.max() == 700
    assert ((minutes - 45 - miles / 7.6).abs() < 120).all()


def test_an_arrival_past_midnight_is_on_the_next_day(flights: Flights) -> None:
    row = flights.departures.row(by_predicate=pl.col("flight_id") == "2013-01-01-B6727-JFK-2359", named=True)
    assert row["dest"] == "BQN"
    assert row["scheduled_arrival"] == "2013-01-02T08:37:00+00:00"


def test_daylight_saving_moves_the_first_departures_by_an_hour(flights: Flights) -> None:
    at_six = flights.departures.filter(pl.col("hour") == 6, pl.col("minute") == 0)
    days = at_six.with_columns(day=pl.col("flight_id").str.head(10)).group_by("day")
    utc = dict(days.agg(pl.col("scheduled_departure").str.slice(11, 5).unique().implode()).iter_rows())
    shown = [utc[day][0] for day in ("2013-03-09", "2013-03-10", "2013-11-02", "2013-11-03")]
    assert shown == ["11:00", "10:00", "10:00", "11:00"]


def test_an_arrival_clock_in_a_skipped_hour_moves_to_the_day_it_exists() -> None:
    departure = pl.Series([datetime(2013, 3, 10, 6, tzinfo=UTC)]).dt.cast_time_unit("us")
    arrival = arrival_after(departure, pl.Series([230]), pl.Series([NEW_YORK]), pl.Series([330.0]))
    assert arrival[0] == datetime(2013, 3, 11, 6, 30, tzinfo=UTC)


def test_a_repeated_hour_is_read_as_the_more_plausible_flight() -> None:
    departure = pl.Series([datetime(2013, 11, 3, 4, tzinfo=UTC)] * 2).dt.cast_time_unit("us")
    usual = pl.Series([90.0, 150.0])
    arrival = arrival_after(departure, pl.Series([130, 130]), pl.Series([NEW_YORK] * 2), usual)
    assert [at.hour for at in arrival] == [5, 6]


def test_both_readings_of_a_repeated_hour_can_be_had() -> None:
    wall, zone = pl.Series([datetime(2013, 11, 3, 1, 30)]), pl.Series([NEW_YORK])
    assert to_utc(wall, zone, fold="latest")[0] - to_utc(wall, zone)[0] == timedelta(hours=1)


def test_quarters_follow_one_another_and_hold_what_became_known_in_them(
    spring_forward: list[Quarter],
) -> None:
    assert len(spring_forward) == 23 * 4
    for before, after in pairwise(spring_forward):
        assert before.end == after.start == before.start + QUARTER
    for quarter in spring_forward:
        known = [instant(row["asked_at"]) for row in quarter.departures]
        known += [instant(row["arrived_at"]) for row in quarter.arrivals]
        known += [instant(row["observed_at"]) + timedelta(hours=1) for row in quarter.weather]
        assert all(quarter.start <= round(at.timestamp() * 1e6) < quarter.end for at in known)


def test_a_span_holds_each_row_once(flights: Flights, spring_forward: list[Quarter]) -> None:
    start, end = spring_forward[0].start, spring_forward[-1].end
    for table in TABLES:
        given = sum(len(getattr(quarter, table)) for quarter in spring_forward)
        assert given == getattr(flights, table)["known"].is_between(start, end, closed="left").sum()


def test_planes_are_known_before_the_first_question(flights: Flights) -> None:
    first = next(flights.quarters(micros(2013, 1, 1, 5), micros(2013, 1, 2, 5)))
    assert len(first.planes) == 3_322
    assert first.departures == []
    assert flights.planes["known"][0] < flights.departures["known"][0]


def test_rows_are_json_with_whole_numbers_whole_and_missing_as_null(spring_forward: list[Quarter]) -> None:
    row = next(row for quarter in spring_forward for row in quarter.weather if row["wind_gust"] is None)
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    departure = next(row for quarter in spring_forward for row in quarter.departures)
    kinds = {name: type(value) for name, value in departure.items() if value is not None}
    assert {name for name, kind in kinds.items() if kind is int} == {
        *("scheduled_minutes", "flight", "distance", "month", "weekday", "hour", "minute"),
    }
    assert float not in kinds.values()


def test_without_the_package_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FlightsMissing, match="Install it"):
        load()
