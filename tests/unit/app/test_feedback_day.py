"""What control observes of a day on which predictions were acted on, through the log as it is stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

import homeostat as hs
from homeostat.control.days import read_day
from homeostat.data.records import PredictionRecord
from homeostat.stats.figures.sums import ScoreSums
from tests.unit.app import test_kept_share as kept

REGION = kept.SCORES >= 0.4
DECLARED = hs.Feedback(acts="probability >= 0.4", explore=0.1)
LOOP = replace(kept.TENTH, log=hs.Log(), feedback=DECLARED, slices=["shop"])
DRAWN = [
    DECLARED.drawing("visits", LOOP.question)({"probability": float(score)}, {}, f"u{row}")
    for row, score in enumerate(kept.SCORES)
]
EXPLORED = np.array([one.explored for one in DRAWN])


def mark(row: int, one: PredictionRecord) -> PredictionRecord:
    drawn = DRAWN[row]
    return msgspec.structs.replace(one, acts=drawn.acts, explored=drawn.explored, propensity=drawn.propensity)


def test_the_log_says_what_was_drawn_and_every_figure_stands_on_what_was_left_alone(tmp_path: Path) -> None:
    outcomes = kept.observed(tmp_path, LOOP, 0, mark).outcomes
    assert outcomes is not None
    free, explored = ~REGION, EXPLORED
    right = ScoreSums.of(kept.BOUGHT[free], kept.SCORES[free])
    right += ScoreSums.of(kept.BOUGHT[explored], kept.SCORES[explored]).times(10)
    assert outcomes.live.positives_by_score == right.positives_by_score
    assert outcomes.live.negatives_by_score == right.negatives_by_score
    assert abs(outcomes.live.log_loss - right.log_loss) < 1e-9
    assert outcomes.labelled == right.rows
    assert sum(outcomes.slices[0].rows) == right.rows
    told = outcomes.feedback
    assert told is not None
    assert (told.rows, told.region, told.explored) == (kept.ROWS, int(REGION.sum()), int(explored.sum()))
    assert told.naive == ScoreSums.of(kept.BOUGHT, kept.SCORES)
    assert told.exposed == ScoreSums.of(kept.BOUGHT[explored], kept.SCORES[explored])
    assert told.unknown is None


def test_a_day_is_kept_with_what_feedback_left_of_it(tmp_path: Path) -> None:
    day = kept.observed(tmp_path, LOOP, 0, mark)
    assert read_day(msgspec.json.encode(day)) == day
    older = msgspec.to_builtins(day)
    del older["outcomes"]["feedback"]
    assert read_day(msgspec.json.encode(older)).outcomes.feedback is None  # type: ignore[union-attr]


def test_a_log_from_before_the_declaration_was_shaped_by_nobody(tmp_path: Path) -> None:
    outcomes = kept.observed(tmp_path, LOOP, 0).outcomes
    assert outcomes is not None
    assert outcomes.live == ScoreSums.of(kept.BOUGHT, kept.SCORES)
    assert outcomes.feedback is not None
    assert outcomes.feedback.region == 0
