"""When a loss rose, how, and what was done near that moment: a release, a contract, a table that fell silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from homeostat.kernel.clock import duration, to_datetime
from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import Reason, figure
from homeostat.kernel.words import plural
from homeostat.monitoring.history import Cost, DayFacts, Event, History, Split
from homeostat.stats.changes.shapes import Shape, shape_of
from homeostat.stats.intervals import Interval, block_mean_from_sums
from homeostat.stats.metrics import skill_of

WORSE_RELEASE = 0.02
"""Nats per row by which a version is surely worse than its standby on the same rows before it is to blame."""
_PART_OF_RISE = 0.5
_YEAR = timedelta(days=364)
"""Whole weeks, so that weekdays are compared with themselves."""
_LEAST_DAYS = 5
_NEAR = 1
"""Days around the bounds of a change in which something counts as near it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """``answer`` is sudden, gradual, seasonal, no change, or unknown. ``worse_release`` quotes the proof that the
    version before would have done better on the same rows, by at least half of the rise."""

    answer: str
    evidence: tuple[Reason, ...]
    worse_release: Reason | None = None


def timing_of(history: History, halves: Split) -> Timing:
    """Date the rise, tell its form, look a year back, and list what was done near it."""
    known = [day for day in history.days if day.loss is not None and day.loss.rows]
    release, easier = _worse_release(known, halves, history.unit), list(_difficulty(halves))
    also = () if release is None else (release,)
    if not known:
        text = "no label has matured"
        return Timing("unknown", (Reason("no_labels_yet", 0, None, text), *_no_year(history)), None)
    if halves.change is None:
        text = f"the loss of {plural(len(known), 'day')} shows no moment at which it rose"
        return Timing(
            "no change", (Reason("no_change_point", None, None, text), *easier, *_no_year(history), *also), release
        )
    evidence = [_dated(halves, history.unit), *_near(history, halves)]
    season, told = _season(history, halves)
    answer, form = _form(known)
    return Timing("seasonal" if season else answer, (*evidence, *form, *easier, *told, *also), release)


def _dated(halves: Split, unit: str) -> Reason:
    change = halves.change
    assert change is not None
    first, day, last = (halves.dated[place] for place in (change.earliest, change.at, change.latest))
    text = f"the loss rose from {figure(change.before)} to {figure(change.after)} {unit} at {day} ({first} to {last}),"
    return Reason("change_point", change.p_value, 0.05, f"{text} p {figure(change.p_value)}")


def _form(known: Sequence[DayFacts]) -> tuple[str, list[Reason]]:
    try:
        found: Shape = shape_of(*_costs([day.loss for day in known]))
    except NotEnoughData as error:
        return "sudden", [Reason(error.code, None, None, f"the form is not known: {error.problem}")]
    text = f"a step explains {100 * found.step:.0f} % of what days differ by, a ramp from {known[found.ramp_from].day}"
    answer = "gradual" if found.gradual else "sudden"
    return answer, [Reason("form", found.log_ratio, 0.0, f"{text} {100 * found.ramp:.0f} %")]


def _near(history: History, halves: Split) -> Iterator[Reason]:
    change = halves.change
    assert change is not None
    first, last = (date.fromisoformat(halves.dated[place]) for place in (change.earliest, change.latest))
    near = [*history.events, *_silences(history.days)]
    low, high = first - timedelta(days=_NEAR), last + timedelta(days=_NEAR)
    found = [one for one in near if low <= to_datetime(one.at).date() <= high]
    for one in sorted(found, key=lambda each: each.at):
        yield Reason(one.kind, None, None, f"near it, {to_datetime(one.at).date()}: {one.text}")
    if not found:
        text = f"no deployment, contract or table is known to have changed from {low} to {high}"
        yield Reason("nothing_near", None, None, text)


def _difficulty(halves: Split) -> Iterator[Reason]:
    """The base rate on either side, and what the loss saves of it: days may be harder without a worse model."""
    told = []
    for side in (halves.before, halves.after):
        seen = [day for day in side if day.loss is not None and day.loss.rows and day.labelled]
        rows, positives = (sum(getattr(day, name) or 0 for day in seen) for name in ("labelled", "positives"))
        if not 0 < positives < rows:
            return
        loss = sum(day.loss.total for day in seen if day.loss) / sum(day.loss.rows for day in seen if day.loss)
        told.append((positives / rows, skill_of(loss, positives / rows)))
    (old_rate, old), (new_rate, new) = told
    text = f"the base rate went from {figure(old_rate)} to {figure(new_rate)}, skill over it from {figure(old)}"
    yield Reason("skill", new, old, f"{text} to {figure(new)}")


def _silences(days: Sequence[DayFacts]) -> Iterator[Event]:
    """Where a table or view began to be late, or began to break its contract."""
    for before, day in pairwise(days):
        at = day.ordinal * duration("1d")
        for name, met in day.fresh.items():
            if met is False and before.fresh.get(name) is not False:
                yield Event(at, "table", f"{name} fell silent")
        for name, kept in day.quarantined.items():
            if kept and not before.quarantined.get(name, 0):
                yield Event(at, "table", f"{plural(kept, 'row')} of {name} broke its contract")


def _season(history: History, halves: Split) -> tuple[bool, list[Reason]]:
    """Whether the loss rose by at least half as much between the same days a year before."""
    by_day = {day.day: day.loss for day in history.year_before if day.loss is not None and day.loss.rows}
    then = [
        [by_day[name] for day in side if (name := _a_year_before(day)) in by_day]
        for side in (halves.before, halves.after)
    ]
    if min(map(len, then)) < _LEAST_DAYS or halves.change is None:
        return False, list(_no_year(history))
    old, new = (sum(one.total for one in side) / sum(one.rows for one in side) for side in then)
    text = f"a year before, the loss went from {figure(old)} to {figure(new)} {history.unit} between the same days"
    limit = _PART_OF_RISE * halves.change.size
    return new - old >= limit, [Reason("year_before", new - old, limit, text)]


def _a_year_before(day: DayFacts) -> str:
    return (date.fromisoformat(day.day) - _YEAR).isoformat()


def _no_year(history: History) -> Iterator[Reason]:
    if not history.year_before:
        text = "whether a season explains it is unknown: there are no days of a year before"
        yield Reason("no_year_before", None, None, text)


def _worse_release(known: Sequence[DayFacts], halves: Split, unit: str) -> Reason | None:
    """The judged version against its standby on the same rows, since the later of change and trail."""
    names = {day.day for day in halves.after}
    pairs = [(day.loss, day.standby) for day in known if day.day in names and day.loss and day.standby]
    even = [(one, other) for one, other in pairs if one.rows == other.rows and one.rows]
    try:
        found: Interval = block_mean_from_sums(
            [one.total - other.total for one, other in even], [one.rows for one, _ in even]
        )
    except NotEnoughData:
        return None
    rise = 0.0 if halves.change is None else halves.change.size
    limit = max(WORSE_RELEASE, _PART_OF_RISE * rise)
    if found.low <= limit:
        return None
    text = (
        f"the version before would have cost {figure(found.value)} {unit} less per row (at least {figure(found.low)})"
    )
    return Reason(
        "worse_release",
        found.low,
        limit,
        f"{text} on the same {plural(found.rows, 'row')} of {plural(found.blocks, 'day')}",
    )


def _costs(costs: Sequence[Cost | None]) -> tuple[list[float], list[int]]:
    known = [one for one in costs if one is not None]
    return [one.total for one in known], [one.rows for one in known]
