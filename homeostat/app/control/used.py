"""Which labelled rows of a day figures stand on: all of them, or those whose label no prediction has shaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.app.control.scoring import answers_of
from homeostat.control.days import Day
from homeostat.control.reading import TRAIL_DAYS
from homeostat.data.feedback import Feedback
from homeostat.data.shaped import Shaped
from homeostat.data.weights import coarsest, even
from homeostat.monitoring.feedback import Foretell, feedback_day
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.monitoring.labels import LABELLED, MATURED_WITHOUT_LABEL, JoinedLabels
from homeostat.stats.arrays import Floats, Integers
from homeostat.stats.tasks import BINARY, Task


def _true(truth: Floats) -> NDArray[Any]:
    return np.asarray(truth == 1.0, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Used:
    """``rows`` of the log with their ``labels``: a plain sample where the log keeps a share. Where a feedback is
    declared a row comes as often as it stands for rows (``stands_for``, by row of the log), and none comes where those
    that were acted on cannot be stood for. ``absent`` are the rows whose label never came, likewise."""

    rows: pa.Table
    labels: NDArray[Any]
    absent: pa.Table
    stands_for: Integers
    feedback: FeedbackDay | None

    @classmethod
    def of(
        cls,
        declared: Feedback | None,
        log: pa.Table,
        joined: JoinedLabels,
        earlier: Sequence[FeedbackDay],
        typed: Callable[[Floats], Any] = _true,
        task: Task = BINARY,
        foretell: Foretell | None = None,
    ) -> Used:
        """Of a day's log and what its labels are; ``earlier`` and ``foretell`` as `feedback_day` takes them.

        ``typed`` makes labels of truths: booleans, numbers, or places of classes.
        """
        told = joined.told if declared else np.flatnonzero(joined.status == LABELLED)
        labelled, one_in = log.take(pa.array(joined.rows[told])), coarsest(log)
        plain = even(labelled, one_in)
        labels, rows = typed(joined.truth[told][plain]), labelled.filter(pa.array(plain))
        missing = joined.rows[joined.status == MATURED_WITHOUT_LABEL]
        if declared is None:
            each = np.ones(log.num_rows, dtype=np.int64)
            return cls(rows, labels, log.take(pa.array(missing)), each, None)
        read = partial(answers_of, task=task)
        day = feedback_day(log, rows, labels, earlier, one_in, answers=read, task=task, foretell=foretell)
        each = Shaped.of(log).stands_for
        times = Shaped.of(rows).stands_for if day.unknown is None else np.zeros(labels.size, dtype=np.int64)
        again, absent = np.repeat(np.arange(labels.size), times), np.repeat(missing, each[missing])
        return cls(rows.take(pa.array(again)), labels[again], log.take(pa.array(absent)), each, day)


def trail_before(day: Day, known: Iterable[Day]) -> list[FeedbackDay]:
    """What a feedback left of the days that make a trail full with this one, oldest first."""
    before = sorted((one for one in known if one.start < day.start and one.outcomes), key=lambda one: one.start)
    found = [one.outcomes.feedback for one in before if one.outcomes and one.outcomes.feedback]
    return found[1 - TRAIL_DAYS :]
