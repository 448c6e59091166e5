"""A loop's performance as it is told: figures with labels and before them, and what estimates are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.control.days import Day
from homeostat.control.performance.estimating import estimates, judged_of, method_of, recent
from homeostat.control.performance.feedback import feedback_of
from homeostat.control.performance.gaps import gaps_told
from homeostat.control.performance.labels import labels_of
from homeostat.control.performance.powers import POINTS, detection_of
from homeostat.control.performance.record import PROMISED, Of, Record, realised_of, records, records_of
from homeostat.control.performance.watching import UNWATCHED, shown, watched
from homeostat.data.feedback import Feedback
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import Estimate, EstimatedDay
from homeostat.monitoring.signals import Unknown
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.own import own_interval
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

Json = dict[str, Any]
WINDOWS = (1, 7, 28)
"""Trails, in days, over which every figure is told beside the one that was asked for."""
_IN_UNITS = ("rmse", "mae", "quantile_loss")
"""Figures in the label's own unit, in which five points mean nothing: of these, 5 % is told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is told of: the days of a loop, oldest first, and how far it has decided. ``threshold``, ``task``,
    ``feedback`` and the user's ``own`` metrics are as declared now."""

    loop: str
    days: Sequence[Day]
    threshold: float
    now: Instant | None
    label_delay: int
    task: Task = BINARY
    own: Sequence[str] = ()
    feedback: Feedback | None = None

    @property
    def labelled(self) -> list[Day]:
        """The days with labelled rows."""
        return [day for day in self.days if day.outcomes and day.outcomes.live.rows]


def performance_of(seen: Seen, trail: int) -> Json:
    """Everything that is known of how right a loop is. ``trail`` is in days; figures that are unknown say why."""
    labelled, waiting = seen.labelled, _waiting(seen)
    numbers, with_outcomes = isinstance(seen.task, Regression), [day for day in seen.days if day.outcomes]
    return {
        "loop": seen.loop,
        "task": seen.task.name,
        "primary": seen.task.loss_name,
        "as_of": None if seen.now is None else format_instant(seen.now),
        "threshold": seen.threshold,
        "labels": labels_of(seen.days[-trail:] if trail else seen.days, waiting),
        "trail": trail,
        "realised": [_realised(labelled, seen, over) for over in sorted({*WINDOWS, trail})],
        "watched": UNWATCHED if numbers else watched(seen.days, seen.threshold, _classes(seen)),
        "estimated": _foretold(waiting, seen.task) if numbers else _estimated(labelled, waiting, seen),
        "record": {of: {name: plain(one) for name, one in _records(seen, of).items()} for of in ("day", "trail")},
        "promised": PROMISED,
        "power": _powers(labelled, seen, trail),
        "gaps": gaps_told(seen.days),
        "feedback": feedback_of(seen.feedback, with_outcomes[-trail:], seen.threshold, seen.task, waiting),
        "days": [_day(seen, place) for place in range(max(0, len(seen.days) - trail), len(seen.days))],
    }


def _classes(seen: Seen) -> int:
    """How many classes there are; 0 of a yes or no."""
    return len(seen.task.classes) if isinstance(seen.task, Multiclass) else 0


def _waiting(seen: Seen) -> list[Day]:
    """The newest days whose labels are not all due yet."""
    return [day for day in seen.days if day.outcomes is None]


def _realised(labelled: Sequence[Day], seen: Seen, over: int) -> Json:
    """Every figure over the last ``over`` days with labels."""
    days = labelled[-over:]
    blocks = [day.outcomes.live for day in days if day.outcomes]
    return {
        "days": over,
        "found": len(days),
        "from": days[0].day if days else None,
        "until": days[-1].day if days else None,
        "rows": sum(block.rows for block in blocks),
        "guarantee": "fixed_look",
        "figures": {name: _figure(name, blocks, seen) for name in seen.task.figures},
        "own": {name: _own(name, days) for name in seen.own},
    }


def _figure(name: str, blocks: Sequence[Sums], seen: Seen) -> Json:
    """With bounds where there are days enough, else bare, else unknown."""
    try:
        found = seen.task.interval(name, blocks, threshold=seen.threshold)
        least, most = seen.task.reach(name)
        return shown(found.value, max(found.low, least), min(found.high, most))
    except NotEnoughData:
        pass
    try:
        return shown(seen.task.figure(name, blocks, threshold=seen.threshold))
    except NotEnoughData:
        return shown(unknown="no_labels" if not blocks else "undefined")


def _own(name: str, days: Sequence[Day]) -> Json:
    """A metric of the user's over the days on which it could be computed."""
    known = [day.outcomes.own[name] for day in days if day.outcomes and name in day.outcomes.own]
    if not known:
        return shown(unknown="no_labels" if not days else "never_computed")
    try:
        found = own_interval(known)
    except NotEnoughData:
        return shown(sum(one.total for one in known) / sum(one.rows for one in known))
    return shown(found.value, found.low, found.high)


def _records(seen: Seen, of: Of) -> Mapping[str, Record]:
    """What past estimates were worth."""
    return records(seen.days, of) if seen.task == BINARY else records_of(seen.days, of, seen.task)


