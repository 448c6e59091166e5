"""The values of one view for many questions, in NumPy: the kernel that every offline engine runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.features.stored import Asked, Stored, put
from homeostat.features.timeline import Ladder, Questions, Timeline, grouped, last_seen, timeline
from homeostat.features.views import Latest, View
from homeostat.features.windowed import windows

Array = npt.NDArray[Any]
_EARLIEST = np.iinfo(np.int64).min


def viewed(view: View, stored: Stored, question: pa.Table, time: Array) -> dict[str, Array]:
    """Every feature of the view for every question, in the order of the questions."""
    facts, asked = stored.ready(view, question, time)
    if isinstance(view, Latest):
        return _latest(view, stored, facts, asked)
    values = windows(view, facts, asked.questions, stored)
    return {name: asked.back(each) for name, each in values.items()}


def silent(view: View, stored: Stored, time: Array) -> npt.NDArray[np.bool_]:
    """Where the view's source has been silent for longer than its defaults allow."""
    if view.patience is None:
        return np.zeros(len(time), dtype=bool)
    facts = timeline(grouped(np.zeros(len(stored.time), dtype=np.int64), stored.time, stored.born), stored.died)
    return unheard(facts, time, stored.known, view.patience)


def unheard(facts: Timeline, time: Array, known: Array, patience: int) -> npt.NDArray[np.bool_]:
    """Where no fact is seen of the last ``patience`` microseconds; facts are of one entity, 0."""
    asked = Questions(np.zeros_like(time), time, known)
    high = np.searchsorted(facts.time, time, side="right")
    low = np.searchsorted(facts.time, time - patience, side="left")
    return last_seen(facts, asked, low, high) < 0


def _latest(view: Latest, stored: Stored, facts: Timeline, asked: Asked) -> dict[str, Array]:
    questions = asked.questions
    times = Ladder(facts.entity, facts.time)
    too_old = np.full_like(questions.time, _EARLIEST) if view.longest is None else questions.time - view.longest - 1
    low = times.reach(questions.entity, too_old)
    at = last_seen(facts, questions, low, times.reach(questions.entity, questions.time))
    rows = np.where(at < 0, -1, facts.row[at]) if len(facts.row) else at
    by_row = np.argsort(rows)  # so that memory is read from front to back
    rows, places = rows[by_row], asked.order[by_row]
    return {
        feature.name: put(stored.chosen(name, feature.kind, rows), places)
        for name, feature in zip(view.columns, view.features, strict=True)
    }
