"""What went with a loop's errors on days with labels, as it is asked of the rows of another day."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.app.control.scoring import answers_of
from homeostat.control.performance.estimating import HISTORY
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.signals import Unknown
from homeostat.stats.arrays import Floats
from homeostat.stats.estimates.number_confidence import Learnt, Numbers

if TYPE_CHECKING:
    import pyarrow as pa

    from homeostat.app.prediction_log.sampled_rows import SampledRows
    from homeostat.control.days import Day
    from homeostat.features.views import FeatureKind
    from homeostat.monitoring.history import Rows
    from homeostat.stats.figures.number_sums import NumberSums
    from homeostat.stats.tasks import Regression

_LOG = logging.getLogger("homeostat.control")
_LEAST_DAYS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Foretells:
    """Foretells the sums of logged rows, given what they were served with (``kinds``) and what was ``learnt``."""

    learnt: Learnt
    names: Mapping[str, Mapping[str, int]]
    kinds: Mapping[str, FeatureKind]
    task: Regression

    def __call__(self, log: pa.Table, times: NDArray[np.int64]) -> NumberSums:
        """What is expected of rows of the log, each so many times."""
        chosen = np.flatnonzero(times)
        rows = log.take(chosen)
        table = _table(served_columns(rows, self.kinds), self.names)
        nothing, days = np.full(chosen.size, np.nan), np.zeros(chosen.size, dtype=np.int64)
        numbers = Numbers(table, answers_of(rows, self.task), nothing, days, np.zeros(table.shape[1], dtype=np.bool_))
        return self.learnt.sums(numbers, times[chosen])


def foretells(
    rows: SampledRows, task: Regression, version: str, kinds: Mapping[str, FeatureKind], day: Day, days: Sequence[Day]
) -> Foretells | None:
    """Learn from the 28 days with labels before ``day``, as a version would have answered them; None without three.

    Labels that an action shaped are none: the few rows that were left alone stand for the others.
    """
    known = [one for one in days if one.outcomes and one.start < day.start and one.outcomes.labelled][-HISTORY:]
    if len(known) < _LEAST_DAYS:
        return None
    rng = np.random.default_rng(list(hashlib.sha256(f"{version}/{day.day}".encode()).digest()))
    try:
        found = rows.read(version, known, day.mature_at, rng)
    except HomeostatError as error:
        _LOG.warning("errors of %s cannot be learnt: %s %s", day.day, error.problem, error.mend)
        return None
    return None if isinstance(found, Unknown) else _learnt(found, task, kinds)


def _learnt(found: Rows, task: Regression, kinds: Mapping[str, FeatureKind]) -> Foretells | None:
    names = {name: _places(values) for name, values in found.columns.items() if values.dtype.kind != "f"}
    table = _table(found.columns, names)
    numbers = Numbers(table, found.scores, found.truth, found.days, np.zeros(table.shape[1], dtype=np.bool_))
    used = np.isfinite(found.truth) & np.isfinite(found.scores)
    if not used.any():
        return None
    return Foretells(Learnt.of(numbers.take(used), level=task.level), names, kinds, task)


def _table(columns: Mapping[str, np.ndarray], names: Mapping[str, Mapping[str, int]]) -> Floats:
    """Inputs as columns of numbers: texts by the places of their names; missing, infinite and new ones as NaN."""
    found = [_numbers(values, names.get(name)) for name, values in columns.items()]
    rows = len(next(iter(columns.values()))) if columns else 0
    table = np.column_stack(found) if found else np.zeros((rows, 0))
    return np.where(np.isfinite(table), table, np.nan)


def _numbers(values: np.ndarray, places: Mapping[str, int] | None) -> Floats:
    if places is None:
        return np.asarray(values, dtype=np.float64)
    return np.array([places.get(str(one), np.nan) for one in values.tolist()], dtype=np.float64)


def _places(values: np.ndarray) -> dict[str, int]:
    names = sorted({str(one) for one in values.tolist() if one is not None and str(one) != ""})
    return {name: place for place, name in enumerate(names)}
