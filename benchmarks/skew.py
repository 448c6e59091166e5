"""What it costs control to look at a day's skew, with a year of flights in the tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.joins import stored_frames
from examples.flights.loop import loop
from examples.flights.source import TABLES, Flights
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.offline import ASKED_AT, point_in_time
from homeostat.monitoring.served import facts_needed
from homeostat.monitoring.skew import sampled

SHARE = 0.01
_DAY = 86_400_000_000
_COMMITS = 100


def skew_seconds(flights: Flights, folder: Path, repeats: int) -> tuple[float, float, int]:
    """Median seconds to recompute 1 % of a late December day, and to read the facts it needs alone; rows looked at."""
    tables, asked = _tables(flights, folder)
    log = _log(asked, tables)
    check = SkewCheck(loop.feature_set, tables)
    upto = int(log["read_sequence"].to_numpy().max())
    rows = check.day(log, SHARE, upto=upto).rows
    whole = _timed(lambda: check.day(log, SHARE, upto=upto), repeats)
    sample = log.filter(pa.array(sampled(log["prediction_id"].to_pylist(), SHARE)))
    at, known = (np.asarray(sample[name].cast(pa.int64()).to_numpy()) for name in ("asked_at", "read_sequence"))
    bare = _timed(lambda: facts_needed(loop.feature_set, at, at, known, check.facts), repeats)
    return whole, bare, rows


def _tables(flights: Flights, folder: Path) -> tuple[DeltaTables, pa.Table]:
    """Facts in commits of some days each, as a drain leaves them."""
    frames = {name: getattr(flights, name) for name in TABLES}
    stored = stored_frames(frames)
    tables = DeltaTables(folder)
    for name, table in stored.items():
        table = table.append_column(KNOWN_AT, pa.array(frames[name]["known"].to_numpy(), pa.timestamp("us", tz="UTC")))
        step = max(1, -(-table.num_rows // _COMMITS))
        for start in range(0, table.num_rows, step):
            tables.append(name, table.slice(start, step), writer="bench", upto=start)
    return tables, stored["departures"]


def _log(asked: pa.Table, tables: DeltaTables) -> pa.Table:
    times = asked[loop.question.event_time].cast(pa.int64())
    last = int(pc.max(times).as_py()) - 10 * _DAY
    day = asked.filter(pc.and_(pc.greater_equal(times, last - _DAY), pc.less(times, last)))
    at = day[loop.question.event_time]
    question = day.append_column(ASKED_AT, at.cast(pa.int64()))
    found = point_in_time(loop.feature_set, question, {name: tables.read(name) for name in loop.feature_set.tables})
    served = {f"x_{name}": pa.array(values, from_pandas=True) for name, values in found.items()}
    own = {"asked_at": at, "served_at": at, "read_sequence": day[SEQUENCE]}
    columns = {f"q_{name}": day[name] for name in loop.question.contract}
    return pa.table({"prediction_id": [f"p{n:06}" for n in range(day.num_rows)], **own, **columns, **served})


def _timed(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return median(seconds)
