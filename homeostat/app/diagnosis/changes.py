"""Where detectors of change would have alarmed on a loop's daily loss, had they watched it: a hint, no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from homeostat.adapters.river.changes import Adwin, PageHinkley
from homeostat.control.days import Day
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.changes import ChangeDetector
from homeostat.stats.changes.cusum import Cusum

Json = dict[str, Any]
LEARNT_ON = 28
"""The first days since the version came: from them a detector that does not learn knows its level."""
_SLACK, _LIMIT, _NO_SPREAD = 0.5, 5.0, 1e-9
_NAMES = ("CUSUM", "Page-Hinkley", "ADWIN")
_REACH = 3.0
"""Deviations to either side of the level that ADWIN, which takes values in [0, 1], sees."""


def changes_of(days: Sequence[Day]) -> Json:
    """The days on which each detector alarms on the mean loss of the days since the present version came.

    All are computed anew from what is stored: the same days give the same alarms. Rising and falling alike. Where days
    depend on one another they alarm more often than the books say, so nothing is decided by them.
    """
    labelled = [day for day in days if day.outcomes and day.outcomes.live.rows]
    since = [day for day in labelled if day.inputs.reference == labelled[-1].inputs.reference]
    losses = np.array([live.loss / live.rows for day in since if day.outcomes and (live := day.outcomes.live)])
    told = {"version": since[-1].inputs.reference if since else None, "days": len(since), "learnt_on": LEARNT_ON}
    level, spread = losses[:LEARNT_ON], float(losses[:LEARNT_ON].std(ddof=1)) if losses.size > 1 else 0.0
    if losses.size <= LEARNT_ON or not spread > _NO_SPREAD:
        why = "no_spread" if losses.size > LEARNT_ON else "too_few_days"
        return {**told, "detectors": [{"name": name, "alarms": [], "unknown": why} for name in _NAMES]}
    names = [day.day for day in since]
    detectors: dict[str, tuple[ChangeDetector, np.ndarray]] = {
        "CUSUM": (Cusum(float(level.mean()), spread, _SLACK, _LIMIT), losses),
        "Page-Hinkley": (PageHinkley(_LIMIT * spread, _SLACK * spread), losses),
        "ADWIN": (Adwin(chance=0.05), ((losses - level.mean()) / (2 * _REACH * spread) + 0.5).clip(0.0, 1.0)),
    }
    return {**told, "detectors": [_told(name, names, *one) for name, one in detectors.items()]}


def _told(name: str, days: Sequence[str], detector: ChangeDetector, values: np.ndarray) -> Json:
    try:
        alarms = [days[place] for place in detector.alarms(values)]
        return {"name": name, "alarms": alarms, "unknown": None}
    except NotEnoughData:
        return {"name": name, "alarms": [], "unknown": "too_few_days"}
