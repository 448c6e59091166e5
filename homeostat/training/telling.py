"""Features that tell the labels almost without fault: hardly ever what was known when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.causes.association import bins_of
from homeostat.stats.metrics import roc_auc
from homeostat.training.training_set import LabelledRows

TELLING = 0.99
"""The AUC of what is among the features from which it tells the answer."""
_PAIRED_ROWS = 5_000
"""Pairs are held against the latest so many rows: there are many pairs."""
_PAIRED = 64
"""Pairs are of the so many features that move the answers most, where there are more."""
_MOVED_ROWS = 256
_ROWS_OF_A_CELL = 16
_MOST_BINS = 64

Array = NDArray[Any]
Predict = Callable[[Mapping[str, Any]], NDArray[np.float64]]
Yes = NDArray[np.bool_]


def telling_features(rows: LabelledRows, predict: Predict | None = None) -> list[str]:
    """Features that tell the rows' labels by themselves; where none does, two that do so with each other.

    Numbers by their order, or by where they are missing; texts by what the label is of the others that have it. Two
    numbers by what best adds up of both, as a difference of times does, and any two by what the label is of the others
    that are near in both. Where there are many features, two of those whose values move what ``predict`` answers most.
    """
    label = told_apart(rows.label)
    alone = [name for name, values in rows.columns.items() if _tells(values, label)]
    if alone:
        return alone
    columns = {name: values[-_PAIRED_ROWS:] for name, values in rows.columns.items()}
    if predict is not None and len(columns) > _PAIRED:
        columns = {name: columns[name] for name in most_moving(predict, columns, _PAIRED)}
    return _pairs(columns, label[-_PAIRED_ROWS:])


def most_moving(predict: Predict, columns: Mapping[str, Array], many: int) -> list[str]:
    """The so many columns that move the answers most when their values are shuffled among the latest rows.

    In the order in which they were given.
    """
    latest = {name: values[-_MOVED_ROWS:] for name, values in columns.items()}
    usual = predict(latest)
    order = np.random.default_rng(0).permutation(len(usual))
    moved = {
        name: float(np.abs(predict({**latest, name: values[order]}) - usual).mean()) for name, values in latest.items()
    }
    most = set(sorted(moved, key=lambda name: -moved[name])[:many])
    return [name for name in columns if name in most]


def told_apart(label: Array) -> Yes:
    """By what rows are told apart: a yes or no itself, a number above the median, the commonest class.

    >>> told_apart(np.array([1.0, 5.0, 3.0])).tolist()
    [False, True, False]
    """
    if label.dtype == np.bool_:
        return label
    if label.dtype.kind == "f":
        return np.asarray(label > np.median(label), dtype=np.bool_)
    names, counts = np.unique(label, return_counts=True)
    return np.asarray(label == names[counts.argmax()], dtype=np.bool_)


def _tells(values: Array, label: Yes) -> bool:
    if values.dtype == object:
        return _auc(_of_the_others(values, label), label) >= TELLING
    known = ~np.isnan(values)
    found = [_auc(_order(values[known]), label[known]), _auc(known.astype(np.float64), label)]
    return any(max(one, 1 - one) >= TELLING for one in found)


def _order(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of each number among all, from 0 to 1; equal ones share theirs."""
    return np.unique(values, return_inverse=True)[1] / max(1, values.size)


def _auc(scores: NDArray[np.float64], label: Yes) -> float:
    """One half, which tells nothing, where there is nothing to tell."""
    try:
        return roc_auc(label, scores)
    except NotEnoughData:
        return 0.5


def _of_the_others(texts: Array, label: Yes) -> NDArray[np.float64]:
    names = np.array(["" if one is None else str(one) for one in texts])
    return _rates(np.unique(names, return_inverse=True)[1], label)


def _rates(places: NDArray[np.int64], label: Yes) -> NDArray[np.float64]:
    """The share of yes among the other rows of the same place; one half where there is no other row."""
    rows, yes = np.bincount(places)[places], np.bincount(places, weights=label)[places]
    return np.where(rows > 1, (yes - label) / np.maximum(rows - 1, 1), 0.5)


def _pairs(columns: Mapping[str, Array], label: Yes) -> list[str]:
    """As "a with b"."""
    most = min(_MOST_BINS, max(2, int(np.sqrt(label.size / _ROWS_OF_A_CELL))))
    bins = {name: _bins(values, most) for name, values in columns.items()}
    return [
        f"{one} with {other}"
        for one, other in combinations(columns, 2)
        if _near_in_both(bins[one], bins[other], label) or _adds_up(columns[one], columns[other], label)
    ]


def _near_in_both(one: NDArray[np.int64], other: NDArray[np.int64], label: Yes) -> bool:
    cells = np.unique(one * (other.max(initial=0) + 1) + other, return_inverse=True)[1]
    return _auc(_rates(cells, label), label) >= TELLING


def _bins(values: Array, most: int) -> NDArray[np.int64]:
    """A text by its value; numbers in ``most`` bins that are equally full, and one for those that are missing."""
    if values.dtype == object:
        return bins_of(values)
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, most + 1)[1:-1])) if known.any() else np.empty(0)
    return np.where(known, np.searchsorted(edges, values), edges.size + 1).astype(np.int64)


def _adds_up(one: Array, other: Array, label: Yes) -> bool:
    """Whether a sum of so much of both tells the label, fitted by least squares to the rows that have both."""
    if one.dtype == object or other.dtype == object:
        return False
    known = np.isfinite(one) & np.isfinite(other)
    both, mine = np.column_stack([one[known], other[known]]), label[known]
    if not mine.any() or mine.all():
        return False
    both = both - both.mean(axis=0)
    sizes = both.std(axis=0)
    if not sizes.all():
        return False
    fitted = np.linalg.lstsq(both / sizes, mine - mine.mean(), rcond=None)[0]
    return _auc(_order(both / sizes @ fitted), mine) >= TELLING
