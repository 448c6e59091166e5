"""Which limit each drift signal has: earned on its reference's own days, or the customary one and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.detectors import FALLBACK_LIMITS, least_rows
from homeostat.stats.drift.earned_limits import Earned, earned_limits
from homeostat.stats.drift.window_distances import MEASURES, OF_NUMBERS, Series
from homeostat.stats.memory import WEEK

NO_DAYS, TOO_FEW_BLOCKS, NO_SPREAD = "no_daily_counts", "too_few_blocks", "no_spread"
Kind = Literal["earned", "reached", "customary"]
Key = tuple[int, str, str]
"""A signal: the length of its windows in days, its measure, its subject."""
_AS_FULL = 0.8
DRAWS_FOR_ONE = 40
"""Histories drawn for each one that is to exceed: the rate is then right to a sixth."""


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """How drift is watched. On a day on which nothing changed, the chance that any of all signals is above its limit
    is one in ``quiet_windows``.

    ``spans``: lengths of the windows in days, up to a week or whole weeks: what is too slow for a day shows in some,
    or in a month.
    ``psi``, ``ks``, ``rank_shift``, ``rank_spread``, ``share_swing`` and ``missing_change`` are the customary limits,
    for signals whose reference is too short to earn one; they promise nothing.
    """

    quiet_windows: int = 90
    spans: tuple[int, ...] = (1, 3, 7, 28)
    psi: float = FALLBACK_LIMITS["psi"]
    ks: float = FALLBACK_LIMITS["ks"]
    rank_shift: float = FALLBACK_LIMITS["rank_shift"]
    rank_spread: float = FALLBACK_LIMITS["rank_spread"]
    share_swing: float = FALLBACK_LIMITS["share_swing"]
    missing_change: float = FALLBACK_LIMITS["missing_change"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        known = all(0 < span < WEEK or (span > 0 and span % WEEK == 0) for span in self.spans)
        if not known or len(set(self.spans)) < len(self.spans) or 1 not in self.spans:
            raise InvalidInput(
                f"Windows of {list(self.spans)} days cannot be watched.",
                mend="Give 1, others of up to 7 days and whole weeks, each once, such as (1, 3, 7, 28).",
            )
        limits = tuple(self.customary.values())
        if self.quiet_windows < 2 or not all(0 < limit < math.inf for limit in limits):
            raise InvalidInput(
                "These limits on drift say nothing.",
                mend="Give at least 2 windows for each false alarm, and limits above 0.",
            )

    @property
    def customary(self) -> Mapping[str, float]:
        """The customary limit of each measure."""
        return {name: float(getattr(self, name)) for name in MEASURES}


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one signal, and what it stands on.

    ``kind``: "earned" on the reference's own windows, and together with all other earned ones as seldom exceeded as was
    promised; "reached" by them, which promises nothing but is above the customary one; or "customary". ``why`` says why
    it is not earned. ``blocks``: how many independent days, or weeks, the reference holds.
    """

    value: float
    kind: Kind
    why: str | None = None
    blocks: float = 0.0


def drift_limits(
    reference: ReferenceProfile,
    daily: DailyCounts | None,
    watched: DriftLimits,
    rng: np.random.Generator,
    rows: float | None = None,
) -> dict[Key, Limit]:
    """The limit of every signal of a version; a live day holds ``rows``, or about what the reference's days do."""
    every = {**reference.features, PREDICTION: reference.prediction}
    series = [one for name, profile in every.items() if (one := _series(name, profile, daily))]
    rate = 1.0 / watched.quiet_windows
    earned = earned_limits(
        series, spans=watched.spans, rate=rate, draws=DRAWS_FOR_ONE * watched.quiet_windows, rng=rng, rows=rows
    )
    by_key: dict[Key, Earned] = {(one.span, one.measure, one.subject): one for one in earned}
    return {key: _limit(by_key.get(key), watched.customary[key[1]]) for key in _keys(every, watched.spans)}


def fitting_rows(daily: DailyCounts | None, rows: float) -> float | None:
    """For days of how many rows limits are earned: None where live days are about as full as the reference's, else the
    next smaller of a few sizes, so that few limits are computed."""
    usual = 0.0 if daily is None else daily.usual_rows()
    if not usual or rows >= _AS_FULL * usual:
        return None
    return float(usual * 2.0 ** (math.floor(2.0 * math.log2(max(rows, 1.0) / usual)) / 2.0))


def _series(name: str, profile: Profile, daily: DailyCounts | None) -> Series | None:
    counts = None if daily is None else daily.of_subject(name, profile)
    return None if counts is None else Series(name, counts, profile.kind == "number", least_rows(profile))


def _limit(earned: Earned | None, customary: float) -> Limit:
    if earned is None:
        return Limit(customary, "customary", NO_DAYS)
    if earned.limit is not None:
        return Limit(earned.limit, "earned", None, earned.blocks)
    why = NO_SPREAD if earned.supported else TOO_FEW_BLOCKS
    if earned.reached is not None and earned.reached > customary:
        return Limit(earned.reached, "reached", why, earned.blocks)
    return Limit(customary, "customary", why, earned.blocks)


def _keys(every: Mapping[str, Profile], spans: Sequence[int]) -> list[Key]:
    """Every signal there is: texts have no ranks."""
    return [
        (span, measure, name)
        for span in spans
        for measure in MEASURES
        for name, profile in every.items()
        if profile.kind == "number" or measure not in OF_NUMBERS
    ]
