"""Numbers that programs count time by are read where what they mean is beyond doubt, in however many bits they lie."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from homeostat.app.scaffold.dates import counted_times
from homeostat.kernel.clock import parse_instant


@pytest.mark.parametrize(
    ("numbers", "read"),
    [
        ([1706704205, None], "seconds since 1970"),
        ([1706704205.5], "seconds since 1970"),
        ([1706704205500], "milliseconds since 1970"),
        ([1706704205500000], "microseconds since 1970"),
        ([1706704205500000999], "nanoseconds since 1970"),
        ([20240131, None], "year, month, day"),
    ],
)
def test_times_are_read_as_programs_count_them(numbers: list[float | None], read: str) -> None:
    found = counted_times(pl.Series("created_at", numbers))
    assert found is not None
    parts = int(5e5) * any(str(number).replace(".", "")[10:].startswith("5") for number in numbers)
    day, moment = parse_instant("2024-01-31T00:00:00Z"), parse_instant("2024-01-31T12:30:05Z")
    assert found[0][0].timestamp() * 1e6 == (day if read.startswith("year") else moment + parts)
    assert (found[1], found[0].null_count()) == (read, numbers.count(None))


@pytest.mark.parametrize("kind", [pl.Int32, pl.UInt32, pl.Int64, pl.UInt64, pl.Int128])
def test_times_are_the_same_in_however_many_bits_they_lie(kind: type[pl.DataType]) -> None:
    found = counted_times(pl.Series("at", [1706704205, None], dtype=kind))
    assert found is not None
    assert found[0].to_list() == [datetime(2024, 1, 31, 12, 30, 5, tzinfo=UTC), None]
    for small in (pl.Int8, pl.UInt8, pl.Int16):
        assert counted_times(pl.Series("day", [1, 31], dtype=small)) is None
    assert counted_times(pl.Series("at", [2**63], dtype=pl.UInt64)) is None


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("at", [1, 2, 3]),
        ("date", [20241301]),
        ("time", [1706704205, 12]),
        ("amount", [1706704205]),
        ("date", [20240131.0]),
        ("date", [None]),
        ("status", [1706704205]),
    ],
)
def test_numbers_that_need_be_no_times_stay_numbers(name: str, numbers: list[float | None]) -> None:
    assert counted_times(pl.Series(name, numbers, dtype=None if any(numbers) else pl.Int64)) is None
