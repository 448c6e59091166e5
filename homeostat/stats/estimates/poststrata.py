"""Figures of all predicted numbers where only some have a label: weighted, and put right by what was predicted.

Each labelled row stands for as many as it was drawn from. Chance then gives some predictions too many rows and others
too few: within groups of like predictions, what was found is told of as many rows as the group has in all. Right if
either the chances are, or errors within a group are alike; narrower where errors go with what is predicted.
Source: Holt and Smith (1979), Post stratification, Journal of the Royal Statistical Society A 142(1), 33-46.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.arrays import Floats, finite, same_length
from homeostat.stats.estimates.parts import Stratum
from homeostat.stats.figures.left_out import left_out
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval

LEAST = 20
"""Groups of like predictions are put together until so many labelled rows are in each."""
_PARTS, _SMALLEST = 4, 40


def strata(
    every: ArrayLike, labels: ArrayLike, answers: ArrayLike, times: ArrayLike, *, level: float | None = None
) -> tuple[Stratum, ...]:
    """What is kept of a day: ``every`` answered number, and labelled ones that were drawn, with what they stand for.

    Strata are quarters of a doubling of what is predicted, so that they are the same whatever a loop predicts.

    >>> [(one.rows, one.labelled) for one in strata([1.0, 1.1, 64.0], [2.0], [1.0], [2])]
    [(2, 1), (1, 0)]
    """
    among, truth, said = finite("every", every), finite("labels", labels), finite("answers", answers)
    each = np.asarray(times, dtype=np.int64)
    same_length(labels=truth, answers=said, times=each)
    theirs, mine = _places(among), _places(said)
    found = []
    for place in np.unique(np.concatenate([theirs, mine])).tolist():
        chosen = np.repeat(np.flatnonzero(mine == place), each[mine == place])
        sums = NumberSums.of(truth[chosen], said[chosen], level=level)
        kept = sums if level is not None else dataclasses.replace(sums, levels=(), counts=())
        found.append(Stratum(int(place), int((theirs == place).sum()), int((mine == place).sum()), kept))
    return tuple(found)


def post_stratified(
    names: Sequence[str], days: Sequence[tuple[NumberSums, Sequence[Stratum]]], *, confidence: float = 0.95
) -> dict[str, Interval | None]:
    """Each figure over days, with bounds by leaving out a day at a time: rows that count as they are, and strata.

    Returns: None for a figure that is undefined, of all days or without one of them.
    Raises: NotEnoughData with fewer than 3 days.

    >>> day = NumberSums.of([], []), strata([1.0] * 80 + [64.0] * 20, [2.0, 60.0], [1.0, 64.0], [50, 50])
    >>> round(post_stratified(["mae"], [day] * 20)["mae"].value, 3)
    1.6
    """
    return left_out(names, days, _whole, confidence)


def _whole(days: Sequence[tuple[NumberSums, Sequence[Stratum]]]) -> NumberSums:
    together: defaultdict[int, list[Stratum]] = defaultdict(list)
    for _, parts in days:
        for one in parts:
            together[one.place].append(one)
    sums = [plain for plain, _ in days]
    waiting: list[Stratum] = []
    left = sum(one.labelled for part in together.values() for one in part)
    for place in sorted(together):
        waiting += together[place]
        labelled = sum(one.labelled for one in waiting)
        if labelled >= LEAST and left - labelled >= LEAST:
            sums.append(_told_of_all(waiting))
            left, waiting = left - labelled, []
    return pooled([*sums, _told_of_all(waiting)] if waiting else sums)


def _told_of_all(parts: Sequence[Stratum]) -> NumberSums:
    """What was found of the labelled rows, of as many as there are."""
    sums, rows = pooled([one.sums for one in parts]), sum(one.rows for one in parts)
    if not sums.rows:
        return sums
    share = rows / sums.rows
    scaled = {name: getattr(sums, name) * share for name in ("loss", "error", "absolute", "squared", "spread")}
    counts = tuple(round(one * share) for one in sums.counts)
    return dataclasses.replace(sums, rows=rows, counts=counts, **scaled)


def _places(values: Floats) -> NDArray[np.int64]:
    size = np.abs(values)
    octaves = np.log2(np.where(size > 0.0, size, 1.0))
    place = np.maximum(np.floor(_PARTS * (octaves + _SMALLEST)), 0.0) + 1.0
    return np.asarray(np.where(size > 0.0, np.sign(values) * place, 0.0), dtype=np.int64)
