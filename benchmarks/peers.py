"""What the joins are measured against: other engines' plain joins, which know nothing of corrections."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl

from benchmarks.made import COLUMNS, DAY, Made
from homeostat.features.columns import codes, integers, numbers
from homeostat.features.offline import ASKED_AT


def polars_asof(made: Made) -> None:
    """The newest reading by event time, at most thirty days old; both sides sorted first, as it demands."""
    wanted = pl.from_arrow(made.question.select(["device", ASKED_AT]))
    given = pl.from_arrow(made.facts.select(["device", "at", *COLUMNS]))
    assert isinstance(wanted, pl.DataFrame)
    assert isinstance(given, pl.DataFrame)
    given = given.with_columns(pl.col("at").dt.epoch("us")).sort("at")
    wanted.sort(ASKED_AT).join_asof(
        given, left_on=ASKED_AT, right_on="at", by="device", tolerance=30 * DAY, check_sortedness=False
    )


def duckdb_asof(made: Made) -> None:
    """The same in DuckDB."""
    with duckdb.connect() as db:
        db.execute("SET enable_progress_bar = false")
        db.register("asked", made.question)
        db.register("readings", made.facts)
        fresh = ", ".join(f"CASE WHEN t - happened <= {30 * DAY} THEN {name} END AS {name}" for name in COLUMNS)
        db.sql(
            f"SELECT {fresh} FROM (SELECT device, {ASKED_AT} AS t FROM asked) AS q ASOF LEFT JOIN"
            f' (SELECT device, epoch_us("at") AS happened, {", ".join(COLUMNS)} FROM readings) AS r'
            " ON q.device = r.device AND q.t >= r.happened"
        ).fetchnumpy()


def prefix_sums(made: Made) -> None:
    """Sum, count and mean of the last seven days: one sort, one prefix sum, two searches in NumPy."""
    facts, asked = made.facts, made.question
    entity, asking = codes([[facts["device"]], [asked["device"]]], ["text"])
    at, time = integers(facts["at"], "at"), integers(asked[ASKED_AT], ASKED_AT)
    order = np.lexsort((at, entity))
    width = 366 * DAY
    key = entity[order] * width + at[order]
    sums = np.concatenate(([0.0], np.cumsum(numbers(facts["a"])[order])))
    low = np.searchsorted(key, asking * width + np.maximum(time - 7 * DAY, -1), side="right")
    high = np.searchsorted(key, asking * width + time, side="right")
    total, count = sums[high] - sums[low], high - low
    with np.errstate(invalid="ignore"):
        _ = total, count, total / count
