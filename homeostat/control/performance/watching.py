"""Figures that may be looked at every day: since the present version came, with bounds that say what looking costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from homeostat.control.days import Day
from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.arms import difference_by_block
from homeostat.stats.bernstein import MovingMean
from homeostat.stats.bounded import Bounded
from homeostat.stats.figures import clipped_log_loss, figure_of, table_of
from homeostat.stats.intervals import MIN_BLOCKS, Interval, block_mean_from_sums
from homeostat.stats.looks import Looked, every_look, fixed_look
from homeostat.stats.sums import ScoreSums

Json = dict[str, Any]
CLIPPED_AT = 3.0
"""Nats beyond which a row's loss counts no more: what is bounded has bounds that hold at every look."""
_RANGES = {"accuracy": 1.0, "brier": 1.0, "clipped_log_loss": CLIPPED_AT}


def watched(days: Sequence[Day], threshold: float) -> Json:
    """Means of the days since the version that serves now came, each day alike, bounded at all looks together; and that
    version beside every other one that was scored on the very same rows.

    A window that moves along has no such bounds: each of its starts is another figure.
    """
    reign = _reign(days)
    blocks = [day.outcomes.live for day in reign if day.outcomes]
    version = reign[-1].inputs.reference if reign else None
    return {
        "version": version,
        "days": len(reign),
        "from": reign[0].day if reign else None,
        "until": reign[-1].day if reign else None,
        "guarantee": "every_look",
        "figures": {name: _mean(name, blocks, threshold) for name in _RANGES},
        "beside": [] if version is None else _beside(reign, version),
    }


def _reign(days: Sequence[Day]) -> list[Day]:
    """The days with labels since the version came that serves on the newest of them, oldest first."""
    labelled = [day for day in days if day.outcomes and day.outcomes.live.rows]
    others = [place for place, day in enumerate(labelled) if day.inputs.reference != labelled[-1].inputs.reference]
    return labelled[others[-1] + 1 if others else 0 :]


def _mean(name: str, blocks: Sequence[ScoreSums], threshold: float) -> Json:
    if not blocks:
        return {"value": None, "low": None, "high": None, "unknown": "no_labels"}
    means = [_figure(name, block, threshold) for block in blocks]
    found = MovingMean(Bounded(0.0, _RANGES[name])).seen(means, np.ones(len(means))).interval()
    return {"value": found.value, "low": found.low, "high": found.high, "unknown": None}


def _figure(name: str, block: ScoreSums, threshold: float) -> float:
    if name == "clipped_log_loss":
        return clipped_log_loss(table_of(block), at=CLIPPED_AT)
    return figure_of(name, table_of(block), threshold=threshold)


def _beside(reign: Sequence[Day], version: str) -> list[Json]:
    """The version less each other one, on days on which both were scored on the same rows; below 0, it is better."""
    names = dict.fromkeys(name for day in reign if day.outcomes for name in day.outcomes.versions)
    found = []
    for other in names:
        pairs = [(mine, theirs) for day in reign if (mine := day.sums_of(version)) and (theirs := day.sums_of(other))]
        same = [(mine, theirs) for mine, theirs in pairs if mine.rows == theirs.rows]
        if other != version and same:
            found.append({"version": other, "days": len(same), **_differences(same)})
    return found


def _differences(pairs: Sequence[tuple[ScoreSums, ScoreSums]]) -> Json:
    rows, days = [mine.rows for mine, _ in pairs], len(pairs)
    brier = ([mine.brier for mine, _ in pairs], rows), ([theirs.brier for _, theirs in pairs], rows)
    by_day = difference_by_block(*brier, Bounded(0.0, 1.0, largest=max(rows)))
    losses = [mine.log_loss - theirs.log_loss for mine, theirs in pairs]
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
