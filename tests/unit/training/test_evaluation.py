from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats import metrics
from homeostat.training.evaluation import Evaluation, HeldOut, evaluate, promise_of

DAY = 86_400_000_000


def held_out(days: int, per_day: int, seed: int = 0) -> tuple[HeldOut, NDArray[np.float64]]:
    """Rows and the true probability of each."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.05, 0.95, days * per_day)
    number = np.repeat(np.arange(days), per_day)
    asked = number * DAY + rng.integers(0, DAY, truth.size)
    return HeldOut(rng.random(truth.size) < truth, asked, number), truth


def test_the_better_version_has_the_lower_loss_by_an_interval() -> None:
    rows, truth = held_out(10, 200)
    seen = evaluate(rows, ("v2", truth), ("v1", np.full(truth.size, 0.5)))
    assert seen.difference is not None
    assert seen.difference.high < 0
    assert seen.champion is not None
    assert seen.difference.value == pytest.approx(seen.candidate.log_loss - seen.champion.log_loss)
    assert (seen.rows, seen.days, seen.difference.blocks) == (2_000, 10, 10)


def test_equal_versions_differ_by_exactly_nothing() -> None:
    rows, truth = held_out(5, 50)
    seen = evaluate(rows, ("v2", truth), ("v1", truth))
    assert seen.difference is not None
    assert (seen.difference.low, seen.difference.value, seen.difference.high) == (0.0, 0.0, 0.0)


def test_figures_are_those_of_the_metrics() -> None:
    rows, truth = held_out(5, 50)
    figures = evaluate(rows, ("v1", truth)).candidate
    assert figures.log_loss == metrics.log_loss(rows.labels, truth)
    assert figures.brier == metrics.brier(rows.labels, truth)
    assert figures.roc_auc == metrics.roc_auc(rows.labels, truth)
    assert figures.skill is not None
    assert figures.skill.value == pytest.approx(metrics.skill(rows.labels, truth))
    assert figures.skill.low < figures.skill.value < figures.skill.high


def test_few_days_leave_intervals_unknown() -> None:
    rows, truth = held_out(2, 100)
    seen = evaluate(rows, ("v2", truth), ("v1", truth / 2))
    assert (seen.difference, seen.candidate.skill) == (None, None)
    assert seen.candidate.log_loss > 0


def test_one_outcome_leaves_auc_and_skill_unknown() -> None:
    rows, truth = held_out(4, 10)
    same = HeldOut(np.ones(truth.size, dtype=bool), rows.asked_at, rows.days)
    figures = evaluate(same, ("v1", truth)).candidate
    assert (figures.roc_auc, figures.skill) == (None, None)
    assert "skill" not in promise_of(evaluate(same, ("v1", truth)))


def test_no_rows_raise() -> None:
    nothing = np.empty(0, dtype=np.int64)
    with pytest.raises(NotEnoughData):
        evaluate(HeldOut(nothing.astype(bool), nothing, nothing), ("v1", np.empty(0)))


@pytest.mark.parametrize("scores", [np.full(9, 0.5), np.full((10, 1), 0.5), np.full(10, np.nan)])
def test_a_score_must_be_there_for_every_row(scores: NDArray[np.float64]) -> None:
    rows, _ = held_out(5, 2)
    with pytest.raises(InvalidInput):
        evaluate(rows, ("v1", scores))


def test_an_evaluation_survives_json() -> None:
    rows, truth = held_out(6, 30)
    for champion in (None, ("v1", np.full(truth.size, 0.4))):
        seen = evaluate(rows, ("v2", truth), champion)
        assert Evaluation.from_json(json.loads(canonical_json(seen))) == seen
        assert Evaluation.from_json(seen.to_json()) == seen


def test_a_promise_says_what_it_stands_on() -> None:
    rows, truth = held_out(6, 30)
    seen = evaluate(rows, ("v1", truth))
    promise = promise_of(seen)
    assert (promise["rows"], promise["days"], promise["log_loss"]) == (180.0, 6.0, seen.candidate.log_loss)
    assert str(promise["first"]).startswith("1970-01-01T")
    assert promise["skill_low"] < promise["skill"] < promise["skill_high"]  # type: ignore[operator]
