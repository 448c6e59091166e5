"""Sums of blocks say what their rows say, however they are merged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats import metrics
from homeostat.stats.figures.sums import (
    ScoreSums,
    auc_interval,
    log_loss_interval,
    pooled,
    skill_interval,
)
from tests.harness.blocks import sums_by_block

ROWS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40)


def _sums(rows: list[tuple[bool, float]]) -> ScoreSums:
    return ScoreSums.of([label for label, _ in rows], [score for _, score in rows])


def _close(one: ScoreSums, other: ScoreSums) -> None:
    assert (one.rows, one.positives) == (other.rows, other.positives)
    assert (one.log_loss, one.brier) == pytest.approx((other.log_loss, other.brier))
    assert one.positives_by_score == other.positives_by_score
    assert one.negatives_by_score == other.negatives_by_score


@settings(max_examples=40)
@given(ROWS, ROWS, ROWS)
def test_merging_equals_pooling_in_any_order(
    a: list[tuple[bool, float]], b: list[tuple[bool, float]], c: list[tuple[bool, float]]
) -> None:
    _close(_sums(a) + _sums(b), _sums(a + b))
    _close(_sums(a) + _sums(b), _sums(b) + _sums(a))
    _close(pooled([_sums(a), _sums(b), _sums(c)]), _sums(a) + (_sums(b) + _sums(c)))


@settings(max_examples=60)
@given(ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2))
def test_the_figures_are_those_of_the_rows(rows: list[tuple[bool, float]]) -> None:
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    sums = _sums(rows)
    assert sums.mean_log_loss() == pytest.approx(metrics.log_loss(labels, scores))
    assert sums.mean_brier() == pytest.approx(metrics.brier(labels, scores))
    assert sums.skill() == pytest.approx(metrics.skill(labels, scores))
    assert abs(sums.roc_auc() - metrics.roc_auc(labels, scores)) <= sums.auc_error() + 1e-12


def test_binned_auc_is_close_on_realistic_scores() -> None:
    rng = np.random.default_rng(3)
    logit = rng.normal(-1.6, 0.9, 30_000)
    labels = rng.random(30_000) < 1 / (1 + np.exp(-logit))
    scores = 1 / (1 + np.exp(-logit))
    sums = ScoreSums.of(labels, scores)
    assert abs(sums.roc_auc() - metrics.roc_auc(labels, scores)) < 1e-4
    assert sums.auc_error() < 0.005


def test_the_json_form_reads_back() -> None:
    sums = _sums([(True, 0.9), (False, 1.0), (False, 0.0)])
    assert ScoreSums.from_json(json.loads(json.dumps(sums.to_json()))) == sums
    for broken in ({}, {**sums.to_json(), "positives_by_score": [1]}):
        with pytest.raises(InvalidInput):
            ScoreSums.from_json(broken)


def test_blocks_are_cut_by_name_and_bounded_by_their_spread() -> None:
    labels = [1, 0, 1, 0, 1, 0, 0, 1]
    scores = [0.9, 0.2, 0.6, 0.4, 0.3, 0.5, 0.1, 0.8]
    blocks = sums_by_block(labels, scores, ["b", "a", "b", "a", "c", "c", "b", "a"])
    assert [(block.rows, block.positives) for block in blocks] == [(3, 1), (3, 2), (2, 1)]
    assert sum(block.rows for block in blocks) == 8
    assert log_loss_interval(blocks).value == pytest.approx(metrics.log_loss(labels, scores))
    assert skill_interval(blocks).value == pytest.approx(metrics.skill(labels, scores))
    assert auc_interval(blocks).value == pytest.approx(metrics.roc_auc(labels, scores))


def test_too_little_is_refused() -> None:
    empty = ScoreSums.of([], [])
    for figure in (empty.mean_log_loss, empty.skill, empty.roc_auc, empty.mean_brier, empty.base_rate):
        with pytest.raises(NotEnoughData):
            figure()
    assert empty.auc_error() == 0.0
    with pytest.raises(NotEnoughData):
        pooled([])
    for interval in (auc_interval, skill_interval, log_loss_interval):
        with pytest.raises(NotEnoughData):
            interval([empty] * 5)


def test_blocks_without_rows_do_not_count() -> None:
    some = [_sums([(True, 0.7), (False, 0.3)]), _sums([(True, 0.6), (False, 0.5)]), _sums([(False, 0.2)])]
    assert skill_interval([*some, ScoreSums.of([], [])]) == skill_interval(some)
