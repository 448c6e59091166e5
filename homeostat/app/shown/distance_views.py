"""Every distance of one feature from training, over each window that the loop watches, with what bins may hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.control.counted_windows import Counts, counted_before, together
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.profiles import ReferenceProfile
from homeostat.monitoring.distances import distances
from homeostat.monitoring.signals import Signal, Unknown
from homeostat.monitoring.windows import window

Json = dict[str, Any]


def distances_of(
    loop: Loop, name: str, days: Sequence[Day], references: Mapping[str, ReferenceProfile], day: Day | None
) -> Json:
    """The distances of a feature on one day, and over the weeks that end with it; a day without counts has none."""
    version = day.inputs.reference if day else None
    told: Json = {"loop": loop.name, "feature": name, "day": day and day.day, "reference": version, "distances": []}
    if day is None or version is None or version not in references:
        return told
    reference, spans = references[version], loop.drift.spans
    counted = counted_before(version, days, reference, day.end, max(spans))
    return {**told, "distances": [one for span in spans for one in _over(loop, name, reference, counted, day, span)]}


def _over(
    loop: Loop, name: str, reference: ReferenceProfile, counted: Sequence[Counts], day: Day, span: int
) -> list[Json]:
    rows = together(counted, span)
    if rows is None or name not in rows:
        return []
    signals = distances(name, reference.features[name], rows[name], window(day.day, loop.timezone))
    return [_told(one, span) for one in signals]


def _told(one: Signal, span: int) -> Json:
    return {
        "measure": one.name,
        "span": span,
        "value": one.known,
        "unknown": one.value.reason if isinstance(one.value, Unknown) else None,
        "low": one.low,
        "high": one.high,
        "rows": one.rows,
    }
