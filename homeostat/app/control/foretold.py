"""How wrong predicted numbers of a day are likely to be before their labels come: learnt on the days that have some."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from homeostat.control.days import Day
from homeostat.control.performance.estimating import HISTORY, RUNS, matured_by
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError, NotEnoughData
from homeostat.monitoring.estimates import Estimate, EstimatedDay, estimate_of
from homeostat.monitoring.history import Rows
from homeostat.monitoring.signals import Unknown
from homeostat.stats.arrays import Floats
from homeostat.stats.estimates.number_confidence import Numbers, learnt_errors
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.tasks import Regression

_LOG = logging.getLogger("homeostat.control")
METHOD = "learnt errors"


class Sampled(Protocol):
    """Rows of some days with their truth, as a version answers them."""

    def read(self, version: str, days: Sequence[Day], now: Instant, rng: np.random.Generator) -> Rows | Unknown:
        """With the truth as known at ``now``."""
        ...


@dataclass(frozen=True, slots=True)
class Foretelling:
    """Foretells one loop's errors from samples of its log."""

    loop: str
    task: Regression
    rows: Sampled

    def of(self, champion: str | None, day: Day, days: Sequence[Day]) -> EstimatedDay:
        """Every figure of a day that has just ended and of the trail to it, from inputs and predictions.

        ``days`` are those before. Only labels that were mature when the day ended count, so it can be made again. What
        cannot be told is unknown, with its reason.
        """
        waiting = [one for one in days[1 - TRAIL_DAYS :] if one.outcomes is None or one.mature_at > day.end]
        ahead = [one for one in (*waiting, day) if one.inputs.rows]
        matured = matured_by(days, day.end)
        known = matured[-max(HISTORY, RUNS * len(ahead)) :]
        try:
            return self._made(champion, day, ahead, known, matured)
        except NotEnoughData as error:
            return self._unknown(str(error.facts.get("reason", "undefined")))
        except HomeostatError as error:
            _LOG.warning("the errors of %s cannot be foretold: %s %s", day.day, error.problem, error.mend)
            return self._unknown(error.code)

    def _unknown(self, reason: str) -> EstimatedDay:
        figures = dict.fromkeys(self.task.figures, Estimate(Unknown(reason)))
        return EstimatedDay((), method=METHOD, unlabelled=1, figures=figures, trail=figures)

    def _made(
        self, champion: str | None, day: Day, ahead: Sequence[Day], known: Sequence[Day], matured: Sequence[Day]
    ) -> EstimatedDay:
        if champion is None or not day.inputs.rows:
            return self._unknown("no_rows")
        if len(known) < 3:
            return self._unknown("too_few_matured_days")
        rng = np.random.default_rng(list(hashlib.sha256(f"{self.loop}/{day.day}".encode()).digest()))
        rows = self.rows.read(champion, [*known, *ahead], day.end, rng)
        if isinstance(rows, Unknown):
            return self._unknown(rows.reason)
        numbers, counted = _numbers(rows), {_ordinal(one): one.inputs.rows for one in ahead}
        past = np.isin(numbers.days, [_ordinal(one) for one in known])
        used = (past | np.isin(numbers.days, list(counted))) & np.isfinite(numbers.answers)
        learnt = learnt_errors(numbers.take(used), counted, level=self.task.level)
        names, before = tuple(self.task.figures), matured[len(matured) - max(0, TRAIL_DAYS - len(ahead)) :]
        lives = [one.outcomes.live for one in before if one.outcomes and isinstance(one.outcomes.live, NumberSums)]
        figures = learnt.estimated(names, [_ordinal(day)])
        trail = learnt.estimated(names, list(counted), known=lives)
        return EstimatedDay(
            (),
            method=METHOD,
            days=len(known),
            rows=int(np.count_nonzero(past & ~np.isnan(numbers.truth))),
            unlabelled=len(ahead),
            figures={name: estimate_of(one) for name, one in figures.items()},
            trail={name: estimate_of(one) for name, one in trail.items()},
            expected=learnt.ahead[_ordinal(day)][0],
        )


def _ordinal(day: Day) -> int:
    return int(np.datetime64(day.day, "D").astype(np.int64))


def _numbers(rows: Rows) -> Numbers:
    """Inputs as columns of numbers: texts by the order of their names, missing as NaN."""
    named = [values.dtype.kind != "f" for values in rows.columns.values()]
    columns = [_column(values) for values in rows.columns.values()]
    table = np.column_stack(columns) if columns else np.zeros((rows.days.size, 0))
    return Numbers(
        np.where(np.isfinite(table), table, np.nan), rows.scores, rows.truth, rows.days, np.array(named, dtype=np.bool_)
    )


def _column(values: np.ndarray) -> Floats:
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float64)
    names = ["" if one is None else str(one) for one in values.tolist()]
    places = np.unique(names, return_inverse=True)[1].astype(np.float64)
    return np.where(np.array([name == "" for name in names]), np.nan, places)
