"""Intervals agree with independent computations, and blocks cover where rows do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.figures.sums import auc_interval, skill_interval
from homeostat.stats.intervals import (
    Interval,
    block_mean,
    block_mean_from_sums,
    jackknife,
    wilson_interval,
)
from tests.harness.blocks import sums_by_block

FINITE = st.floats(-100, 100)


def _cluster_robust(values: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """Ordinary least squares on a constant with the sandwich of cluster scores, in matrix form."""
    design = np.ones((values.size, 1))
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ values
    residuals = values - design @ beta
    meat = np.zeros((1, 1))
    names = np.unique(blocks)
    for name in names:
        score = design[blocks == name].T @ residuals[blocks == name]
        meat += np.outer(score, score)
    groups, rows = names.size, values.size
    factor = groups / (groups - 1) * (rows - 1) / (rows - 1)
    error = float(np.sqrt(factor * (bread @ meat @ bread)[0, 0]))
    return float(beta[0]), float(reference.t.ppf(0.975, groups - 1) * error)


def test_the_block_mean_is_the_cluster_robust_regression_on_a_constant() -> None:
    rng = np.random.default_rng(11)
    blocks = rng.integers(0, 9, 400)
    values = rng.normal(size=400) + blocks
    mean, reach = _cluster_robust(values, blocks)
    found = block_mean(values, blocks)
    assert (found.value, found.high - found.value) == pytest.approx((mean, reach))
    assert (found.blocks, found.rows) == (np.unique(blocks).size, 400)


def test_with_one_row_per_block_it_is_students_interval() -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    low, high = reference.t.interval(0.9, 4, loc=values.mean(), scale=reference.sem(values))
    found = block_mean(values, np.arange(5), confidence=0.9)
    assert (found.low, found.high) == pytest.approx((low, high))


@given(st.lists(st.tuples(FINITE, st.integers(0, 5)), min_size=20, max_size=60))
def test_day_sums_give_what_the_rows_give(rows: list[tuple[float, int]]) -> None:
    values, blocks = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    names = np.unique(blocks)
    if names.size < 3:
        return
    sums = [float(values[blocks == name].sum()) for name in names]
    sizes = [float(np.count_nonzero(blocks == name)) for name in names]
    pooled, apart = block_mean(values, blocks), block_mean_from_sums([*sums, 0.0], [*sizes, 0.0])
    assert apart.value == pytest.approx(pooled.value, abs=1e-9)
    assert apart.low == pytest.approx(pooled.low, abs=1e-9)
    assert apart.blocks == pooled.blocks
    assert pooled.low <= pooled.value <= pooled.high


def test_with_day_effects_rows_under_cover_and_blocks_cover() -> None:
    rng = np.random.default_rng(2013)
    trials, days, per_day = 600, 25, 40
    values = rng.normal(size=(trials, days, 1)) * 0.5 + rng.normal(size=(trials, days, per_day))
    names = np.repeat(np.arange(days), per_day)
    by_block = [block_mean(trial.ravel(), names) for trial in values]
    by_row = [block_mean(trial.ravel(), np.arange(names.size)) for trial in values]
    covered = np.mean([found.low <= 0.0 <= found.high for found in by_block])
    row_covered = np.mean([found.low <= 0.0 <= found.high for found in by_row])
    assert 0.92 <= covered <= 0.98
    assert row_covered < 0.6


def test_the_blocked_auc_and_skill_cover_their_true_values() -> None:
    rng = np.random.default_rng(7)
    truth_auc, truth_skill = _figures_of_many_days(rng)
    names = np.repeat(np.arange(20), 60)
    hits = np.zeros(2)
    for _ in range(150):
        blocks = sums_by_block(*_days(rng, 20, 60), names)
        auc, skill = auc_interval(blocks), skill_interval(blocks)
        hits += (auc.low <= truth_auc <= auc.high), (skill.low <= truth_skill <= skill.high)
    assert (hits / 150 >= 0.9).all()


def _days(rng: np.random.Generator, days: int, per_day: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels whose odds move with the day in a way the scores do not know."""
    logit = rng.normal(-1, 1, (days, per_day))
    chance = 1 / (1 + np.exp(-(logit + rng.normal(0, 0.7, (days, 1)))))
    labels = rng.random((days, per_day)) < chance
    return labels.ravel(), (1 / (1 + np.exp(-logit))).ravel()


def _figures_of_many_days(rng: np.random.Generator) -> tuple[float, float]:
    (sums,) = sums_by_block(*_days(rng, 4000, 60), np.zeros(240_000))
    return sums.roc_auc(), sums.skill()


def test_the_jackknife_of_a_mean_with_equal_blocks_is_the_block_mean() -> None:
    sums = np.array([3.0, 7.0, 1.0, 4.0])
    direct = block_mean_from_sums(sums, [5, 5, 5, 5])
    left_out = jackknife(lambda total: float(total[0] / total[1]), np.column_stack([sums, [5.0] * 4]), rows=20)
    assert left_out.low == pytest.approx(direct.low)
    assert left_out.high == pytest.approx(direct.high)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case: tuple[int, int]) -> None:
    successes, trials = case
    found = wilson_interval(successes, trials)
    low, high = reference.binomtest(successes, trials).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@given(st.integers(1, 200), st.data())
def test_more_failures_never_look_better(trials: int, data: st.DataObject) -> None:
    few = data.draw(st.integers(0, trials - 1))
    fewer, more = wilson_interval(few, trials), wilson_interval(few + 1, trials)
    assert fewer.low <= more.low
    assert fewer.high <= more.high


def test_two_blocks_are_too_few_for_any_interval() -> None:
    with pytest.raises(NotEnoughData, match="2 blocks"):
        block_mean([1.0, 2.0], ["a", "b"])
    with pytest.raises(NotEnoughData):
        jackknife(lambda total: float(total[0]), [[1.0], [2.0]], rows=2)
    with pytest.raises(NotEnoughData):
        wilson_interval(0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: block_mean([1.0, np.nan, 2.0], ["a", "b", "c"]),
        lambda: block_mean([1.0, 2.0], ["a", "b", "c"]),
        lambda: block_mean_from_sums([1.0, 2.0, 3.0], [1, -1, 1]),
        lambda: block_mean([1.0, 2.0, 3.0], ["a", "b", "c"], confidence=1.0),
        lambda: jackknife(lambda total: float(total[0]), [[1.0], [np.nan], [2.0]], rows=3),
        lambda: jackknife(lambda total: float("nan"), [[1.0], [4.0], [2.0]], rows=3),
        lambda: wilson_interval(3, 2),
    ],
)
def test_missing_or_impossible_input_raises(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        wrong()  # type: ignore[operator]


def test_an_interval_tells_what_it_stands_on() -> None:
    assert Interval(1.0, 0.5, 1.5, 3, 30, 0.95).to_json() == {
        "value": 1.0, "low": 0.5, "high": 1.5, "blocks": 3, "rows": 30, "confidence": 0.95
    }  # fmt: skip
