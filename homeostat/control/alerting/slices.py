"""The late signal that a good average hides: a declared slice that does worse while the whole does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homeostat.control.alerting.early import reading
from homeostat.control.days import Day
from homeostat.control.performance.slices import judged
from homeostat.control.reading import TRAIL_DAYS
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_figures import Worse

_WHOLE = ("skill", "calibration")
_NAMED = 3
_MUCH = 0.25
"""A slice whose log-loss surely rose by this part of what it was is more than a note."""


def slice_readings(days: Sequence[Day], others: Sequence[Reading]) -> Iterator[Reading]:
    """Read the last of ``days``, where it keeps slices; ``others`` are its other late readings.

    Unknown while the whole is over its limits: then that is what there is to be told.
    """
    day = days[-1]
    if day.outcomes is None or not day.outcomes.slices:
        return
    declared = [one.of for one in day.outcomes.slices if one.of]
    found = judged(days, declared, TRAIL_DAYS)
    whole = any(one.said == "over" for one in others if one.rule in _WHOLE)
    if isinstance(found, Unknown) or (whole and found.found):
        yield reading("slice", "slices", day, "unknown")
    elif not found.found:
        yield reading("slice", "slices", day, "within")
    else:
        worst = found.found[0]
        seen = worst.after.value, worst.before.value
        much = any(one.rise.low >= _MUCH * one.before.value for one in found.found)
        yield reading("slice", "slices", day, "over", _text(found.found), seen, "P2" if much else None)


def _text(found: Sequence[Worse]) -> str:
    parts = [
        f"{one.name} ({one.share:.0%} of rows): loss {one.after.value:.3f}, {one.before.value:.3f} before;"
        f" all others {one.rest.value:.3f}"
        for one in found[:_NAMED]
    ]
    more = len(found) - _NAMED
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")
