"""The point-in-time join of training: on the flights of the year, and beside plain joins of other engines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.large import FACTS_A_FILE, beyond_memory
from benchmarks.made import LATEST, WEEK, Made, made
from benchmarks.peers import duckdb_asof, polars_asof, prefix_sums
from examples.flights.loop import loop
from examples.flights.source import TABLES, Flights
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import ASKED_AT, point_in_time

QUESTIONS, FACTS = 100_000, 300_000
ENTITIES = 10_000
LIMITS = {"DuckDB's plain ASOF": 1.0, "Polars' plain join_asof, sorted first": 2.0, "a NumPy prefix-sum pass": 2.0}
"""How many times as long as a peer ours may take."""


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


def compared(*, full: bool, large: bool) -> Iterator[dict[str, Any]]:
    """Ours, bitemporal and with late and corrected facts, then each peer and the ratio to it."""
    sizes = [(100_000, 1_000_000), *([(1_000_000, 10_000_000)] if full or large else [])]
    for questions, facts in sizes:
        given = made(questions, facts, ENTITIES)
        size = f"{questions:,} x {facts:,}"
        asof = {"DuckDB's plain ASOF": duckdb_asof, "Polars' plain join_asof, sorted first": polars_asof}
        yield from _beside(f"latest, 5 columns, 30 days, {size}", LATEST, given, asof)
        yield from _beside(f"7-day sum, count, mean, {size}", WEEK, given, {"a NumPy prefix-sum pass": prefix_sums})
    if full or large:
        files, memory = (100, 6_000_000_000) if large else (10, 800_000_000)
        found = beyond_memory(files, memory)
        size = f"{found['questions']:,} x {files * FACTS_A_FILE:,}"
        yield {"what": f"beyond memory, {size}", "seconds": found["seconds"]}
        told = f"  peak {found['peak_bytes'] / 1e9:.1f} GB; allowed {memory / 1e9:.1f} GB, and questions and answers"
        yield {"what": told, "ratio": found["peak_bytes"] / memory}


def _beside(
    what: str, features: FeatureSet, given: Made, peers: dict[str, Callable[[Made], None]]
) -> Iterator[dict[str, Any]]:
    """The best of three rounds each, in turns: what else the machine does weighs on all alike."""
    rounds: dict[str, list[float]] = {}
    for _ in range(3):
        rounds.setdefault(what, []).append(_seconds(lambda: _ours(features, given)))
        for name, peer in peers.items():
            rounds.setdefault(name, []).append(_seconds(lambda peer=peer: peer(given)))  # type: ignore[misc]
    best = {name: min(taken) for name, taken in rounds.items()}
    yield {"what": what, "seconds": best.pop(what)}
    for name, taken in best.items():
        yield {"what": f"  {name}", "seconds": taken, "ratio": min(rounds[what]) / taken, "limit": LIMITS[name]}


def _ours(features: FeatureSet, given: Made) -> None:
    point_in_time(features, given.question, {"readings": given.facts})


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


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
