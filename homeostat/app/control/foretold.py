"""How wrong predicted numbers of a day are likely to be before their labels come: learnt on the days that have some."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.app.sampled_rows import SampledRows
from homeostat.control.days import Day
from homeostat.control.performance.estimating import HISTORY, matured_by
from homeostat.kernel.errors import HomeostatError, NotEnoughData
from homeostat.monitoring.estimates import Estimate, EstimatedDay, estimate_of
from homeostat.monitoring.history import Rows
from homeostat.monitoring.signals import Unknown
from homeostat.stats.arrays import Floats
from homeostat.stats.losses import estimated_loss
from homeostat.stats.tasks import Regression

_LOG = logging.getLogger("homeostat.control")
METHOD = "learnt losses"


@dataclass(frozen=True, slots=True)
class Foretelling:
    """Foretells one loop's errors from samples of its log."""

    loop: str
    task: Regression
    rows: SampledRows

    def of(self, champion: str | None, day: Day, days: Sequence[Day]) -> EstimatedDay:
        """The error figure of a day that has just ended, from inputs and predictions; unknown where it cannot be told.

        ``days`` are those before. Only labels that were mature when the day ended count, so it can be made again.
        """
        known = matured_by(days, day.end)[-HISTORY:]
        try:
            figure, rows = self._figure(champion, day, known)
        except HomeostatError as error:
            _LOG.warning("the errors of %s cannot be foretold: %s %s", day.day, error.problem, error.mend)
            figure, rows = Estimate(Unknown(error.code)), 0
        return EstimatedDay(
            (), method=METHOD, days=len(known), rows=rows, unlabelled=1, figures={self.task.error: figure}
        )

    def _figure(self, champion: str | None, day: Day, known: Sequence[Day]) -> tuple[Estimate, int]:
        if champion is None or not day.inputs.rows:
            return Estimate(Unknown("no_rows")), 0
        if len(known) < 3:
            return Estimate(Unknown("too_few_matured_days")), 0
        rng = np.random.default_rng(list(hashlib.sha256(f"{self.loop}/{day.day}".encode()).digest()))
        rows = self.rows.read(champion, [*known, day], day.end, rng)
        if isinstance(rows, Unknown):
            return Estimate(rows), 0
        today = rows.days == int(np.datetime64(day.day, "D").astype(np.int64))
        past = rows.take(~today).labelled
        table = _table(rows)
        try:
            found = estimated_loss(
                table[today],
                table[~today & ~np.isnan(rows.truth) & ~np.isnan(rows.scores)],
                past.losses,
                past.days,
                root=self.task.level is None,
            )
        except NotEnoughData:
            return Estimate(Unknown("too_few_matured_days")), 0
        scale = 2.0 if self.task.level == 0.5 else 1.0  # the mean absolute error is twice its pinball loss
        made = estimate_of(found)
        if made.known is None or made.low is None or made.high is None:
            return made, int(past.days.size)
        return Estimate(scale * made.known, scale * made.low, scale * made.high), int(past.days.size)


def _table(rows: Rows) -> Floats:
    """Inputs and the predicted number as columns of numbers: texts by the order of their names, missing as NaN."""
    columns = [_numbers(values) for values in rows.columns.values()]
    found = np.column_stack([*columns, rows.scores])
    return np.where(np.isfinite(found), found, np.nan)


def _numbers(values: np.ndarray) -> Floats:
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float64)
    names = ["" if one is None else str(one) for one in values.tolist()]
    places = np.unique(names, return_inverse=True)[1].astype(np.float64)
    return np.where(np.array([name == "" for name in names]), np.nan, places)
