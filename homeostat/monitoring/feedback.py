"""What labels are worth of predictions that were acted on: none; those left alone by chance stand for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.shaped import Shaped
from homeostat.data.weights import weights
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.stats.arrays import Booleans, Floats
from homeostat.stats.estimates.parts import Foretold, Stratum
from homeostat.stats.estimates.poststrata import strata
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.tasks import BINARY, Regression, Task

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_EXPECTED = 5.0
"""So many must be expected to be left alone over a trail, or figures are unknown: with fewer there may well be none,
and what is found of one in fifty then is chance. Asked of what was expected, not of what was drawn: to drop the days on
which few were drawn would favour the others."""

TOO_FEW = "too_few_reported"
Strata = tuple[Stratum, ...]
Foretell = Callable[["pa.Table", NDArray[np.int64]], NumberSums]
"""From rows of a log and how often each counts to the sums that are foretold of them."""
MOST_SCANT = 0.01
"""Where more of the rows than this can hardly be left alone, those that are say nothing of them."""


def feedback_day(
    log: pa.Table,
    labelled: pa.Table,
    labels: NDArray[Any],
    earlier: Sequence[FeedbackDay],
    one_in: int = 1,
    *,
    answers: Callable[[pa.Table], NDArray[np.float64]],
    task: Task = BINARY,
    foretell: Foretell | None = None,
) -> FeedbackDay:
    """Of all rows of a day and those with a label, each of which is one of ``one_in``; ``earlier`` are the days of the
    trail before it. ``answers`` reads what was answered; of numbers ``foretell`` knows what errors go with inputs."""
    every, told, said = Shaped.of(log), Shaped.of(labelled), answers(labelled)
    region, each = every.region, told.stands_for

    def sums(rows: Booleans | NDArray[np.int64]) -> Sums:
        return task.sums(labels[rows], said[rows]).times(one_in)

    foretold = None
    if foretell is not None and region.any():
        mine = np.where(told.explored, each, 0)
        stood_for = NumberSums.of(np.repeat(labels, mine), np.repeat(said, mine), level=getattr(task, "level", None))
        foretold = Foretold(foretell(log, region.astype(np.int64)), foretell(labelled, mine), stood_for)
    seen = FeedbackDay(
        rows=int(weights(log).sum()),
        region=int(region.sum()),
        explored=int(every.explored.sum()),
        expected=float(every.propensity[region].sum()),
        squares=float(((one_in * each).astype(np.float64) ** 2).sum()),
        naive=sums(np.ones(labels.size, dtype=np.bool_)),
        exposed=sums(told.explored),
        unexposed=sums(~told.region & ~told.untold),
        weight=float(one_in * each.sum()),
        scant=int(every.scant.sum()),
        clipped=int((every.scant & every.explored).sum()),
        stood=sums(np.repeat(np.arange(each.size), np.where(told.explored, each, 0))),
        strata=_strata(every, told, labels, said, answers(log), task),
        foretold=foretold,
        untold=every.untold_by,
    )
    why = without_overlap([*earlier, seen]) if seen.told else TOO_FEW
    return seen if why is None else replace(seen, unknown=why)


def _strata(every: Shaped, told: Shaped, labels: Floats, said: Floats, answered: Floats, task: Task) -> Strata:
    """Of the numbers that would be acted on, by what was predicted."""
    if not isinstance(task, Regression):
        return ()
    mine = told.explored
    return strata(answered[every.region], labels[mine], said[mine], told.stands_for[mine], level=task.level)


def without_overlap(days: Sequence[FeedbackDay]) -> str | None:
    """Why the rows that were left alone cannot stand for those that were acted on; None where they can.

    ``too_few_reported``: of no day enough callers have reported what they did; the others are left out.
    ``no_exploration``: chance leaves nobody alone; ``chances_too_small``: more than `MOST_SCANT` of those that would be
    acted on had a chance below `data.shaped.LEAST_CHANCE`; ``too_little_exploration``: fewer than `LEAST_EXPECTED` were
    to be expected; ``explored_without_labels``: what was to be left alone got no label, so that callers may act on it.
    """
    days, every = [day for day in days if day.told], days
    if every and not days:
        return TOO_FEW
    if not sum(day.region for day in days):
        return None
    expected = sum(day.expected for day in days)
    if not expected:
        return "no_exploration"
    if sum(day.scant for day in days) > MOST_SCANT * sum(day.region for day in days):
        return "chances_too_small"
    if expected < LEAST_EXPECTED:
        return "too_little_exploration"
    return None if sum(day.exposed.rows for day in days) else "explored_without_labels"
