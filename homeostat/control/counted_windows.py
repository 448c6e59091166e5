"""Windows of several days, put together from the counts that days keep, so that no row is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeostat.control.days import Day, Inputs
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile, merged
from homeostat.kernel.clock import Instant

Counts = Mapping[str, Profile]
"""Rows over the bins of a reference, by subject: a feature, or the prediction. Only rows that were read count."""


def counted_before(
    version: str, days: Sequence[Day], reference: ReferenceProfile, end: Instant, most: int
) -> list[Counts]:
    """At most so many days up to ``end`` that were counted for one version without a gap, oldest first.

    ``days`` are in order of time; those that begin at ``end`` or later are not looked at.
    """
    found: list[Counts] = []
    for day in reversed(days):
        if day.start >= end:
            continue
        if len(found) == most or day.end != end or day.inputs.reference != version or not day.inputs.counted:
            break
        found.append(counts_of(day.inputs, reference))
        end = day.start
    return found[::-1]


def counts_of(inputs: Inputs, reference: ReferenceProfile) -> Counts:
    """What a day counted, over the bins of its reference."""
    every = {**reference.features, PREDICTION: reference.prediction}
    each = inputs.one_in
    return {
        name: profile.filled([count // each for count in one.counts], one.missing // each)
        for name, profile in every.items()
        if (one := inputs.counted.get(name)) is not None
    }


def together(days: Sequence[Counts], span: int) -> Counts | None:
    """The rows of the last ``span`` of these days; None where there are fewer."""
    if len(days) < span:
        return None
    part = days[len(days) - span :]
    return {name: merged([day[name] for day in part]) for name in part[-1] if all(name in day for day in part)}
