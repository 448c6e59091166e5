"""Training-serving skew as a signal: which served rows are looked at, and the share of them that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.intervals import Interval, block_mean_from_sums, wilson_interval

MIN_DAYS = 5
"""With fewer days, the spread between them says too little to be an interval's only ground."""
CauseName = Literal["missing_handling", "time_cutoff", "library_version", "different_statistics", "unexplained"]
Basis = Literal["days", "rows"]
_SCALE = 1 << 64


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a feature differs, as far as an explanation could be shown to fit, and the evidence for it."""

    name: CauseName
    evidence: str


@dataclass(frozen=True, slots=True)
class SkewDay:
    """What was found among the served rows of one day. Adds to others through `skew_rate`.

    ``share`` of the rows was chosen, ``rows`` of them recomputed; ``left_out`` cannot be judged now: they were
    served under other definitions than today's, or facts that they saw are not stored yet. ``differing`` counts by
    feature, zeros included.
    """

    share: float
    rows: int
    differing: Mapping[str, int]
    causes: Mapping[str, Cause]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class SkewRate:
    """The share of served rows whose feature differs; bounds stand on ``days`` or on ``rows`` (see `skew_rate`)."""

    feature: str
    interval: Interval
    differing: int
    basis: Basis


def sampled(prediction_ids: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Which predictions are looked at: the same ones every time, whoever asks and in whatever order.

    Decided by a hash of the id alone, so it depends on nothing that was predicted, and a greater share keeps
    what a smaller one chose. Raises: InvalidInput unless ``share`` is in [0, 1].

    >>> sampled(["a", "b"], 1.0).tolist(), sampled(["a", "b"], 0.0).tolist()
    ([True, True], [False, False])
    """
    if not 0.0 <= share <= 1.0:
        raise InvalidInput(f"{share} is no share of rows.", mend="Give a number from 0 to 1, such as 0.01.")
    limit = round(share * _SCALE)
    return np.fromiter((_place(name) < limit for name in prediction_ids), dtype=bool, count=len(prediction_ids))


def skew_rate(feature: str, days: Sequence[SkewDay], *, confidence: float = 0.95) -> SkewRate:
    """The rate of one feature over some days, with bounds.

    Skew comes in episodes: a stale store lasts an afternoon, a wrong definition until the next release. Rows of
    one day are therefore alike, and an interval over rows alone would be too sure of itself; so from 5 days on
    the day is the block. Where every day looks the same, as when nothing differs, days show no spread at all,
    yet so many rows cannot exclude a rare difference: the bounds are then never narrower than Wilson's over
    rows, which are the only ones with fewer days. ``basis`` says which it is.
    Raises: NotEnoughData when no row was looked at: unknown is not 0.

    >>> day = SkewDay(1.0, 100, {"hour": 0}, {})
    >>> rate = skew_rate("hour", [day] * 7)
    >>> rate.interval.value, round(rate.interval.high, 4), rate.basis
    (0.0, 0.0055, 'days')
    """
    counted = [(day.rows, day.differing[feature]) for day in days if day.rows and feature in day.differing]
    rows, differing = sum(rows for rows, _ in counted), sum(found for _, found in counted)
    of_rows = wilson_interval(differing, rows, confidence=confidence)
    if len(counted) < MIN_DAYS:
        low, high = of_rows.low, of_rows.high
    else:
        sums, sizes = [found for _, found in counted], [size for size, _ in counted]
        of_days = block_mean_from_sums(sums, sizes, confidence=confidence)
        low, high = max(0.0, min(of_days.low, of_rows.low)), min(1.0, max(of_days.high, of_rows.high))
    interval = Interval(of_rows.value, low, high, len(counted), rows, confidence)
    return SkewRate(feature, interval, differing, "rows" if len(counted) < MIN_DAYS else "days")


def skew_rate_or_none(feature: str, days: Sequence[SkewDay], *, confidence: float = 0.95) -> SkewRate | None:
    """`skew_rate`, or None where it is unknown."""
    try:
        return skew_rate(feature, days, confidence=confidence)
    except NotEnoughData:
        return None


def main_cause(feature: str, days: Sequence[SkewDay]) -> Cause | None:
    """The cause that accounts for most differing rows of a feature, the newest where two do; None without any."""
    weight: dict[CauseName, int] = {}
    told: dict[CauseName, Cause] = {}
    for day in days:
        cause = day.causes.get(feature)
        if cause is not None:
            weight[cause.name] = weight.get(cause.name, 0) + day.differing.get(feature, 0)
            told[cause.name] = cause
    if not weight:
        return None
    newest_first = list(reversed(weight))
    return told[max(newest_first, key=lambda name: weight[name])]


def _place(prediction_id: str) -> int:
    return int.from_bytes(blake2b(prediction_id.encode(), digest_size=8, person=b"skew").digest(), "big")
