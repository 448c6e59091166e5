"""A loop's performance as it is told: figures with labels and before them, and what estimates are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.control.days import Day
from homeostat.control.performance.estimating import estimates, method_of, recent
from homeostat.control.performance.feedback import feedback_of
from homeostat.control.performance.gaps import gaps_told
from homeostat.control.performance.labels import labels_of
from homeostat.control.performance.powers import POINTS, detection_of
from homeostat.control.performance.record import PROMISED, realised_of, records
from homeostat.control.performance.watching import watched
from homeostat.data.feedback import Feedback
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import Estimate
from homeostat.monitoring.signals import Unknown
from homeostat.stats.figures import FIGURES, figure_interval, figure_of, table_of
from homeostat.stats.intervals import Interval
from homeostat.stats.sums import ScoreSums

Json = dict[str, Any]
WINDOWS = (1, 7, 28)
"""Trails, in days, over which every figure is told beside the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is told of: the days of a loop, oldest first, and how far it has decided. ``threshold`` and
    ``feedback`` as declared now."""

    loop: str
    days: Sequence[Day]
    threshold: float
    now: Instant | None
    label_delay: int
    feedback: Feedback | None = None


def performance_of(seen: Seen, trail: int) -> Json:
    """Everything that is known of how right a loop is. ``trail`` is in days; figures that are unknown say why."""
    labelled = [day for day in seen.days if day.outcomes and day.outcomes.live.rows]
    waiting = _waiting(seen)
    return {
        "loop": seen.loop,
        "as_of": None if seen.now is None else format_instant(seen.now),
        "threshold": seen.threshold,
        "labels": labels_of(seen.days[-trail:] if trail else seen.days, waiting),
        "trail": trail,
        "realised": [_realised(labelled, seen.threshold, over) for over in sorted({*WINDOWS, trail})],
        "watched": watched(seen.days, seen.threshold),
        "estimated": _estimated(labelled, waiting, seen.threshold),
        "record": {of: {name: plain(one) for name, one in records(seen.days, of).items()} for of in ("day", "trail")},
        "promised": PROMISED,
        "power": _powers(labelled, seen, trail),
        "gaps": gaps_told(seen.days),
        "feedback": feedback_of(seen.feedback, [day for day in seen.days if day.outcomes][-trail:], seen.threshold),
        "days": [_day(seen, place) for place in range(max(0, len(seen.days) - trail), len(seen.days))],
    }


def _waiting(seen: Seen) -> list[Day]:
    """The newest days whose labels are not all due yet."""
    return [day for day in seen.days if day.outcomes is None]


def _realised(labelled: Sequence[Day], threshold: float, over: int) -> Json:
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
        "figures": {name: _figure(name, blocks, threshold) for name in FIGURES},
    }


def _figure(name: str, blocks: Sequence[ScoreSums], threshold: float) -> Json:
    """With bounds where there are days enough, else bare, else unknown."""
    try:
        found = figure_interval(name, blocks, threshold=threshold)
        return shown(found.value, found.low, found.high)
    except NotEnoughData:
        pass
    try:
        return shown(figure_of(name, sum_of(blocks), threshold=threshold))
    except NotEnoughData:
        return shown(unknown="no_labels" if not blocks else "undefined")


def _estimated(labelled: Sequence[Day], waiting: Sequence[Day], threshold: float) -> Json:
    """Every figure over all days whose labels are not in, as of what is known now."""
    made = [(day, day.inputs.estimated) for day in waiting if day.inputs.estimated is not None]
    history = recent([day.outcomes.live for day in labelled if day.outcomes], max(1, len(made)))
    scores = [sum(counts) for counts in zip(*(one.scores for _, one in made), strict=True)]
    found = estimates(scores, history, threshold, unlabelled=max(1, len(made)))
    if waiting and not made:
        found = dict.fromkeys(found, Estimate(Unknown("scores_not_counted")))
    return {
        "days": len(made),
        "from": made[0][0].day if made else None,
        "until": made[-1][0].day if made else None,
        "rows": sum(scores),
        "unreadable": sum(one.unreadable for _, one in made),
        "calibrated": {"by": method_of(history), "days": len(history), "rows": sum(block.rows for block in history)},
        "figures": {name: estimate_shown(one) for name, one in found.items()},
    }


def _powers(labelled: Sequence[Day], seen: Seen, trail: int) -> Json:
    """By figure, how long a worsening by five points goes unseen at the loop's traffic and label delay."""
    blocks = [day.outcomes.live for day in labelled if day.outcomes][-max(trail, max(WINDOWS)) :]
    delay = seen.label_delay / duration("1d")
    found: Json = {}
    for name, figure in FIGURES.items():
        if figure.better == "neither":
            continue
        try:
            bounds: Interval = figure_interval(name, blocks, threshold=seen.threshold)
            told = detection_of(bounds, label_delay=delay)
            what = "drop" if figure.better == "higher" else "rise"
            found[name] = {**told.to_json(), "sentence": told.sentence(what), "unknown": None}
        except NotEnoughData:
            found[name] = {"change": POINTS, "days": None, "sentence": None, "unknown": "too_few_labelled_days"}
    return found


def _day(seen: Seen, place: int) -> Json:
    """One day: what was expected of it, and what it was once its labels are in."""
    day = seen.days[place]
    made = day.inputs.estimated
    expected: Mapping[str, Estimate] = {} if made is None else made.figures
    there = day.outcomes is not None and day.outcomes.live.rows > 0
    realised = {name: realised_of(day, name, seen.threshold) for name in FIGURES}
    return {
        "day": day.day,
        "rows": day.inputs.rows,
        "labelled": day.outcomes.labelled if day.outcomes else None,
        "estimated": {name: estimate_shown(one) for name, one in expected.items()} or None,
        "trail": {name: estimate_shown(one) for name, one in made.trail.items()} if made else None,
        "realised": realised if there else None,
    }


def estimate_shown(one: Estimate) -> Json:
    """An estimate as JSON."""
    if isinstance(one.value, Unknown):
        return shown(unknown=one.value.reason)
    return shown(one.value, one.low, one.high)


def shown(
    value: float | None = None, low: float | None = None, high: float | None = None, *, unknown: str | None = None
) -> Json:
    """A figure as JSON: null and the reason where it is unknown."""
    return {"value": value, "low": low, "high": high, "unknown": unknown}


def sum_of(blocks: Sequence[ScoreSums]) -> Any:
    """The counts of all blocks by outcome and score. Raises: NotEnoughData for none."""
    if not blocks:
        raise NotEnoughData("No block of labelled rows.", mend="Wait for labels to mature.", blocks=0)
    return sum(table_of(block) for block in blocks)
