"""Figures that may be looked at every day: since the present version came, with bounds that say what looking costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from homeostat.control.days import Day
from homeostat.control.performance.estimating import Scored, judged_of
from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.figures.class_figures import clipped_class_log_loss
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.scores import clipped_log_loss, figure_of, table_of
from homeostat.stats.intervals import MIN_BLOCKS, Interval, block_mean_from_sums
from homeostat.stats.looks.arms import difference_by_block
from homeostat.stats.looks.bernstein import MovingMean
from homeostat.stats.looks.bounded import Bounded
from homeostat.stats.looks.watched import Looked, every_look, fixed_look

Json = dict[str, Any]
CLIPPED_AT = 3.0
"""Nats beyond which a row's loss counts no more: what is bounded has bounds that hold at every look."""
_RANGES = {"accuracy": 1.0, "brier": 1.0, "clipped_log_loss": CLIPPED_AT}
_OF_CLASSES = {**_RANGES, "brier": 2.0}


UNWATCHED: Json = {
    "version": None,
    "days": 0,
    "from": None,
    "until": None,
    "guarantee": "every_look",
    "figures": {},
    "beside": [],
}
"""What is told of answers of which no figure is bounded: numbers."""


def watched(days: Sequence[Day], threshold: float, classes: int = 0) -> Json:
    """Means of the days since the version that serves now came, each day alike, bounded at all looks together; and that
    version beside every other one that was scored on the very same rows.

    A window that moves along has no such bounds: each of its starts is another figure. ``classes``: how many there are,
    0 of a yes or no.
    """
    reign, ranges = _reign(days), _OF_CLASSES if classes else _RANGES
    blocks = judged_of(reign, classes)
    version = reign[-1].inputs.reference if reign else None
    return {
        "version": version,
        "days": len(reign),
        "from": reign[0].day if reign else None,
        "until": reign[-1].day if reign else None,
        "guarantee": "every_look",
        "figures": {name: _mean(name, blocks, threshold, most) for name, most in ranges.items()},
        "beside": [] if version is None else _beside(reign, version, ranges["brier"]),
    }


def _reign(days: Sequence[Day]) -> list[Day]:
    """The days with labels since the version came that serves on the newest of them, oldest first."""
    labelled = [day for day in days if day.outcomes and day.outcomes.live.rows]
    others = [place for place, day in enumerate(labelled) if day.inputs.reference != labelled[-1].inputs.reference]
    return labelled[others[-1] + 1 if others else 0 :]


def _mean(name: str, blocks: Sequence[Scored], threshold: float, most: float) -> Json:
    means = [_figure(name, block, threshold) for block in blocks]
    known = [one for one in means if one is not None]
    if not known or len(known) < len(means):
        return shown(unknown="scores_not_counted" if means else "no_labels")
    found = MovingMean(Bounded(0.0, most)).seen(known, np.ones(len(known))).interval()
    return shown(found.value, found.low, found.high)


def _figure(name: str, block: Scored, threshold: float) -> float | None:
    """None where the day did not count what it takes."""
    if isinstance(block, ClassSums):
        if name != "clipped_log_loss":
            return block.figure(name)
        return None if block.table is None else clipped_class_log_loss(block.table, at=CLIPPED_AT)
    if name == "clipped_log_loss":
        return clipped_log_loss(table_of(block), at=CLIPPED_AT)
    return figure_of(name, table_of(block), threshold=threshold)


def _beside(reign: Sequence[Day], version: str, most: float) -> list[Json]:
    """The version less each other one, on days on which both were scored on the same rows; below 0, it is better."""
    names = dict.fromkeys(name for day in reign if day.outcomes for name in day.outcomes.versions)
    found = []
    for other in names:
        pairs = [(mine, theirs) for day in reign if (mine := day.sums_of(version)) and (theirs := day.sums_of(other))]
        same = [
            (mine, theirs)
            for mine, theirs in pairs
            if isinstance(mine, Scored) and isinstance(theirs, Scored) and mine.rows == theirs.rows
        ]
        if other != version and same:
            found.append({"version": other, "days": len(same), **_differences(same, most)})
    return found


def _differences(pairs: Sequence[tuple[Scored, Scored]], most: float) -> Json:
    rows, days = [mine.rows for mine, _ in pairs], len(pairs)
    brier = ([mine.brier for mine, _ in pairs], rows), ([theirs.brier for _, theirs in pairs], rows)
    by_day = difference_by_block(*brier, Bounded(0.0, most, largest=max(rows)))
    losses = [mine.loss - theirs.loss for mine, theirs in pairs]
    told: Json = {"rows": sum(rows), "brier": _looked(every_look(by_day.interval, look=days))}
    try:
        look = max(1, days - MIN_BLOCKS + 1)
        found = fixed_look(partial(block_mean_from_sums, losses, rows), look=look)
        return {**told, "log_loss": _looked(found)}
    except NotEnoughData:
        nothing = {"value": None, "low": None, "high": None}
        return {**told, "log_loss": {**nothing, "guarantee": "fixed_look", "look": days, "unknown": "too_few_days"}}


def _looked(one: Looked) -> Json:
    found: Interval = one.interval
    bounds = {"value": found.value, "low": found.low, "high": found.high}
    return {**bounds, "guarantee": one.guarantee, "look": one.look, "unknown": None}


def shown(
    value: float | None = None, low: float | None = None, high: float | None = None, *, unknown: str | None = None
) -> Json:
    """A figure as JSON: null and the reason where it is unknown."""
    return {"value": value, "low": low, "high": high, "unknown": unknown}
