"""What people are shown of drift: every signal of a day beside its limit, and which kind of limit that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import NotFound
from homeostat.monitoring.drift_limits import Kind
from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.joint_drift import joint_drift
from homeostat.monitoring.signals import Unknown
from homeostat.stats.memory import LEAST_WEEKS

Json = dict[str, Any]
SEASON = "season"
"""Marks windows that are held against the same weeks a year before."""
KINDS: tuple[Kind, ...] = ("earned", "reached", "customary")
LATELY = 28
"""Of so many measured days it is told how many limits they exceeded."""


def drift_of(loop: Loop, days: Sequence[Day], day: str | None = None) -> Json:
    """All signals of one day, the newest that was measured unless told, the furthest above their limits first.

    What is held against the same weeks a year before is among the signals, and is not counted.
    Raises: NotFound for a day on which nothing was measured.
    """
    measured = [one for one in days if one.inputs.drift]
    shown = chosen_day(measured, day)
    every = [] if shown is None else [one for part in shown.inputs.drift for one in _signals(part)]
    told = [one for one in every if not one["season"]]
    return {
        "loop": loop.name,
        "day": shown and shown.day,
        "reference": shown and shown.inputs.reference,
        "quiet_windows": loop.drift.quiet_windows,
        "spans": list(loop.drift.spans),
        "needed": {"days": loop.drift.quiet_windows, "weeks": LEAST_WEEKS},
        "limits": {kind: sum(one["kind"] == kind for one in told) for kind in KINDS},
        "unknown": sum(one["value"] is None for one in told),
        "above": sum(one["above"] for one in told),
        "lately": _lately(measured),
        "signals": sorted(every, key=lambda one: -one["times"]),
    }


def joint_of(loop: Loop, days: Sequence[Day], day: str | None = None) -> Json:
    """Whether earned limits were exceeded more often than they promise, all inputs together, since the version came
    whose training that day is held against. Raises: as `drift_of`."""
    measured = [one for one in days if one.inputs.drift]
    shown = chosen_day(measured, day)
    mine = [] if shown is None else _beside(measured, shown)
    found = joint_drift([one.inputs.drift for one in mine], quiet_windows=loop.drift.quiet_windows)
    if isinstance(found, Unknown):
        return {"e_value": None, "chance": None, "days": len(mine), "spans": [], "unknown": found.reason}
    spans = [plain(one) for one in found.spans]
    return {"e_value": found.e_value, "chance": found.chance, "days": len(mine), "spans": spans, "unknown": None}


def reaches_back(days: Sequence[Day]) -> bool:
    """Whether these newest days, oldest first, tell of the newest what all days would."""
    measured = [one for one in days if one.inputs.drift]
    return len(measured) >= LATELY and measured[0].inputs.reference != measured[-1].inputs.reference


def _beside(measured: Sequence[Day], shown: Day) -> list[Day]:
    """The days up to one, without a gap, that were held against the same training; oldest first."""
    until = [one for one in measured if one.start <= shown.start]
    return list(takewhile(lambda one: one.inputs.reference == shown.inputs.reference, reversed(until)))[::-1]


def furthest_by_span(drift: Iterable[Drifted]) -> Json:
    """By length of window and subject the measure that is furthest above its limit, or nearest to it.

    Each as [times the limit, value, limit, measure, kind of limit]: a year of days has many.
    """
    found: Json = {}
    for part in drift:
        told = found.setdefault(f"{part.span} {SEASON}" if part.season else str(part.span), {})
        for one in _signals(part):
            name = one["subject"]
            if one["value"] is not None and (name not in told or one["times"] > told[name][0]):
                figures = [float(f"{one[key]:.4g}") for key in ("times", "value", "limit")]
                told[name] = [*figures, one["measure"], one["kind"]]
    return found


def drift_at_a_glance(told: Json) -> Json:
    """The same without its signals, but for the three that are furthest above their limits."""
    above = [one for one in told["signals"] if one["above"] and not one["season"]]
    return {**{name: value for name, value in told.items() if name not in ("signals", "lately")}, "furthest": above[:3]}


def chosen_day(measured: Sequence[Day], day: str | None) -> Day | None:
    """That day, or the newest; None where there is none at all. Raises: NotFound for a day that was not measured."""
    if day is None:
        return measured[-1] if measured else None
    found = next((one for one in measured if one.day == day), None)
    if found is None:
        names = [one.day for one in measured]
        raise NotFound(f"No drift was measured on {day}.", mend=did_you_mean(day, names), day=day)
    return found


def _signals(part: Drifted) -> Iterator[Json]:
    above = set(part.above)
    for subject, value in part.values.items():
        limit = part.limits[subject]
        yield {
            "subject": subject,
            "measure": part.measure,
            "span": part.span,
            "season": part.season,
            "value": value,
            "unknown": part.unknown.get(subject),
            "limit": limit,
            "kind": part.kinds.get(subject, "earned"),
            "why": part.why.get(subject),
            "blocks": part.blocks.get(subject),
            "above": subject in above,
            "times": -1.0 if value is None else value / max(limit, 1e-12),
        }


def _lately(measured: Sequence[Day]) -> list[Json]:
    """How many limits of each kind were exceeded on each of the last days."""
    return [{"day": one.day, **_exceeded(one)} for one in measured[-LATELY:]]


def _exceeded(day: Day) -> dict[str, int]:
    found = [part.kinds.get(name, "earned") for part in day.inputs.drift if not part.season for name in part.above]
    return {kind: found.count(kind) for kind in KINDS}
