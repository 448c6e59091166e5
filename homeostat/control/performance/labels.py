"""Which labels are in, which are still due and which never came, and whether the rows without one look different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.control.days import Counted, Day
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.absent import LIMIT, SCORES, Apart, apart, by_score, judge_absent
from homeostat.monitoring.signals import Unknown
from homeostat.stats.intervals import block_mean_from_sums

Json = dict[str, Any]


def labels_of(days: Sequence[Day], waiting: Sequence[Day]) -> Json:
    """Labels of some days, and those of ``waiting``, whose last label is not due yet."""
    matured = [day.outcomes for day in days if day.outcomes is not None]
    due = [outcomes.labelled + outcomes.unlabelled for outcomes in matured]
    missing = [outcomes.unlabelled for outcomes in matured]
    return {
        "days": len(matured),
        "labelled": sum(outcomes.labelled for outcomes in matured),
        "missing": sum(missing),
        "late": sum(outcomes.late for outcomes in matured),
        "missing_share": _share(missing, due),
        "maturing": sum(day.inputs.rows for day in waiting),
        "maturing_days": len(waiting),
        "mature_by": format_instant(max(day.mature_at for day in waiting)) if waiting else None,
        "differ": _differ([day for day in days if day.outcomes is not None]),
    }


def _share(missing: Sequence[int], due: Sequence[int]) -> Json:
    """The share of labels that never came, with bounds whose unit is the day."""
    if not sum(due):
        return {"value": None, "low": None, "high": None, "unknown": "no_label_due"}
    try:
        found = block_mean_from_sums(missing, due)
    except NotEnoughData:
        return {"value": sum(missing) / sum(due), "low": None, "high": None, "unknown": None}
    low, high = max(0.0, found.low), min(1.0, found.high)
    return {"value": found.value, "low": low, "high": high, "unknown": None}


def _differ(days: Sequence[Day]) -> Json:
    """Whether rows without a label look different, over the newest days that are counted over the same bins."""
    used = _of_one_reference(days)
    seen = sorted(_compared(used), key=lambda one: -(one.excess if one.excess is not None else -1.0))
    verdict = judge_absent(seen)
    return {
        "verdict": verdict.name,
        "reasons": list(verdict.texts),
        "limit": LIMIT,
        "limit_kind": "fixed",
        "days": len(used),
        "subjects": [
            {
                "name": one.subject,
                "distance": None if isinstance(one.distance, Unknown) else one.distance,
                "chance": one.chance,
                "rows": one.rows,
                "unknown": one.distance.reason if isinstance(one.distance, Unknown) else None,
            }
            for one in seen
        ],
    }


def _of_one_reference(days: Sequence[Day]) -> list[Day]:
    """The matured days of the reference under which most labels lack: days of another have other bins."""
    lacking: dict[str | None, int] = {}
    for day in days:
        if day.outcomes is not None and day.inputs.estimated is not None:
            lacking[day.inputs.reference] = lacking.get(day.inputs.reference, 0) + day.outcomes.unlabelled
    if not lacking:
        return []
    chosen = max(lacking, key=lambda name: lacking[name])
    return [day for day in days if day.inputs.reference == chosen and day.inputs.estimated is not None]


def _compared(days: Sequence[Day]) -> list[Apart]:
    absent: dict[str, list[int]] = {}
    present: dict[str, list[int]] = {}
    for day in days:
        for name, whole in _whole(day).items():
            without = _without(day, name, len(whole))
            if without is None or len(without) != len(whole):
                continue
            _add(absent, name, without)
            _add(present, name, [max(0, a - b) for a, b in zip(whole, without, strict=True)])
    return [apart(name, absent[name], present[name]) for name in absent if sum(present[name]) + sum(absent[name])]


def _whole(day: Day) -> Mapping[str, list[int]]:
    """All rows of a day, by answer and by feature; a yes or no by its score, which needs no reference."""
    made, found = day.inputs.estimated, {name: _bins(one) for name, one in day.inputs.counted.items()}
    if made is not None and made.scores and not made.classes:
        found[SCORES] = [*by_score(made.scores), made.unreadable]
    return found


def _without(day: Day, name: str, bins: int) -> list[int] | None:
    """The rows of a day that lack a label, over the same bins; None where this was not counted of them."""
    outcomes = day.outcomes
    if outcomes is None or (outcomes.unlabelled and name not in outcomes.absent):
        return None
    return _bins(outcomes.absent[name]) if name in outcomes.absent else [0] * bins


def _bins(counted: Counted) -> list[int]:
    return [*counted.counts, counted.missing]


def _add(into: dict[str, list[int]], name: str, counts: Sequence[int]) -> None:
    before = into.get(name, [0] * len(counts))
    into[name] = [a + b for a, b in zip(before, counts, strict=True)]
