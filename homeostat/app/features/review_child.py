"""Retrains without a feature at a time: ``python -m homeostat.app.features.review_child HOME LOOP PARENT_PID``.

Told on stdin, as one JSON object, which features to leave out in turn and within which bounds. Writes one JSON line
to stdout per training: first the one with everything, then one per group left out, until the time is used up.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.app.by_hand.operations import Operations
from homeostat.app.loops.labelled_sources import sources_now
from homeostat.app.loops.loader import load_loop
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.app.settings import Settings
from homeostat.app.training.child import stay_small
from homeostat.control.loop import Loop
from homeostat.kernel.errors import HomeostatError, NotEnoughData
from homeostat.stats.intervals import MIN_BLOCKS, block_mean
from homeostat.training.fitted import answering
from homeostat.training.importance import gains, held_still, usual_values
from homeostat.training.rows import model_frame
from homeostat.training.training_set import (
    LabelledRows,
    joined_features,
    labelled_questions,
    local_days,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """``groups`` maps a name to the features left out together. The newest ``days`` days, at most a
    third of all, are held out, the ``rows`` rows before them trained on; no training is begun after ``seconds``."""

    groups: Mapping[str, Sequence[str]]
    days: int
    rows: int
    seconds: float
    confidence: float
    memory: int


def main(arguments: list[str]) -> int:
    """Train until everything asked for is told, or the time is used up."""
    die_with_parent()
    began = time.monotonic()
    ask = Ask(**json.loads(sys.stdin.read()))
    stay_small(ask.memory)
    settings = Settings.load(Path(arguments[0]))
    loop = load_loop(settings.loop_file, arguments[1])
    try:
        for told in _trainings(settings, loop, ask, began):
            print(json.dumps(told), flush=True)
    except HomeostatError as error:
        print(json.dumps({"error": error.to_dict()}, default=str), flush=True)
    return 0


def _trainings(settings: Settings, loop: Loop, ask: Ask, began: float) -> Iterator[Json]:
    known, later, days = _rows(settings, loop, ask)
    kinds = loop.feature_set.kinds
    train, judge = known.rows(loop.feature_set, loop.label.classes), model_frame(later.columns, kinds)
    estimator = loop.train(train, loop.config)
    answers, task = answering(estimator, loop.task)(judge), loop.task
    whole, unit = task.losses(later.label, answers), task.sums(later.label, answers).unit or 1.0
    yield {
        "trained": int(train.label.size),
        "held_out": int(later.label.size),
        "loss": float(whole.mean() / unit),
        "gain": gains(estimator, list(kinds)),
    }
    for name, left_out in ask.groups.items():
        if time.monotonic() - began > ask.seconds:
            return
        usual = usual_values(train.features, left_out)
        still = replace(train, features=held_still(train.features, usual))
        without = loop.train(still, loop.config)
        losses = task.losses(later.label, answering(without, task)(held_still(judge, usual)))
        yield {"without": name, "rise": block_mean((losses - whole) / unit, days, confidence=ask.confidence).to_json()}


def _rows(settings: Settings, loop: Loop, ask: Ask) -> tuple[LabelledRows, LabelledRows, NDArray[np.int64]]:
    """Rows to train on, later ones to judge on, and the days of these."""
    decided = Operations.open(settings.paths).state(loop.name).decided_until
    sources = sources_now(settings, loop, decided)
    questions = labelled_questions(loop.question, loop.label, sources)
    days = local_days(questions.asked_at, loop.timezone)
    names = np.unique(days)
    held_out = min(ask.days, names.size // 3)
    if held_out < MIN_BLOCKS:
        raise NotEnoughData(
            f"{names.size} labelled days are too few to hold a third of them out.",
            mend=f"Wait for {3 * MIN_BLOCKS} days, or review with --fast.",
            days=int(names.size),
        )
    held = days >= names[-held_out]
    taken = held | (np.cumsum(~held[::-1])[::-1] <= ask.rows)
    questions, held, days = questions.where(taken), held[taken], days[taken]
    columns = joined_features(questions.asked, loop.feature_set, sources)
    parts = (questions.label, questions.asked_at, questions.sequence, questions.stands_for)
    rows = LabelledRows(columns, *parts)
    return rows.where(~held), rows.where(held), days[held]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
