"""What estimates before labels, and questions about labels that never come, take from the rows of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from homeostat.app.control.scoring import answers_of
from homeostat.control.days import Counted
from homeostat.data.weights import coarsest, even
from homeostat.monitoring.absent import SCORES, by_score
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.served import served_columns
from homeostat.stats.arrays import Floats
from homeostat.stats.sums import score_counts
from homeostat.stats.tasks import BINARY, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeostat.data.profiles import ReferenceProfile
    from homeostat.features.views import FeatureKind


def scores_of(log: pa.Table) -> EstimatedDay:
    """The scores of a day's rows, counted; rows whose score is missing or no probability are counted apart."""
    each = coarsest(log)
    scores, readable = _scores(log.filter(pa.array(even(log, each))))
    counted = tuple(each * count for count in score_counts(scores[readable]))
    return EstimatedDay(counted, unreadable=each * int(np.count_nonzero(~readable)))


def absent_rows(
    rows: pa.Table, profile: ReferenceProfile | None, kinds: Mapping[str, FeatureKind], task: Task = BINARY
) -> dict[str, Counted]:
    """Rows without a label by feature, over the bins of a reference, and of a yes or no by score; empty without any."""
    if not rows.num_rows:
        return {}
    each = coarsest(rows)
    plain = rows.filter(pa.array(even(rows, each)))
    found = {}
    if task == BINARY:
        scores, readable = _scores(plain)
        grouped = tuple(each * count for count in by_score(score_counts(scores[readable])))
        found[SCORES] = Counted(grouped, each * int(np.count_nonzero(~readable)))
    if profile is None:
        return found
    counted = profile.count(served_columns(plain, kinds), task.watched(answers_of(plain, task))).features
    for name, one in counted.items():
        found[name] = Counted(tuple(each * count for count in one.counts), each * one.missing)
    return found


def _scores(log: pa.Table) -> tuple[Floats, np.ndarray]:
    scores = log["probability"].cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return scores, (scores >= 0.0) & (scores <= 1.0)
