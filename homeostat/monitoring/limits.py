"""Which limit each drift signal has: earned on its reference's own days, or the customary one and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.detectors import FALLBACK_LIMITS, least_rows
from homeostat.stats.limits import MEASURES, Earned, Series, earned_limits
from homeostat.stats.memory import WEEK

NO_DAYS, TOO_FEW_BLOCKS, NO_SPREAD = "no_daily_counts", "too_few_blocks", "no_spread"
Key = tuple[int, str, str]
"""A signal: the length of its windows in days, its measure, its subject."""
DRAWS_FOR_ONE = 40
"""Histories drawn for each one that is to exceed: the rate is then right to a sixth."""


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """How drift is watched. On a day on which nothing changed, the chance that any of all signals is above its limit
    is one in ``quiet_windows``.

    ``spans``: lengths of the windows in days, 1 or whole weeks: what is too slow for a day shows in a month.
    ``psi``, ``ks`` and ``missing_change`` are the customary limits, for signals whose reference is too short to earn
    one; they promise nothing.
    """

    quiet_windows: int = 90
    spans: tuple[int, ...] = (1, 7, 28)
    psi: float = FALLBACK_LIMITS["psi"]
    ks: float = FALLBACK_LIMITS["ks"]
    missing_change: float = FALLBACK_LIMITS["missing_change"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        whole = all(span == 1 or (span > 0 and span % WEEK == 0) for span in self.spans)
        if not whole or len(set(self.spans)) < len(self.spans) or 1 not in self.spans:
            raise InvalidInput(
                f"Windows of {list(self.spans)} days cannot be watched.",
                mend="Give 1 and whole weeks, each once, such as (1, 7, 28).",
            )
        limits = (self.psi, self.ks, self.missing_change)
        if self.quiet_windows < 2 or not all(0 < limit < math.inf for limit in limits):
            raise InvalidInput(
                "These limits on drift say nothing.",
                mend="Give at least 2 windows for each false alarm, and limits above 0.",
            )

    @property
    def customary(self) -> Mapping[str, float]:
        """The customary limit of each measure."""
        return {"psi": self.psi, "ks": self.ks, "missing_change": self.missing_change}


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """The limit of every signal by (span, measure, subject); of those in ``why`` it is the customary one.

    ``blocks``: how many independent stretches of time each was, or would have been, earned on.
    """

    limits: Mapping[Key, float]
    why: Mapping[Key, str] = field(default_factory=dict)
    blocks: Mapping[Key, float] = field(default_factory=dict)

    def of(self, span: int, measure: str) -> tuple[dict[str, float], dict[str, str]]:
        """By subject: the limits of a measure over windows of ``span``, and why some are customary."""
        limits = {name: limit for (days, what, name), limit in self.limits.items() if (days, what) == (span, measure)}
        why = {name: told for (days, what, name), told in self.why.items() if (days, what) == (span, measure)}
        return limits, why


def drift_limits(
    reference: ReferenceProfile,
    daily: DailyCounts | None,
    watched: DriftLimits,
    rng: np.random.Generator,
    rows: float | None = None,
) -> SignalLimits:
    """The limits of every signal of a version; a live day holds ``rows``, or about what the reference's days do."""
    every = {**reference.features, PREDICTION: reference.prediction}
    series = [one for name, profile in every.items() if (one := _series(name, profile, daily))]
    rate = 1.0 / watched.quiet_windows
    earned = earned_limits(
        series, spans=watched.spans, rate=rate, draws=DRAWS_FOR_ONE * watched.quiet_windows, rng=rng, rows=rows
    )
    by_key: dict[Key, Earned] = {(one.span, one.measure, one.subject): one for one in earned}
    return _told(every, watched, by_key)


def _series(name: str, profile: Profile, daily: DailyCounts | None) -> Series | None:
    counts = None if daily is None else daily.of_subject(name, profile)
    return None if counts is None else Series(name, counts, profile.kind == "number", least_rows(profile))


def _told(every: Mapping[str, Profile], watched: DriftLimits, earned: Mapping[Key, Earned]) -> SignalLimits:
    limits, why = dict[Key, float](), dict[Key, str]()
    for key in _keys(every, watched.spans):
        one = earned.get(key)
        if one is not None and one.limit is not None:
            limits[key] = one.limit
        else:
            limits[key] = watched.customary[key[1]]
            why[key] = NO_DAYS if one is None else NO_SPREAD if one.supported else TOO_FEW_BLOCKS
    return SignalLimits(limits, why, {key: one.blocks for key, one in earned.items()})


def _keys(every: Mapping[str, Profile], spans: Sequence[int]) -> list[Key]:
    """Every signal there is: texts have no KS."""
    return [
        (span, measure, name)
        for span in spans
        for measure in MEASURES
        for name, profile in every.items()
        if measure != "ks" or profile.kind == "number"
    ]
