"""Window values of many questions: prefix sums where all facts count alike, one by one where they do not.

Facts that were never superseded are in prefix sums. A question takes from them the leading run that was all
accepted by its sequence; the rest of its window (late facts: usually few) is looked at fact by fact, and so
are superseded facts that may still have been valid then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.features.aggregates import SHRINK
from homeostat.features.ranges import Floats, Ints, Ranges, may_overflow, two_sum
from homeostat.features.timeline import NEVER, Ladder, Questions, Timeline, seen
from homeostat.features.views import Aggregate, Window

Array = npt.NDArray[Any]


class _Tally:
    """What one window's facts add up to so far, per question; parts merge in any order."""

    def __init__(self, questions: int) -> None:
        self.facts = np.zeros(questions, dtype=np.int64)
        self.present = np.zeros(questions, dtype=np.int64)
        self.total = np.zeros(questions)
        self.rest = np.zeros(questions)
        self.least = np.full(questions, np.inf)
        self.greatest = np.full(questions, -np.inf)

    def add(self, kind: str, column: Ranges | None, at: Ints, low: Ints, high: Ints) -> None:
        """Merge the ranges ``[low, high)`` of a column into the questions ``at``."""
        self.facts[at] += high - low
        if column is None:
            return
        self.present[at] += column.present(low, high)
        if kind == "minimum":
            self.least[at] = np.minimum(self.least[at], column.least(low, high))
        elif kind == "maximum":
            self.greatest[at] = np.maximum(self.greatest[at], column.greatest(low, high))
        else:
            total, rest = column.total(low, high)
            self.total[at], error = two_sum(self.total[at], total)
            self.rest[at] += rest + error

    def value(self, kind: str, scale: float) -> Floats:
        """The aggregate; NaN where it is missing."""
        if kind == "count":
            return self.facts.astype(np.float64)
        if kind in ("minimum", "maximum"):
            extreme = self.least if kind == "minimum" else self.greatest
            return np.where(self.present > 0, extreme, np.nan)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            total = (self.total + self.rest) / scale
            total[np.isinf(total)] = np.nan
            return total if kind == "sum" else total / self.present


def windows(view: Window, facts: Timeline, asked: Questions, columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every feature of the view for every question; ``columns`` are the table's, in the table's order."""
    lasting = facts.where(facts.died == NEVER)
    superseded = facts.where(facts.died != NEVER)
    scales = {name: SHRINK if may_overflow(values) else 1.0 for name, values in columns.items()}
    scaled = {name: values * scales[name] for name, values in columns.items()}
    tallies = [[_Tally(len(asked.time)) for _ in view.ranges] for _ in view.values]
    _add_lasting(view, lasting, asked, scaled, tallies)
    if len(superseded.row):
        _add_superseded(view, superseded, asked, scaled, tallies)
    names = iter(view.features)
    return {
        next(names).name: tally.value(one.kind, scales.get(one.column or "", 1.0))
        for one, row in zip(view.values.values(), tallies, strict=True)
        for tally in row
    }
