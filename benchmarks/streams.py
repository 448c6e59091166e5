"""Streams whose truth is known, day by day as counts: real rows in a random order, and numbers with a memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from examples.flights.source import printed
from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile

BINS = 20
EDGES = ndtri(np.arange(1, BINS) / BINS)
COLUMNS: Mapping[str, str] = {
    "distance": "number", "hour": "number", "minute": "number", "month": "number", "arr_delay": "number",
    "sched_arr_time": "number", "sched_dep_time": "number", "carrier": "text", "origin": "text", "dest": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Stream:
    """A reference of some days and the days after it, (days, bins + 1) counts by subject; nothing ever changed."""

    reference: ReferenceProfile
    trained: DailyCounts
    later: Mapping[str, np.ndarray]


def shuffled(days: int, later: int, rows: int, draws: int, seed: int = 1) -> Iterator[Stream]:
    """Real flights in a random order: whatever the features are like, no day differs from any other."""
    frame = printed()
    columns = {name: _plain(frame[name]) for name in COLUMNS}
    for draw in range(draws):
        order = np.random.default_rng([seed, draw]).permutation(len(frame))[: (days + later) * rows]
        yield _stream({name: values[order] for name, values in columns.items()}, days, rows)


def remembering(
    days: int, later: int, rows: int, draws: int, memory: float, subjects: int = 12, seed: int = 2
) -> Iterator[Stream]:
    """Numbers whose means wander as first-order processes, with a week that repeats; half of the noise is shared."""
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        noise = 0.8 * rng.normal(size=(days + later + 200, subjects)) + 0.6 * rng.normal(size=(days + later + 200, 1))
        level = 0.15 * lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], noise, axis=0)[200:]
        weekday = np.arange(days + later)[:, None] % 7
        level += 0.1 * np.sin(2 * np.pi * weekday / 7 + np.arange(subjects))
        upto = np.concatenate((ndtr(EDGES - level[:, :, None]), np.ones((*level.shape, 1))), axis=2)
        counts = rng.multinomial(rows, np.diff(upto, axis=2, prepend=0.0))
        tables = {f"x{n}": np.hstack((counts[:, n], np.zeros((days + later, 1), np.int64))) for n in range(subjects)}
        yield _of_counts({name: _number(name) for name in tables}, tables, days)


def _stream(columns: Mapping[str, np.ndarray], days: int, rows: int) -> Stream:
    trained = {name: values[: days * rows] for name, values in columns.items()}
    profiles = {name: Profile.of(name, COLUMNS[name], values, bins=BINS) for name, values in trained.items()}  # type: ignore[arg-type]
    tables = {name: _by_day(profiles[name], values, rows) for name, values in columns.items()}
    return _of_counts(profiles, tables, days)


def _by_day(profile: Profile, values: np.ndarray, rows: int) -> np.ndarray:
    found = [profile.count(values[start : start + rows]) for start in range(0, len(values), rows)]
    return np.array([(*one.counts, one.missing) for one in found], dtype=np.int64)


def _of_counts(profiles: Mapping[str, Profile], tables: Mapping[str, np.ndarray], days: int) -> Stream:
    filled = {name: one.filled(tables[name][:days, :-1].sum(axis=0).tolist(), int(tables[name][:days, -1].sum()))
              for name, one in profiles.items()}  # fmt: skip
    reference = ReferenceProfile(filled, Profile.of(PREDICTION, "number", []))
    return Stream(reference, DailyCounts({name: table[:days] for name, table in tables.items()}),
                  {name: table[days:] for name, table in tables.items()})  # fmt: skip


def _number(name: str) -> Profile:
    return Profile(name, "number", tuple(EDGES.tolist()), (), (0,) * BINS, 0)


def _plain(values: pl.Series) -> np.ndarray:
    """Numbers as float64, texts as objects with None."""
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).to_numpy()
    return np.array(values.to_list(), dtype=object)
