"""Turn local clock readings of a timetable into real instants.

A timetable prints the clock on the wall: New York's for a departure, the destination's for an arrival, and
no date for the arrival. These functions find the instant that is meant.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import polars as pl

Fold: TypeAlias = Literal["earliest", "latest"]

FOLDS: tuple[Fold, ...] = ("earliest", "latest")
NEW_YORK = "America/New_York"
CRUISE_MILES_PER_MINUTE = 7.6
GROUND_MINUTES = 45.0


def local_clock(date: str, hhmm: str) -> pl.Expr:
    """Read a date column and an ``hhmm`` column (515 is 05:15, 2400 the next midnight) as a wall clock."""
    clock = pl.col(hhmm).cast(pl.Int64)
    return pl.col(date).cast(pl.Datetime("us")) + pl.duration(hours=clock // 100, minutes=clock % 100)


def to_utc(wall: pl.Series, zones: pl.Series, *, fold: Fold = "earliest") -> pl.Series:
    """Place wall clocks of mixed time zones on the one UTC line, daylight saving included.

    ``fold`` decides between the two instants of a repeated hour. A wall clock that never was (the hour
    skipped in spring) gives null, so that a caller who tries several days can pass over it.

    >>> from datetime import datetime
    >>> wall = pl.Series([datetime(2013, 3, 10, hour, 30) for hour in (1, 2, 3)])
    >>> [at and at.strftime("%H:%M") for at in to_utc(wall, pl.Series([NEW_YORK] * 3))]
    ['06:30', None, '07:30']
    """
    frame = pl.DataFrame({"wall": wall, "zone": zones}).with_row_index("at")
    parts = [
        part.select(
            "at",
            pl.col("wall")
            .dt.replace_time_zone(str(zone), ambiguous=fold, non_existent="null")
            .dt.convert_time_zone("UTC"),
        )
        for (zone,), part in frame.partition_by("zone", as_dict=True).items()
    ]
    return pl.concat(parts).sort("at")["wall"]


def usual_minutes(distance: str) -> pl.Expr:
    """Guess gate-to-gate minutes from a column of miles: taxiing, climb and descent, then cruise.

    Within two hours of every schedule of 2013, which is ample to tell one day from the next.
    """
    return GROUND_MINUTES + pl.col(distance) / CRUISE_MILES_PER_MINUTE


def arrival_after(departure: pl.Series, clock: pl.Series, zones: pl.Series, usual: pl.Series) -> pl.Series:
    """Find the instant that an arrival clock without a date means: of all that fit, the most plausible.

    ``departure`` is in UTC, ``clock`` an ``hhmm`` at the destination, ``zones`` its time zone, ``usual``
    the expected minutes. Candidates are that clock on the departure's local day and on the next, in both
    readings of a repeated hour; the one after the departure whose duration is nearest to ``usual`` wins.
    Null when none is.
    """
    days = pl.DataFrame({"day": departure.dt.convert_time_zone(NEW_YORK).dt.date(), "clock": clock})
    walls = [days.select(local_clock("day", "clock") + pl.duration(days=n)).to_series() for n in (0, 1)]
    candidates = [to_utc(wall, zones, fold=fold) for wall in walls for fold in FOLDS]
    names = [f"candidate_{n}" for n in range(len(candidates))]
    tried = pl.DataFrame([departure.alias("departure"), usual.alias("usual")]).with_columns(
        at.alias(name) for at, name in zip(candidates, names, strict=True)
    )
    misses = {name: (_minutes_until(name) - pl.col("usual")).abs() for name in names}
    fits = {name: pl.when(_minutes_until(name) > 0).then(miss) for name, miss in misses.items()}
    nearest = pl.min_horizontal(fits.values())
    return tried.select(
        pl.coalesce(pl.when(fit == nearest).then(pl.col(name)) for name, fit in fits.items())
    ).to_series()


def _minutes_until(candidate: str) -> pl.Expr:
    return (pl.col(candidate) - pl.col("departure")).dt.total_minutes()
