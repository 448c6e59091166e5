"""Measures what an audit judges: one feature against the labels, its own past and future, and the label's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.causes.association import auc_gap, auc_of, bins_of, noise_known, scores_of
from homeostat.stats.intervals import Interval
from homeostat.training.audit import FeatureSeen

Array = NDArray[Any]
_CONSTANT = 0.99
"""Share of rows in groups without a second value, from which a column counts as a function of the group."""


@dataclass(frozen=True, slots=True)
class Joins:
    """One feature as joined: ``base`` as defined, ``back`` and ``ahead`` shifted, ``timely`` only from facts known
    by the question; None where a join cannot change it."""

    base: Array
    back: Array | None = None
    ahead: Array | None = None
    timely: Array | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """What features are held against, all over the same rows.

    ``columns`` are those of the label's own fact. ``groups`` number the values of the question's columns by
    which a label could have been averaged. ``testable`` marks rows accepted before their label happened: of the
    others the known times prove nothing.
    """

    truth: NDArray[np.bool_]
    days: NDArray[np.int64]
    columns: Mapping[str, Array]
    groups: Mapping[str, NDArray[np.int64]]
    testable: NDArray[np.bool_]


def look_at(name: str, joins: Joins, labels: Labels, *, own: float | None, confidence: float) -> FeatureSeen:
    """Measure one feature; what cannot be measured on these rows is None."""
    scores = _scores(joins.base, labels)
    back = None if joins.back is None else _scores(joins.back, labels)
    ahead = None if joins.ahead is None else _scores(joins.ahead, labels)
    return FeatureSeen(
        feature=name,
        rows=int(labels.truth.size),
        days=int(np.unique(labels.days).size),
        auc=None
        if scores is None
        else _known(lambda: auc_of(labels.truth, scores, labels.days, confidence=confidence)),
        fall=_gap(labels, scores, back, confidence),
        gain=_gap(labels, ahead, scores, confidence),
        late=_late(joins, labels),
        own=own,
        copies=_copied(joins.base, labels),
        encodes=_encoded(name, joins.base, labels, confidence),
    )


def _scores(values: Array, labels: Labels) -> NDArray[np.float64] | None:
    try:
        return scores_of(values, labels.truth, labels.days)
    except NotEnoughData:
        return None


def _gap(labels: Labels, first: Array | None, second: Array | None, confidence: float) -> Interval | None:
    if first is None or second is None:
        return None
    return _known(lambda: auc_gap(labels.truth, first, second, labels.days, confidence=confidence))


def _known(figure: Any) -> Interval | None:
    try:
        found: Interval = figure()
    except NotEnoughData:
        return None
    return found


def _late(joins: Joins, labels: Labels) -> float | None:
    if joins.timely is None or not labels.testable.any():
        return None
    return float(_differs(joins.base, joins.timely)[labels.testable].mean())


def _copied(values: Array, labels: Labels) -> tuple[str, float] | None:
    """Agreement on all rows, and where the label's column is not at its commonest value: there it is no accident."""
    found: tuple[str, float] | None = None
    for column, theirs in {**labels.columns, "truth": labels.truth.astype(np.float64)}.items():
        if (theirs.dtype == object) != (values.dtype == object):
            continue
        codes = bins_of(theirs) if theirs.dtype == object else np.unique(theirs, return_inverse=True)[1]
        telling = codes != np.bincount(codes).argmax()
        if not telling.any():
            continue
        agrees = ~_differs(values, theirs)
        share = float(min(agrees.mean(), agrees[telling].mean()))
        if found is None or share > found[1]:
            found = (column, share)
    return found


def _encoded(name: str, values: Array, labels: Labels, confidence: float) -> tuple[str, Interval] | None:
    """The column of whose values this one is a function, where it knows most of the chance in their rates."""
    if values.dtype == object:
        return None
    found: tuple[str, Interval] | None = None
    known = ~np.isnan(values)
    for column, groups in labels.groups.items():
        if column == name or not _is_function_of(groups[known], values[known]):
            continue
        parts = (values[known], labels.truth[known], groups[known], labels.days[known])
        seen = _known(lambda parts=parts: noise_known(*parts, confidence=confidence))
        if seen is not None and (found is None or seen.low > found[1].low):
            found = (column, seen)
    return found


def _is_function_of(groups: NDArray[np.int64], values: Array) -> bool:
    if values.size < 2:
        return False
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    low, high = (bound.reduceat(values[order], starts) for bound in (np.minimum, np.maximum))
    sizes = np.diff(np.append(starts, values.size))
    return bool(sizes[low == high].sum() >= _CONSTANT * values.size) and bool(low.min() < high.max())


def _differs(first: Array, second: Array) -> NDArray[np.bool_]:
    if first.dtype == object:
        return np.asarray(first != second, dtype=np.bool_)
    return ~(np.isclose(first, second, rtol=1e-9, atol=0.0, equal_nan=True))
