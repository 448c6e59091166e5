"""Error gaps of a loop's cohorts across its retrainings: declared slices, and rows that would be acted on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from homeostat.control.days import Day
from homeostat.monitoring.gaps import CohortDays, Gap, Widened, gap_of, widened, worth_telling
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.slice_figures import named

Json = dict[str, Any]
Sums = tuple[float, float, float, float]
EXPOSED = "acted on, were it not for chance"
DAYS = 28
"""The newest days of each version's time on which its gaps stand."""
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Gaps:
    """Every cohort's days by version, oldest version first; what surely widened since another version, widest first."""

    cohorts: Mapping[str, Sequence[CohortDays]]
    wider: tuple[Widened, ...]


def gaps_of(days: Sequence[Day]) -> Gaps:
    """Of days with labels, oldest first; each counts for the version that served when it ended.

    A gap under the present version is held against those under the one before it and under the first: a gap that grows
    by little each time is found, too.
    """
    reigns = [(version, [dict(_cohorts(day)) for day in kept]) for version, kept in _reigns(days)]
    names = list(dict.fromkeys(name for day in reigns[-1][1] for name in day)) if reigns else []
    cohorts = {name: [CohortDays(version, _sums(name, kept)) for version, kept in reigns] for name in names}
    if len(reigns) < 2:
        return Gaps(cohorts, ())
    past = {name: list({id(one): one for one in (found[-2], found[0])}.values()) for name, found in cohorts.items()}
    looked_at = sum(len(one) for one in past.values())
    found: list[Widened] = []
    for name, every in cohorts.items():
        wider = widened(name, past[name], every[-1], looked_at=looked_at)
        known = {one.version: one.mean_loss for one in every}
        found += [one for one in wider if worth_telling(one, known[one.before.version])][:1]
    return Gaps(cohorts, tuple(sorted(found, key=lambda one: -one.by.low)))


def gaps_told(days: Sequence[Day]) -> Json:
    """Gaps as JSON: by cohort and version, and what widened; cohorts whose gap is known nowhere are left out."""
    found = gaps_of(days)
    each = {name: [gap for one in kept[-_SHOWN:] if (gap := gap_of(one))] for name, kept in found.cohorts.items()}
    return {
        "cohorts": [{"cohort": name, "versions": [_gap(one) for one in gaps]} for name, gaps in each.items() if gaps],
        "widened": [widened_told(one) for one in found.wider],
    }


def widened_told(one: Widened) -> Json:
    """A gap that widened."""
    by = {"by": one.by.value, "low": one.by.low, "high": one.by.high, "confidence": one.by.confidence}
    return {"cohort": one.cohort, "before": _gap(one.before), "now": _gap(one.now), **by}


def _gap(one: Gap) -> Json:
    gap = one.difference
    return {
        "version": one.version,
        "days": gap.blocks,
        "rows": one.rows,
        "gap": gap.value,
        "low": gap.low,
        "high": gap.high,
    }


def _reigns(days: Sequence[Day]) -> list[tuple[str, list[Day]]]:
    kept = [day for day in days if day.outcomes is not None and day.inputs.reference is not None]
    grouped = groupby(kept, key=lambda day: str(day.inputs.reference))
    return [(version, list(found)[-DAYS:]) for version, found in grouped]


def _sums(name: str, days: Sequence[Mapping[str, Sums]]) -> Any:
    """By day loss and rows of a cohort, and of all others."""
    return np.array([day.get(name, (0.0, 0.0, 0.0, 0.0)) for day in days]).reshape(-1, 4)


def _cohorts(day: Day) -> Iterator[tuple[str, Sums]]:
    assert day.outcomes is not None
    told = day.outcomes.feedback
    if told is not None and told.told and told.region:
        exposed, others = told.exposed, told.unexposed
        stood = told.stood if told.stood is not None and told.stood.rows else exposed
        mean = stood.loss / stood.rows if stood.rows else 0.0
        yield EXPOSED, (mean * exposed.rows, exposed.rows, others.loss, others.rows)
    if day.outcomes.slices:
        whole = day.outcomes.slices[0]
        for one in day.outcomes.slices[1:]:
            yield from _of_slice(one, whole)


def _of_slice(one: KeptSlice, whole: KeptSlice) -> Iterator[tuple[str, Sums]]:
    for value, rows, loss in zip(one.values, one.rows, one.losses, strict=True):
        yield named(one.of, value), (loss, rows, whole.losses[0] - loss, whole.rows[0] - rows)
