"""Is it one subpopulation? Groups of rows that grew worse while the rest did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.profiles import Profile, ReferenceProfile
from homeostat.monitoring.history import Rows, groups_of, placed
from homeostat.monitoring.signals import Unknown
from homeostat.stats.arrays import Integers
from homeostat.stats.causes.segments import Excess, excesses
from homeostat.stats.discoveries import benjamini_hochberg
from homeostat.stats.intervals import MIN_BLOCKS, Interval, block_mean, student_interval

LEAST_SHARE, MOST_SHARE = 0.02, 0.5
"""Of the later rows: less is nobody's business yet, more is no sub-population."""
LEAST_ROWS = 50
LEAST_EFFECT = 0.1
"""How much more a group's loss rose than the rest's, as a share of the mean loss before."""
FALSE_SHARE = 0.05
GROUPS = 5
"""A number is cut into about so many groups, equally full in training."""
_REST = 1 / 3
"""The rest may have grown worse by this part of what the group did, and the group is still the matter."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A group that grew worse by itself: its rise, that of all other rows, how many groups were looked at, and how many
    stand out. ``least`` is the rise that is worth a word."""

    feature: str
    group: str
    share: float
    excess: Excess
    rise: Interval
    rest: Interval
    looked_at: int
    found: int
    least: float

    @property
    def alone(self) -> bool:
        """Whether the rest grew worse by little beside it, if at all."""
        spread = self.rest.low > 0.0 and self.rest.value >= self.least
        return self.rest.value < _REST * self.rise.value and not spread


def worst_segment(profile: ReferenceProfile, before: Rows, after: Rows) -> Segment | Unknown | None:
    """The group that explains most of a rise by itself, among the values of texts and the bins of numbers.

    Support and effect have limits, the false share among the groups found is at most 0.05 (Benjamini-Hochberg), and
    the day is the unit. None where no group stands out.
    """
    sides = before.labelled, after.labelled
    if min(np.unique(side.days).size for side in sides) < MIN_BLOCKS:
        return Unknown("too_few_labels")
    candidates = list(_candidates(profile, *sides))
    if not candidates:
        return None
    rejected = benjamini_hochberg([one.p_value for *_, one in candidates], rate=FALSE_SHARE).rejected
    least = LEAST_EFFECT * float(sides[0].losses.mean())
    strong = [candidates[place] for place in rejected if candidates[place][-1].effect >= least]
    if not strong:
        return None
    feature, groups, best = max(strong, key=lambda each: each[-1].effect * each[-1].after)
    inside = [groups.of(side.columns[feature]) == best.group for side in sides]
    return Segment(
        feature,
        groups.name(best.group),
        best.after / sides[1].days.size,
        best,
        rise_of(*(side.take(marks) for side, marks in zip(sides, inside, strict=True))),
        rise_of(*(side.take(~marks) for side, marks in zip(sides, inside, strict=True))),
        len(candidates),
        len(strong),
        least,
    )


def rise_of(before: Rows, after: Rows) -> Interval:
    """How much the mean loss rose, each day a block. Raises: NotEnoughData with fewer than 3 days on a side."""
    return rise_between(*(block_mean(side.losses, side.days, confidence=0.95) for side in (before, after)))


def rise_between(old: Interval, new: Interval) -> Interval:
    """By how much a mean of days rose, from two with 95 % bounds and no day in common."""
    from scipy.special import stdtrit

    first, second = ((one.high - one.value) / float(stdtrit(one.blocks - 1, 0.975)) for one in (old, new))
    blocks = min(old.blocks, new.blocks)
    gap, error = new.value - old.value, float(np.hypot(first, second))
    return student_interval(gap, error, blocks=blocks, rows=old.rows + new.rows, confidence=0.95)


@dataclass(frozen=True, slots=True)
class Groups:
    """How the rows of one feature are put into groups: ``by_bin`` has the group of every bin."""

    profile: Profile
    by_bin: Integers

    @classmethod
    def among(cls, profile: Profile) -> Groups:
        """About five groups of a number, and one for each value of a text; what is missing is one more."""
        return cls(profile, groups_of(profile, GROUPS))

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.by_bin.max()) + 1

    def of(self, values: NDArray[Any]) -> Integers:
        """The group of each value."""
        return np.asarray(self.by_bin[placed(self.profile, values)])

    def name(self, group: int) -> str:
        """A group as people read it."""
        bins = np.flatnonzero(self.by_bin == group)
        if bins[0] == len(self.profile.counts):
            return "no value"
        if self.profile.kind == "text":
            return str((*self.profile.categories, "any other")[bins[0]])
        ends = ("", *(f"{edge:.4g}" for edge in self.profile.edges), "")
        low, high = ends[bins[0]], ends[bins[-1] + 1]
        return f"{low} to {high}" if low and high else (f"at most {high}" if high else f"above {low}")


def _candidates(profile: ReferenceProfile, before: Rows, after: Rows) -> Iterator[tuple[str, Groups, Excess]]:
    old_losses, new_losses = before.losses, after.losses
    for name, one in profile.features.items():
        if name not in after.columns:
            continue
        groups = Groups.among(one)
        found = excesses(
            (groups.of(before.columns[name]), old_losses, before.days),
            (groups.of(after.columns[name]), new_losses, after.days),
            groups=groups.count,
        )
        for excess in found:
            if _supported(excess, after.days):
                yield name, groups, excess


def _supported(one: Excess, rows: NDArray[np.int64]) -> bool:
    share = one.after / rows.size
    return LEAST_SHARE <= share <= MOST_SHARE and min(one.before, one.after) >= LEAST_ROWS
