"""How good estimates before labels turned out to be: each beside what labels showed, and how often its bounds held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from homeostat.control.days import Day
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import Estimate
from homeostat.stats.figures import FIGURES, Tables, figure_of, table_of

PROMISED = 0.95
Of = Literal["day", "trail"]


@dataclass(frozen=True, slots=True)
class Kept:
    """One estimate whose labels have come: what was expected of a day, or of the trail to it, and what it was."""

    day: str
    estimate: Estimate
    realised: float

    @property
    def error(self) -> float:
        """Estimate less what was realised."""
        return (self.estimate.known or 0.0) - self.realised


@dataclass(frozen=True, slots=True)
class Record:
    """What estimates of one figure were worth so far. ``bias`` above 0: they were too high. ``covered`` is the share
    of days whose bounds held, promised `PROMISED`; None where none had bounds. ``naive_error`` is the mean absolute
    error of the simplest guess, that all is as it was over the last matured days; None where there were none."""

    days: int
    mean_absolute_error: float
    bias: float
    covered: float | None
    naive_error: float | None


def kept(days: Sequence[Day], name: str, of: Of) -> list[Kept]:
    """Every estimate of one figure whose labels have come, ``days`` oldest first."""
    found = []
    for place, day in enumerate(days):
        made = day.inputs.estimated
        if made is None or day.outcomes is None or not day.outcomes.live.rows:
            continue
        estimate = (made.figures if of == "day" else made.trail).get(name)
        realised = realised_of(days[: place + 1], name, made.threshold, 1 if of == "day" else TRAIL_DAYS)
        if estimate is not None and estimate.known is not None and realised is not None:
            found.append(Kept(day.day, estimate, realised))
    return found


def realised_of(days: Sequence[Day], name: str, threshold: float, over: int) -> float | None:
    """A figure over the last ``over`` days with labels, as served; None where it is undefined."""
    tables: list[Tables] = []
    for day in reversed(days):
        if len(tables) == over:
            break
        if day.outcomes is not None and day.outcomes.live.rows:
            tables.append(table_of(day.outcomes.live))
    try:
        return figure_of(name, np.sum(tables, axis=0), threshold=threshold) if tables else None
    except NotEnoughData:
        return None


def records(days: Sequence[Day], of: Of) -> Mapping[str, Record]:
    """The record of every figure that was estimated and whose labels have come."""
    found = {name: record_of(kept(days, name, of), _naive(days, name, of)) for name in FIGURES}
    return {name: one for name, one in found.items() if one is not None}


def record_of(seen: Sequence[Kept], naive: Mapping[str, float]) -> Record | None:
    """What some estimates were worth; None for none."""
    if not seen:
        return None
    errors = np.array([one.error for one in seen])
    covers = [held for one in seen if (held := one.estimate.covers(one.realised)) is not None]
    simple = [abs(naive[one.day] - one.realised) for one in seen if one.day in naive]
    return Record(
        days=len(seen),
        mean_absolute_error=float(np.abs(errors).mean()),
        bias=float(errors.mean()),
        covered=float(np.mean(covers)) if covers else None,
        naive_error=float(np.mean(simple)) if len(simple) == len(seen) else None,
    )


def _naive(days: Sequence[Day], name: str, of: Of) -> dict[str, float]:
    """By day, the figure of the days that were matured when it ended, as many as it would be compared with."""
    found = {}
    for place, day in enumerate(days):
        made = day.inputs.estimated
        if made is None or day.outcomes is None:
            continue
        before = [one for one in days[:place] if one.mature_at <= day.end]
        value = realised_of(before, name, made.threshold, TRAIL_DAYS)
        if value is not None:
            found[day.day] = value
    return found
