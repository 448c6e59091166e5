"""Reads from the prediction log of a loop, and from what callers report, which of its questions a prediction shaped."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.loops.labelled_loops import LabelledLoop
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.reported import Reported
from homeostat.data.feedback import ACTS, EXPLORED, PROPENSITY
from homeostat.kernel.clock import Instant
from homeostat.training.shaped import FROM_LOG, ShapedQuestions


def shaped_questions(
    log: DeltaTables, loop: LabelledLoop, reported: Reported, version: int | None = None, as_of: Instant | None = None
) -> ShapedQuestions | None:
    """As the log of a version says, the newest where it is None, and as callers ``reported``; None for a loop that
    declares no feedback, and before anything was served under one. Reports are missed where labels are due ``as_of``
    an instant."""
    answers = answers_of_questions(log, loop, version)
    if answers is None:
        return None
    due = None
    if as_of is not None:
        due = answers[_matures(loop)].cast(pa.int64()).to_numpy() + loop.label.maturity_delay <= as_of
    return ShapedQuestions.of(reported.joined(answers, loop), loop.question, due)


def answers_of_questions(log: DeltaTables, loop: LabelledLoop, version: int | None = None) -> pa.Table | None:
    """The answers of a log that may be acted on, by key of the question; None where nothing says so."""
    at = log.version(loop.name) if version is None else version
    if loop.feedback is None or at < 0 or not set(FROM_LOG) <= set(log.scan(loop.name, at).schema.names):
        return None
    columns = dict.fromkeys([*(f"q_{key}" for key in loop.question.keys), *FROM_LOG, _matures(loop)])
    drawn = pc.field(ACTS) | pc.field(EXPLORED) | (pc.field(PROPENSITY) < 1.0)
    may_be_acted_on = ANSWERED & drawn if loop.feedback.draws else ANSWERED
    return log.read(loop.name, version=at, columns=list(columns), where=may_be_acted_on)


def _matures(loop: LabelledLoop) -> str:
    return f"q_{loop.label.maturity_column}"
