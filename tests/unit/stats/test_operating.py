"""The operating point: found where theory puts it, and not flattered by having been chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.figures.operating import EDGES, operating_point
from homeostat.stats.figures.sums import ScoreSums


def days(seed: int, number: int, rows: int = 300) -> list[ScoreSums]:
    """Days of calibrated scores."""
    rng = np.random.default_rng(seed)
    scores = [rng.beta(1.5, 4, rows) for _ in range(number)]
    return [ScoreSums.of(rng.random(rows) < score, score) for score in scores]


@pytest.mark.parametrize(("false_positive", "false_negative"), [(1, 1), (1, 4), (3, 1)])
def test_calibrated_scores_are_cut_where_theory_says(false_positive: float, false_negative: float) -> None:
    found = operating_point(days(1, 60), false_positive=false_positive, false_negative=false_negative, present=0.5)
    assert found.calibrated == pytest.approx(false_positive / (false_positive + false_negative))
    assert found.threshold.low <= found.calibrated + 0.02
    assert found.threshold.high >= found.calibrated - 0.02
    assert found.cost <= found.present_cost


def test_the_cost_is_that_of_the_errors_themselves() -> None:
    rng = np.random.default_rng(4)
    scores = rng.random(200)
    truth = rng.random(200) < scores
    found = operating_point([ScoreSums.of(truth, scores)] * 3, false_positive=2, false_negative=5, present=0.5)
    yes = scores >= found.present
    assert found.present_cost == pytest.approx((2 * (yes & ~truth).sum() + 5 * (~yes & truth).sum()) / 200)
    yes = scores >= found.threshold.value
    assert found.cost == pytest.approx((2 * (yes & ~truth).sum() + 5 * (~yes & truth).sum()) / 200)


def test_where_the_threshold_is_right_already_no_saving_is_claimed() -> None:
    savings = [
        operating_point(days(seed, 20, 60), false_positive=1, false_negative=1, present=0.5) for seed in range(30)
    ]
    assert sum(one.proven for one in savings) <= 2
    assert np.mean([one.saving.value for one in savings]) <= 0


def test_a_threshold_that_is_far_off_costs_and_that_is_proven() -> None:
    found = operating_point(days(2, 30), false_positive=1, false_negative=9, present=0.9)
    assert found.proven
    assert found.saving.value == pytest.approx(found.present_cost - found.cost, rel=0.1)


def test_thresholds_reach_from_always_to_never() -> None:
    assert (EDGES[0], EDGES[256], EDGES[-1]) == pytest.approx((0.0, 0.5, 1.0))
    always = operating_point(days(3, 5), false_positive=0, false_negative=1, present=0.5)
    assert always.cost == 0
    assert always.threshold.value < 0.1


@pytest.mark.parametrize("costs", [(0, 0), (-1, 1), (math.nan, 1), (1, math.inf)])
def test_costs_that_are_none_are_refused(costs: tuple[float, float]) -> None:
    with pytest.raises(InvalidInput, match="weigh nothing"):
        operating_point(days(1, 5), false_positive=costs[0], false_negative=costs[1], present=0.5)


def test_a_day_or_one_class_says_nothing() -> None:
    with pytest.raises(NotEnoughData, match="1 days"):
        operating_point(days(1, 1), false_positive=1, false_negative=1, present=0.5)
    with pytest.raises(NotEnoughData, match="0 of"):
        operating_point([ScoreSums.of([0, 0], [0.1, 0.2])] * 5, false_positive=1, false_negative=1, present=0.5)
