"""What labels are worth of predictions that were acted on: none; those left alone by chance stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from homeostat.data.shaped import Shaped
from homeostat.data.weights import weights
from homeostat.stats.arrays import Booleans
from homeostat.stats.sums import ScoreSums

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_EXPECTED = 5.0
"""So many must be expected to be left alone over a trail, or figures are unknown: with fewer there may well be none,
and what is found of one in fifty then is chance. Asked of what was expected, not of what was drawn: to drop the days on
which few were drawn would favour the others."""


@dataclass(frozen=True, slots=True)
class FeedbackDay:
    """A day of a loop that declares a feedback. ``region`` counts rows that would be acted on, ``expected`` how many of
    them chance was to leave alone, ``explored`` how many it did. ``naive`` are the sums of every label that is there,
    shaped or not; ``exposed`` those of explored rows, each once, and ``unexposed`` of rows outside the region.
    ``squares`` sums the squares of what labelled rows stand for. ``unknown`` is why the figures of the day are not
    known; None where they are."""

    rows: int
    region: int
    explored: int
    expected: float
    squares: float
    naive: ScoreSums
    exposed: ScoreSums
    unexposed: ScoreSums
    unknown: str | None = None

    @property
    def left_out(self) -> int:
        """Labels that are there, and that the action may have made."""
        return self.naive.rows - self.exposed.rows - self.unexposed.rows


def feedback_day(
    log: pa.Table, labelled: pa.Table, labels: Booleans, earlier: Sequence[FeedbackDay], one_in: int = 1
) -> FeedbackDay:
    """Of all rows of a day and those with a label, each of which is one of ``one_in``; ``earlier`` are the days of the
    trail before it."""
    every, told, scores = Shaped.of(log), Shaped.of(labelled), labelled["probability"].to_numpy()
    region, each = every.region, told.stands_for

    def sums(rows: Booleans) -> ScoreSums:
        return ScoreSums.of(labels[rows], scores[rows]).times(one_in)

    seen = FeedbackDay(
        rows=int(weights(log).sum()),
        region=int(region.sum()),
        explored=int(every.explored.sum()),
        expected=float(every.propensity[region].sum()),
        squares=float(((one_in * each).astype(np.float64) ** 2).sum()),
        naive=sums(np.ones(labels.size, dtype=np.bool_)),
        exposed=sums(told.explored),
        unexposed=sums(~told.region),
    )
    why = without_overlap([*earlier, seen])
    return seen if why is None else replace(seen, unknown=why)


def without_overlap(days: Sequence[FeedbackDay]) -> str | None:
    """Why the rows that were left alone cannot stand for those that were acted on; None where they can.

    ``no_exploration``: chance leaves nobody alone; ``too_little_exploration``: fewer than `LEAST_EXPECTED` were to be
    expected; ``explored_without_labels``: what was to be left alone got no label, so that callers may act on it.
    """
    if not sum(day.region for day in days):
        return None
    expected = sum(day.expected for day in days)
    if not expected:
        return "no_exploration"
    if expected < LEAST_EXPECTED:
        return "too_little_exploration"
    return None if sum(day.exposed.rows for day in days) else "explored_without_labels"
