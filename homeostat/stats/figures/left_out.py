"""Figures of predicted numbers over days, with bounds by leaving out a day at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.estimates.confidence import jackknifed
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.intervals import MIN_BLOCKS, Interval, student_interval

Day = TypeVar("Day")


def left_out(
    names: Sequence[str], days: Sequence[Day], whole: Callable[[Sequence[Day]], NumberSums], confidence: float
) -> dict[str, Interval | None]:
    """Each figure of what ``whole`` makes of days, whatever a day is.

    Returns: None for a figure that is undefined, of all days or without one of them.
    Raises: NotEnoughData with fewer than 3 days.
    Source: Efron and Stein (1981), Annals of Statistics 9(3), 586-596, for the jackknife.

    >>> days = [NumberSums.of([one, one + 2.0], [0.0, 0.0]) for one in (1.0, 2.0, 3.0)]
    >>> left_out(["mae"], days, lambda some: sum(some[1:], some[0]), 0.95)["mae"].value
    3.0
    """
    if len(days) < MIN_BLOCKS:
        raise NotEnoughData(f"{len(days)} days are too few.", mend="Take a longer span.", blocks=len(days))
    together = whole(days)
    others = [whole([*days[:out], *days[out + 1 :]]) for out in range(len(days))]
    found: dict[str, Interval | None] = {}
    for name in names:
        values = np.array([_figure(one, name) for one in (together, *others)])
        value, error = float(values[0]), jackknifed(values[1:])
        around = student_interval(value, error, blocks=len(days), rows=together.rows, confidence=confidence)
        found[name] = around if bool(np.isfinite(values).all()) else None
    return found


def _figure(sums: NumberSums, name: str) -> float:
    """Squares that were put right to less than nothing leave every figure undefined."""
    try:
        return float("nan") if sums.squared < 0.0 else sums.figure(name)
    except NotEnoughData:
        return float("nan")
