"""How good estimates before labels turned out to be: each beside what labels showed, and how often its bounds held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from homeostat.control.days import Day
from homeostat.control.performance.estimating import scored_of
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import Estimate
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.scores import FIGURES, Tables, cut_of, table_of
from homeostat.stats.figures.spans import pooled_spans
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.tasks import BINARY, Task

_NONE: Tables = np.zeros((2, SCORE_BINS))
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
    error of the simplest guess, that all is as it was over the last 14 matured days; None where there were none."""

    days: int
    mean_absolute_error: float
    bias: float
    covered: float | None
    naive_error: float | None


def kept(days: Sequence[Day], name: str, of: Of) -> list[Kept]:
    """Every estimate of one figure whose labels have come, ``days`` oldest first."""
    return _held(days, of).kept(name)


def records(days: Sequence[Day], of: Of) -> Mapping[str, Record]:
    """The record of every figure that was estimated and whose labels have come."""
    held = _held(days, of)
    found = {name: _record(held.kept(name), held.naive(name)) for name in FIGURES}
    return {name: one for name, one in found.items() if one is not None}


def records_of(days: Sequence[Day], of: Of, task: Task) -> Mapping[str, Record]:
    """The same of numbers and several classes."""
    labelled = [day for day in days if day.outcomes is not None and day.outcomes.live.rows]
    lives = [day.outcomes.live for day in labelled if day.outcomes]
    over, places = (1 if of == "day" else TRAIL_DAYS), list[int]()
    spans, usual = list[tuple[int, int]](), list[tuple[int, int]]()
    for place, day in enumerate(labelled):
        if day.inputs.estimated is None:
            continue
        known = sum(one.mature_at <= day.end for one in labelled[:place])
        places.append(place)
        spans.append((max(0, place + 1 - over), place + 1))
        usual.append((max(0, known - TRAIL_DAYS), known))
    realised, naive = pooled_spans(lives, spans), pooled_spans(lives, usual)
    found = {}
    for name in task.figures:
        seen, simple = list[Kept](), dict[str, float]()
        for place, truth, before in zip(places, realised, naive, strict=True):
            day, made = labelled[place], labelled[place].inputs.estimated
            one = None if made is None else (made.figures if of == "day" else made.trail).get(name)
            value, guess = _defined(truth, name), _defined(before, name)
            if one is None or one.known is None or value is None:
                continue
            seen.append(Kept(day.day, one, value))
            if guess is not None:
                simple[day.day] = guess
        found[name] = _record(seen, simple)
    return {name: one for name, one in found.items() if one is not None}


def realised_of(day: Day, name: str, threshold: float, task: Task = BINARY) -> float | None:
    """A figure of a day with labels, as served; None where it is undefined."""
    if day.outcomes is None:
        return None
    if not isinstance(day.outcomes.live, ScoreSums):
        return _defined(day.outcomes.live, name) if name in task.figures else None
    value = float(FIGURES[name].of(table_of(day.outcomes.live), cut_of(threshold)))
    return value if np.isfinite(value) else None


def _defined(sums: Sums | None, name: str) -> float | None:
    try:
        return None if sums is None else sums.figure(name)
    except NotEnoughData:
        return None


@dataclass(frozen=True, slots=True)
class _Held:
    """Days that were estimated and have labels by now; by day, the rows on which figures stand by outcome and score.

    ``realised`` are those of the day or of the trail to it, ``known`` those that were mature when it ended.
    """

    days: Sequence[Day]
    estimates: Sequence[Mapping[str, Estimate]]
    cuts: Sequence[int]
    realised: Tables
    known: Tables

    def kept(self, name: str) -> list[Kept]:
        """Each estimate that has a value beside what was realised, where that has one."""
        rows = zip(self.days, self.estimates, self._figures(name, self.realised), strict=True)
        return [
            Kept(day.day, made[name], value)
            for day, made, value in rows
            if np.isfinite(value) and name in made and made[name].known is not None
        ]

    def naive(self, name: str) -> dict[str, float]:
        """By day, the figure of the days that were matured when it ended."""
        found = zip(self.days, self._figures(name, self.known), strict=True)
        return {day.day: value for day, value in found if np.isfinite(value)}

    def _figures(self, name: str, tables: Tables) -> list[float]:
        found = np.full(len(self.days), np.nan)
        for cut in set(self.cuts):
            mine = np.array(self.cuts) == cut
            found[mine] = FIGURES[name].of(tables[mine], cut)
        return [float(value) for value in found]


def _held(days: Sequence[Day], of: Of) -> _Held:
    labelled = [day for day in days if day.outcomes is not None and day.outcomes.live.rows]
    tables = [table_of(block) for block in scored_of(labelled)]
    over = 1 if of == "day" else TRAIL_DAYS
    used, made, cuts, realised, known = list[Day](), list[Mapping[str, Estimate]](), list[int](), [_NONE], [_NONE]
    for place, day in enumerate(labelled):
        one = day.inputs.estimated
        if one is None:
            continue
        before = [table for other, table in zip(labelled[:place], tables, strict=False) if other.mature_at <= day.end]
        used.append(day)
        made.append(one.figures if of == "day" else one.trail)
        cuts.append(cut_of(one.threshold))
        realised.append(np.sum(tables[max(0, place + 1 - over) : place + 1], axis=0))
        known.append(np.sum([_NONE, *before[-TRAIL_DAYS:]], axis=0))
    return _Held(used, made, cuts, np.stack(realised)[1:], np.stack(known)[1:])


def _record(seen: Sequence[Kept], naive: Mapping[str, float]) -> Record | None:
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
