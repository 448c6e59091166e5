"""Reads from the prediction log of a loop which of its questions a prediction has shaped."""

from __future__ import annotations

import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.answered import ANSWERED
from homeostat.app.labelled_loops import LabelledLoop
from homeostat.data.feedback import ACTS, EXPLORED
from homeostat.training.shaped import FROM_LOG, ShapedQuestions


def shaped_questions(log: DeltaTables, loop: LabelledLoop, version: int | None = None) -> ShapedQuestions | None:
    """As the log of a version says, the newest where it is None; None for a loop that declares no feedback, and before
    anything was served under one."""
    at = log.version(loop.name) if version is None else version
    if loop.feedback is None or at < 0 or not set(FROM_LOG) <= set(log.scan(loop.name, at).schema.names):
        return None
    keys = [f"q_{key}" for key in loop.question.keys]
    acted = ANSWERED & (pc.field(ACTS) | pc.field(EXPLORED))
    return ShapedQuestions.of(log.read(loop.name, version=at, columns=[*keys, *FROM_LOG], where=acted), loop.question)
