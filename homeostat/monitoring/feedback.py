"""What labels are worth of predictions that were acted on: none; those left alone by chance stand for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.shaped import Shaped
from homeostat.data.weights import weights
from homeostat.stats.arrays import Booleans, Floats
from homeostat.stats.estimates.poststrata import Stratum, strata
from homeostat.stats.estimates.robust_numbers import Foretold
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
MOST_UNTOLD = 0.05
"""A day has no figures where of more of its rows nobody has reported what callers did, or not so that it can be: those
that are reported need not be like the others. A rate is off by this share at most."""
MOST_SCANT = 0.01
"""Where more of the rows than this can hardly be left alone, those that are say nothing of them."""


@dataclass(frozen=True, slots=True)
class FeedbackDay:
    """A day of a loop that declares a feedback. ``region`` counts rows that would be acted on, ``expected`` how many of
    them chance was to leave alone, ``explored`` how many it did. ``naive`` are the sums of every label that is there,
    shaped or not; ``exposed`` those of explored rows, each once, and ``unexposed`` of rows outside the region.
    ``weight`` sums what labelled rows stand for and ``squares`` its squares. ``unknown`` is why the figures of the day
    are not known; None where they are. ``scant`` counts rows of the region whose chance was too small to be stood for,
    and ``clipped`` those of them that were left alone. ``stood`` are the sums of explored rows, each as often as it
    stands for rows; of numbers, ``foretold`` are the sums that errors of past days let expect of the region, and
    ``strata`` are rows of the region by what was predicted, for where that is not known. Where callers report what they
    did, ``untold`` counts rows whose report is not there or cannot be, by what is wrong (`data.reports`), ``corrected``
    those reported more than once, and ``strangers`` reports of the day about what was never predicted."""

    rows: int
    region: int
    explored: int
    expected: float
    squares: float
    naive: Sums
    exposed: Sums
    unexposed: Sums
    unknown: str | None = None
    weight: float | None = None
    scant: int = 0
    clipped: int = 0
    stood: Sums | None = None
    strata: tuple[Stratum, ...] = ()
    foretold: Foretold | None = None
    untold: Mapping[str, int] = field(default_factory=dict)
    corrected: int = 0
    strangers: int = 0

    @property
    def told(self) -> bool:
        """Whether callers have reported what they did with enough of the rows, where they are to."""
        return sum(self.untold.values()) <= MOST_UNTOLD * self.rows

    @property
    def left_out(self) -> int:
        """Labels that are there, and that the action may have made."""
        return self.naive.rows - self.exposed.rows - self.unexposed.rows


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
