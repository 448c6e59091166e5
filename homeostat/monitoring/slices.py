"""What a loop's figures are made of by slice: which rows are in which, and their sums as a day keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.data.profiles import Profile
from homeostat.monitoring.degraded import Groups
from homeostat.monitoring.kept_slices import KeptSlice, Slice
from homeostat.stats.arrays import Booleans, Floats, Integers, scored
from homeostat.stats.figures.own import Own
from homeostat.stats.metrics import beaten, log_losses, squared_errors
from homeostat.stats.tasks import BEATEN, BINARY, Multiclass, Task

MOST_VALUES, MOST_PAIRS = 20, 60
"""So many values of a text, and so many pairs of values, have figures of their own; the others are one slice."""
OTHERS, NO_VALUE, ALL = "(others)", "(no value)", "(all)"
_DIGITS, _LONGEST = 7, 60
_EXACT = {"truth": 12}
"""Digits of sums from which a spread is read, which may be small beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Labelled rows of a day as they were served: truth, score, and of how many predictions each is one.

    ``own`` are metrics of the user's, to be kept besides.
    """

    truth: Booleans
    scores: Floats
    threshold: float
    one_in: int = 1
    task: Task = BINARY
    own: tuple[Own, ...] = ()

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        scores: ArrayLike,
        threshold: float,
        one_in: int = 1,
        task: Task = BINARY,
        own: Sequence[Own] = (),
    ) -> Judged:
        """Raises: InvalidInput for a missing label or score."""
        if task == BINARY:
            return cls(*scored(labels, scores), threshold, one_in, own=tuple(own))
        return cls(np.asarray(labels), np.asarray(scores, dtype=np.float64), threshold, one_in, task, tuple(own))

    @property
    def named(self) -> NDArray[Any]:
        """Truth as a user's metric gets it: classes by name."""
        return np.array(self.task.classes)[self.truth] if isinstance(self.task, Multiclass) else self.truth


def sliced(
    slices: Sequence[Slice], columns: Mapping[str, NDArray[Any]], profiles: Mapping[str, Profile], rows: Judged
) -> tuple[KeptSlice, ...]:
    """The sums of a day by slice, that of all rows first; a slice of which a column is not there is left out.

    Numbers are cut at the quantiles of ``profiles``, those of training, and left out without one. Of a text the 20
    values stand that training saw most often; those of the day where no profile has it.

    >>> day = Judged.of([1, 0, 1], [0.9, 0.2, 0.4], 0.5)
    >>> kept = sliced([("origin",)], {"origin": np.array(["EWR", "JFK", "EWR"], dtype=object)}, {}, day)
    >>> kept[1].values, kept[1].rows, kept[1].right
    (('EWR', 'JFK'), (2, 1), (1, 1))
    """
    if not slices or not rows.truth.size:
        return ()
    names = {name for one in slices for name in one}
    cuts = {name: _cut(columns[name], profiles.get(name)) for name in names if name in columns}
    found = [_kept((), np.zeros(rows.truth.size, dtype=np.int64), [ALL], rows)]
    for one in slices:
        parts = [part for name in one if (part := cuts.get(name)) is not None]
        if len(parts) == len(one):
            codes, values = parts[0] if len(parts) == 1 else _paired(*parts)
            found.append(_kept(one, codes, values, rows))
    return tuple(found)


def _cut(values: NDArray[Any], profile: Profile | None) -> tuple[Integers, list[str]] | None:
    """The place of each row's value, and the names of the places."""
    number = values.dtype.kind == "f"
    if profile is not None and (profile.kind == "number") != number:
        profile = None
    if profile is not None and number:
        groups = Groups.among(profile)
        names = [groups.name(group) for group in range(groups.count)]
        return groups.of(values), [*names[:-1], NO_VALUE]
    if number:
        return None
    texts = [NO_VALUE if one is None or one == "" or one != one else _name(one) for one in values.tolist()]
    usual = Counter(texts)
    if profile is not None:
        usual = Counter({_name(one): rows for one, rows in zip(profile.categories, profile.counts, strict=False)})
    usual.pop(NO_VALUE, None)
    return _placed(texts, [*_most(usual, MOST_VALUES), NO_VALUE, OTHERS])


def _paired(first: tuple[Integers, list[str]], second: tuple[Integers, list[str]]) -> tuple[Integers, list[str]]:
    """Rows by both; the pairs that most of the day's rows have."""
    seen, place = np.unique(first[0] * len(second[1]) + second[0], return_inverse=True)
    names = [f"{first[1][code // len(second[1])]} & {second[1][code % len(second[1])]}" for code in seen.tolist()]
    counted = Counter(dict(zip(names, np.bincount(place).tolist(), strict=True)))
    return _placed([names[one] for one in place.tolist()], [*_most(counted, MOST_PAIRS), OTHERS])


def _most(counted: Counter[str], most: int) -> list[str]:
    return sorted(counted, key=lambda name: (-counted[name], name))[:most]


def _placed(texts: Sequence[str], names: list[str]) -> tuple[Integers, list[str]]:
    place = {name: number for number, name in enumerate(names)}
    other = len(names) - 1
    return np.array([place.get(text, other) for text in texts], dtype=np.int64), names


def _kept(of: Slice, codes: Integers, names: Sequence[str], rows: Judged) -> KeptSlice:
    truth, scores, each = rows.truth, rows.scores, rows.one_in
    counted = np.bincount(codes, minlength=len(names))
    there = np.flatnonzero(counted).tolist()

    def whole(values: ArrayLike) -> tuple[int, ...]:
        found = np.bincount(codes, weights=np.asarray(values, dtype=np.float64), minlength=len(names))
        return tuple(each * round(found[place]) for place in there)

    def total(values: Floats) -> tuple[float, ...]:
        found = np.bincount(codes, weights=values, minlength=len(names))
        return tuple(_short(each * found[place]) for place in there)

    kept = tuple(names[place] for place in there), tuple(each * int(counted[place]) for place in there)
    own = {one.name: _own(one, codes, there, rows) for one in rows.own}
    if rows.task != BINARY:
        return KeptSlice(of, *kept, sums=_summed(codes, len(names), there, rows), own=own)
    said = scores >= rows.threshold
    return KeptSlice(
        of,
        *kept,
        whole(truth),
        whole(said == truth),
        total(log_losses(truth, scores)),
        total(squared_errors(truth, scores)),
        total(scores),
        total(each * beaten(codes, truth, scores)),
        whole(said & truth),
        own=own,
    )


def _own(metric: Own, codes: Integers, there: Sequence[int], rows: Judged) -> tuple[float | None, ...]:
    found = metric.by_value(rows.named, rows.scores, codes, there)
    return tuple(None if one is None else _short(rows.one_in * one) for one in found)


def _summed(codes: Integers, count: int, there: Sequence[int], rows: Judged) -> dict[str, tuple[float, ...]]:
    def told(name: str, sums: Floats) -> tuple[float, ...]:
        each = rows.one_in ** (2 if name.startswith(BEATEN) else 1)
        return tuple(_short(each * sums[place], _EXACT.get(name, _DIGITS)) for place in there)

    found = rows.task.by_value(rows.truth, rows.scores, codes, count)
    return {name: told(name, one) for name, one in found.items()}


def _name(value: object) -> str:
    """A value's text; of one that is very long, its beginning."""
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _short(value: float, digits: int = _DIGITS) -> float:
    return float(f"{value:.{digits}g}")