def _foretold(waiting: Sequence[Day], task: Task) -> Json:
    """What is expected of predicted numbers over all days whose labels are not in, each as of when it ended."""
    made = [one for day in waiting if (one := day.inputs.estimated) is not None]
    newest = made[-1] if made else None
    return {
        "days": len(waiting),
        "from": waiting[0].day if waiting else None,
        "until": waiting[-1].day if waiting else None,
        "rows": sum(day.inputs.rows for day in waiting),
        "unreadable": 0,
        "calibrated": {
            "by": newest and newest.method,
            "days": newest.days if newest else 0,
            "rows": newest.rows if newest else 0,
        },
        "figures": {name: estimate_shown(_together(name, made)) for name in task.figures},
    }


def _together(name: str, made: Sequence[EstimatedDay]) -> Estimate:
    """The estimates of some days as one: of their expected rows, with bounds as if all days erred alike."""
    known = [
        (one.expected, found)
        for one in made
        if one.expected is not None and (found := one.figures.get(name)) is not None and found.known is not None
    ]
    if not known:
        return made[-1].figures.get(name, Estimate(Unknown("undefined"))) if made else Estimate(Unknown("no_rows"))
    whole, rows = pooled([sums for sums, _ in known]), sum(sums.rows for sums, _ in known)
    below, above = (
        sum(sums.rows * (getattr(found, side) - (found.known or 0.0)) for sums, found in known) / rows
        for side in ("low", "high")
    )
    try:
        value = whole.figure(name)
    except NotEnoughData:
        return Estimate(Unknown("undefined"))
    return Estimate(value, value + below, value + above)


def _estimated(labelled: Sequence[Day], waiting: Sequence[Day], seen: Seen) -> Json:
    """Every figure over all days whose labels are not in, as of what is known now."""
    classes = _classes(seen)
    made = [(day, one) for day in waiting if (one := day.inputs.estimated) is not None and one.classes == classes]
    history = recent(judged_of(labelled, classes), max(1, len(made)))
    scores = [sum(counts) for counts in zip(*(one.scores for _, one in made), strict=True)]
    found = estimates(scores, history, seen.threshold, unlabelled=max(1, len(made)), classes=classes)
    if waiting and not made:
        found = dict.fromkeys(found, Estimate(Unknown("scores_not_counted")))
    return {
        "days": len(made),
        "from": made[0][0].day if made else None,
        "until": made[-1][0].day if made else None,
        "rows": sum(one.counted for _, one in made),
        "unreadable": sum(one.unreadable for _, one in made),
        "calibrated": {"by": method_of(history), "days": len(history), "rows": sum(block.rows for block in history)},
        "figures": {name: estimate_shown(one) for name, one in found.items()},
    }


def _powers(labelled: Sequence[Day], seen: Seen, trail: int) -> Json:
    """By figure, how long a worsening goes unseen at the loop's traffic and label delay: by five points, or by 5 % of
    what is in the label's own unit."""
    blocks = [day.outcomes.live for day in labelled if day.outcomes][-max(trail, max(WINDOWS)) :]
    delay = seen.label_delay / duration("1d")
    found: Json = {}
    for name, better in seen.task.figures.items():
        if better == "neither":
            continue
        in_units = name in _IN_UNITS
        by, what = f"{POINTS:.0%}" if in_units else f"{100 * POINTS:g}-point", "drop" if better == "higher" else "rise"
        worse = f"{by} {what}"
        try:
            bounds: Interval = seen.task.interval(name, blocks, threshold=seen.threshold)
            told = detection_of(bounds, change=POINTS * (bounds.value if in_units else 1.0), label_delay=delay)
            found[name] = {**told.to_json(), "worse": worse, "sentence": told.sentence(what, by), "unknown": None}
        except NotEnoughData:
            unknown = {"sentence": None, "unknown": "too_few_labelled_days"}
            found[name] = {"change": None if in_units else POINTS, "days": None, "worse": worse, **unknown}
    return found


def _day(seen: Seen, place: int) -> Json:
    """One day: what was expected of it, and what it was once its labels are in."""
    day = seen.days[place]
    made = day.inputs.estimated
    expected: Mapping[str, Estimate] = {} if made is None else made.figures
    there = day.outcomes is not None and day.outcomes.live.rows > 0
    realised = {name: realised_of(day, name, seen.threshold, seen.task) for name in seen.task.figures}
    return {
        "day": day.day,
        "rows": day.inputs.rows,
        "labelled": day.outcomes.labelled if day.outcomes else None,
        "estimated": {name: estimate_shown(one) for name, one in expected.items()} or None,
        "trail": {name: estimate_shown(one) for name, one in made.trail.items()} if made else None,
        "realised": realised if there else None,
        "own": {name: one.total / one.rows for name, one in day.outcomes.own.items()} if day.outcomes else None,
    }


def estimate_shown(one: Estimate) -> Json:
    """An estimate as JSON."""
    if isinstance(one.value, Unknown):
        return shown(unknown=one.value.reason)
    return shown(one.value, one.low, one.high)
