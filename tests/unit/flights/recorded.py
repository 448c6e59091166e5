"""Some weeks of real flights as they lie in the tables, to be read without an installation; and ways to spoil them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

import homeostat as hs
from examples.flights.loop import loop
from examples.flights.source import TABLES, Flights
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE, Table
from homeostat.training.training_set import Sources

DAY = 86_400_000_000
BEGINS = 1_357_016_400_000_000
"""The first instant of 2013 in New York."""
Frames = dict[str, pl.DataFrame]


def frames(flights: Flights, days: int) -> Frames:
    """What was known in the first days of the year, with instants as such."""
    found = {name: getattr(flights, name).filter(pl.col("known") < BEGINS + days * DAY) for name in TABLES}
    return {name: _with_instants(frame) for name, frame in found.items()}


def tables(found: Frames, imported: Sequence[str] = ()) -> dict[str, pa.Table]:
    """As stored: accepted in the order in which they were known, but the ``imported`` ones before all others."""
    order = pl.concat(
        [
            frame.select("known", name=pl.lit(name), row=pl.int_range(pl.len()), late=pl.lit(name not in imported))
            for name, frame in found.items()
        ]
    ).sort("late", "known", maintain_order=True)
    numbered = order.with_row_index(SEQUENCE).sort("row")
    return {
        name: frame.with_columns(
            numbered.filter(pl.col("name") == name)[SEQUENCE].cast(pl.Int64),
            pl.from_epoch("known", "us").dt.replace_time_zone("UTC").alias(KNOWN_AT),
        )
        .drop("known")
        .to_arrow()
        for name, frame in found.items()
    }


def sources(stored: Mapping[str, pa.Table], days: int) -> Sources:
    """Labels are mature as of the last of the days."""

    def read(table: str, version: int, columns: Sequence[str]) -> pa.Table:
        return stored[table].select(list(columns))

    return Sources(read, dict.fromkeys(stored, 0), 1 << 62, BEGINS + days * DAY)


def with_column(table: Table, name: str) -> Table:
    """The table with one more number."""
    return dataclasses.replace(table, contract={**table.contract, name: hs.number(nullable=True)})


def with_features(*more: object, question: Table = loop.question) -> Loop:
    """The loop of the example with features besides; its own ones are left out, which have their own test."""
    return dataclasses.replace(loop, question=question, features=[question["hour"], *more])


def _with_instants(frame: pl.DataFrame) -> pl.DataFrame:
    instants = [name for name in frame.columns if name.endswith("_at") or name.startswith("scheduled_")]
    instants = [name for name in instants if frame[name].dtype == pl.String]
    moments = [pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us") for name in instants]
    return frame.with_columns(*moments, pl.col(pl.Int64).exclude("known").cast(pl.Float64))
