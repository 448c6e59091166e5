"""Times as people, spreadsheets and programs write them: 31.01.2024, 1/31/2024, 20240131, 1706659200.

Read where what they mean is beyond doubt.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import polars as pl

from homeostat.kernel.errors import InvalidInput

_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)")
_CLOCKS = {"": " 00:00", " %H:%M": "", " %H:%M:%S": ""}
"""Forms of a time of day, and what stands for it where there is none."""
_TIMELY = re.compile(r"(^|_)(ts|time|timestamp|date|datetime|day|epoch|unix|utc|at|on)(_|$)")
"""What says in a column's name that its numbers may be times; those that count as such lie in these years."""
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_ORDERS = {"day, month, year": ("%d", "%m"), "month, day, year": ("%m", "%d")}


def written_dates(texts: pl.Series) -> tuple[pl.Series, str] | None:
    """Times in UTC, and the order in which their parts are written; None where some value is no such date.

    Raises: InvalidInput where every value could be read in both orders. With dots the day is first everywhere.
    """
    known = texts.drop_nulls()
    first = _DATE.match(known[0]) if len(known) else None
    if first is None:
        return None
    found = [(read, order) for order in _ORDERS if (read := _in_order(texts, order, first[1])) is not None]
    if len(found) == 2 and first[1] != "." and not found[0][0].equals(found[1][0]):
        raise InvalidInput(
            f"Of dates such as {first[0]} in {texts.name!r} it cannot be told which number is the month.",
            mend="Write them as 2024-01-31, or leave that column out of the file.",
            column=texts.name,
        )
    return found[0] if found else None


def counted_times(numbers: pl.Series, *, named: bool = False) -> tuple[pl.Series, str] | None:
    """Times in UTC, and how their numbers are read: since 1970, or as 20240131; None where they are no times.

    Where a person has not ``named`` the column as one of times, its name must say so.

    >>> counted_times(pl.Series("created_at", [1706659200]))[1]
    'seconds since 1970'
    """
    if numbers.dtype.is_integer():  # whose bounds and moments do not fit in fewer bits; what does not fit is no time
        wide = numbers.cast(pl.Int64, strict=False)
        if wide.null_count() != numbers.null_count():
            return None
        numbers = wide
    known = numbers.drop_nulls()
    if not len(known) or not (named or _TIMELY.search(numbers.name)):
        return None
    for unit, many in _UNITS.items():
        if known.is_between(_FIRST.timestamp() * many, _LAST.timestamp() * many).all():
            parts = numbers * (1_000_000 / many) if numbers.dtype.is_float() else _microseconds(numbers, many)
            return parts.cast(pl.Int64).cast(pl.Datetime("us", "UTC")), f"{unit} since 1970"
    if known.dtype.is_integer() and known.is_between(_FIRST.year * 10_000, _LAST.year * 10_000).all():
        read = numbers.cast(pl.String).str.to_datetime("%Y%m%d", strict=False, time_unit="us")
        if read.null_count() == numbers.null_count():
            return read.dt.replace_time_zone("UTC"), "year, month, day"
    return None


def _microseconds(numbers: pl.Series, many: int) -> pl.Series:
    return numbers * (1_000_000 // many) if many <= 1_000_000 else numbers // (many // 1_000_000)


def _in_order(texts: pl.Series, order: str, mark: str) -> pl.Series | None:
    date = mark.join((*_ORDERS[order], "%Y"))
    for clock, added in _CLOCKS.items():
        read = (texts + added).str.to_datetime(date + (clock or " %H:%M"), strict=False, time_unit="us")
        if read.null_count() == texts.null_count():
            return read.dt.replace_time_zone("UTC")
    return None
