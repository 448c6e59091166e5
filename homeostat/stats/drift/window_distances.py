"""Every distance of many windows from a reference at once, from counts over the same bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from homeostat.stats.arrays import Floats, Integers
from homeostat.stats.drift.distance import FLOOR, share_swings
from homeostat.stats.drift.transport import rank_shifts, rank_spreads

Measure = Literal["psi", "ks", "rank_shift", "rank_spread", "share_swing", "missing_change"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
OF_NUMBERS: tuple[Measure, ...] = ("ks", "rank_shift", "rank_spread")
SQUARED: tuple[Measure, ...] = ("psi",)
"""Grow with the square of how far shares lie apart, the others in proportion."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One subject day by day: (days, bins + 1) counts, the last column of rows without a value.

    ``ordered`` bins are those of a number, which has a KS distance. A window with fewer rows than ``least_rows`` says
    nothing, for a measure.
    """

    subject: str
    counts: Integers
    ordered: bool
    least_rows: Mapping[Measure, int]


def window_distances(references: Floats, windows: Floats, one: Series) -> dict[Measure, Floats]:
    """Every measure of each window from its reference, or from the only one: (windows, bins + 1) counts, as a series
    has them. NaN with too few rows."""
    expected, actual = _shares(references[:, :-1]), _shares(windows[:, :-1])
    known, rows = windows[:, :-1].sum(axis=1), windows.sum(axis=1)
    found: dict[Measure, Floats] = {"psi": _psi(expected, actual)}
    if one.ordered:
        found["ks"] = np.abs(np.cumsum(actual - expected, axis=1)).max(axis=1)
        found["rank_shift"] = rank_shifts(expected, actual)
        found["rank_spread"] = rank_spreads(expected, actual)
    found["share_swing"] = share_swings(expected, actual)
    missing = [part[:, -1] / np.maximum(part.sum(axis=1), 1.0) for part in (references, windows)]
    found["missing_change"] = np.abs(missing[1] - missing[0])
    for measure, distances in found.items():
        enough = rows if measure == "missing_change" else known
        distances[enough < max(1, one.least_rows[measure])] = np.nan
    return found


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def _psi(expected: Floats, actual: Floats) -> Floats:
    """As `distance.psi`, of many pairs."""
    first, second = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return np.asarray(((second - first) * np.log(second / first)).sum(axis=1))
