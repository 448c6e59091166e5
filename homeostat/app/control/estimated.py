"""What estimates before labels, and questions about labels that never come, take from the rows of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from homeostat.app.control.scoring import answers_of
from homeostat.control.days import Counted
from homeostat.data.profiles import PREDICTION
from homeostat.data.weights import coarsest, even
from homeostat.monitoring.absent import SCORES, by_score
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.served import served_columns
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.class_figures import class_counts
from homeostat.stats.figures.sums import score_counts
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeostat.data.profiles import ReferenceProfile
    from homeostat.features.views import FeatureKind

_ROUNDING = 1e-6
"""By so much the chances of a row may miss 1."""


def scores_of(log: pa.Table, task: Task = BINARY) -> EstimatedDay | None:
    """The scores of a day's rows, counted; rows whose score is missing or no probability are counted apart.

    None of predicted numbers, which do not say how sure they are.
    """
    if isinstance(task, Regression):
        return None
    each = coarsest(log)
    if isinstance(task, Multiclass):
        return _chances_of(log.filter(pa.array(even(log, each))), len(task.classes), each)
    scores, readable = _scores(log.filter(pa.array(even(log, each))))
    counted = tuple(each * count for count in score_counts(scores[readable]))
    return EstimatedDay(counted, unreadable=each * int(np.count_nonzero(~readable)))


def _chances_of(log: pa.Table, classes: int, each: int) -> EstimatedDay:
    told = log["probabilities"].to_pylist()
    fit = [one for one in told if one is not None and len(one) == classes and None not in one]
    table = np.array(fit, dtype=np.float64).reshape(len(fit), classes)
    readable = (table >= 0.0).all(axis=1) & (np.abs(table.sum(axis=1) - 1.0) <= _ROUNDING)
    counted = each * class_counts(table[readable]).ravel()
    unreadable = each * (len(told) - int(readable.sum()))
    return EstimatedDay(tuple(counted.tolist()), unreadable=unreadable, classes=classes)


def absent_rows(
    rows: pa.Table, profile: ReferenceProfile | None, kinds: Mapping[str, FeatureKind], task: Task = BINARY
) -> dict[str, Counted]:
    """Rows without a label by feature and by answer, over the bins of a reference, and of a yes or no by score, which
    needs none; empty without any."""
    if not rows.num_rows:
        return {}
    each = coarsest(rows)
    plain = rows.filter(pa.array(even(rows, each)))
    found = {}
    if profile is not None:
        seen = profile.count(served_columns(plain, kinds), task.watched(answers_of(plain, task)))
        counted = {PREDICTION: seen.prediction, **seen.features}
        found = {
            name: Counted(tuple(each * n for n in one.counts), each * one.missing) for name, one in counted.items()
        }
    if task == BINARY:
        scores, readable = _scores(plain)
        grouped = tuple(each * count for count in by_score(score_counts(scores[readable])))
        found[SCORES] = Counted(grouped, each * int(np.count_nonzero(~readable)))
    return found


def _scores(log: pa.Table) -> tuple[Floats, np.ndarray]:
    scores = log["probability"].cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return scores, (scores >= 0.0) & (scores <= 1.0)
