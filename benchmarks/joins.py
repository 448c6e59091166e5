"""The point-in-time join of training, on the flights of the year."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median

import numpy as np
import polars as pl
import pyarrow as pa

from examples.flights.loop import loop
from examples.flights.source import TABLES, Flights
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.offline import ASKED_AT, point_in_time

QUESTIONS, FACTS = 100_000, 300_000


def join_seconds(flights: Flights, repeats: int) -> float:
    """Median seconds to compute all features of 100,000 questions from 300,000 arrivals, weather and planes."""
    frames = {name: getattr(flights, name) for name in TABLES}
    frames["arrivals"] = frames["arrivals"].head(FACTS)
    frames["departures"] = frames["departures"].slice(FACTS - QUESTIONS, QUESTIONS)
    stored = stored_frames(frames)
    asked = stored["departures"]
    times = asked[loop.question.event_time].cast(pa.int64())
    question = asked.append_column(ASKED_AT, times)
    return median(_timed(question, stored) for _ in range(repeats))


def stored_frames(frames: Mapping[str, pl.DataFrame]) -> dict[str, pa.Table]:
    """Streams as their tables would hold them, accepted in the order in which they became known."""
    known = np.concatenate([frame["known"].to_numpy() for frame in frames.values()])
    sequence = np.empty(len(known), dtype=np.int64)
    sequence[np.argsort(known, kind="stable")] = np.arange(len(known))
    declared = {table.name: table for table in loop.tables}
    stored, start = {}, 0
    for name, frame in frames.items():
        stored[name] = _stored(frame, declared[name], sequence[start : start + len(frame)])
        start += len(frame)
    return stored


def _timed(question: pa.Table, stored: dict[str, pa.Table]) -> float:
    began = time.perf_counter()
    point_in_time(loop.feature_set, question, stored)
    return time.perf_counter() - began


def _stored(frame: pl.DataFrame, table: Table, sequence: np.ndarray) -> pa.Table:
    """A stream as its table would hold it."""
    instants = [name for name, column in table.contract.items() if column.kind == "instant"]
    parsed = frame.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in instants)
    found = parsed.select(list(table.contract)).to_arrow()
    plain = [pa.string() if pa.types.is_large_string(field.type) else field.type for field in found.schema]
    found = found.cast(pa.schema(list(zip(found.column_names, plain, strict=True))))
    return found.append_column(SEQUENCE, pa.array(sequence))
