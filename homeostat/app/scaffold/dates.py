"""Dates as people and spreadsheets write them, 31.01.2024 or 1/31/2024: read where their order is beyond doubt."""

from __future__ import annotations

import re

import polars as pl

from homeostat.kernel.errors import InvalidInput

_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)")
_CLOCKS = {"": " 00:00", " %H:%M": "", " %H:%M:%S": ""}
"""Forms of a time of day, and what stands for it where there is none."""
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


def _in_order(texts: pl.Series, order: str, mark: str) -> pl.Series | None:
    date = mark.join((*_ORDERS[order], "%Y"))
    for clock, added in _CLOCKS.items():
        read = (texts + added).str.to_datetime(date + (clock or " %H:%M"), strict=False, time_unit="us")
        if read.null_count() == texts.null_count():
            return read.dt.replace_time_zone("UTC")
    return None
