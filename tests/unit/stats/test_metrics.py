"""Metrics agree with an independent implementation and refuse what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats import metrics

ROWS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.05, 0.2, 0.5, 0.51, 0.9])), min_size=2, max_size=60)


def _split(rows: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores)


@given(ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2))
def test_metrics_agree_with_scikit_learn_ties_included(rows: list[tuple[bool, float]]) -> None:
    labels, scores = _split(rows)
    assert metrics.roc_auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert metrics.log_loss(labels, scores) == pytest.approx(reference.log_loss(labels, scores), rel=1e-12)
    assert metrics.brier(labels, scores) == pytest.approx(reference.brier_score_loss(labels, scores), rel=1e-12)


@given(ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2))
def test_the_base_rate_itself_has_no_skill_and_a_perfect_score_has_all(
    rows: list[tuple[bool, float]],
) -> None:
    labels, _ = _split(rows)
    assert metrics.skill(labels, np.full(labels.size, labels.mean())) == pytest.approx(0.0, abs=1e-9)
    assert metrics.skill(labels, labels.astype(float)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("metric", [metrics.roc_auc, metrics.skill])
def test_one_class_is_refused_not_scored(metric: metrics.Metric) -> None:
    with pytest.raises(NotEnoughData):
        metric([1, 1], [0.2, 0.9])


@pytest.mark.parametrize("metric", metrics.METRICS.values(), ids=list(metrics.METRICS))
def test_no_rows_and_missing_values_never_pass(metric: metrics.Metric) -> None:
    with pytest.raises(NotEnoughData):
        metric([], [])
    for labels, scores in ([0, 1], [0.5, np.nan]), ([0, np.nan], [0.5, 0.5]), ([0, 1], [0.5, 1.5]):
        with pytest.raises(InvalidInput):
            metric(labels, scores)
    with pytest.raises(InvalidInput):
        metric([0, 1, 1], [0.5, 0.5])
    with pytest.raises(InvalidInput):
        metric(["yes", "no"], [0.5, 0.5])


def test_a_sure_mistake_costs_what_the_clip_says() -> None:
    assert metrics.log_losses([1], [0.0])[0] == pytest.approx(-np.log(metrics.CLIP))


def test_auc_of_many_rows_agrees() -> None:
    rng = np.random.default_rng(5)
    labels = rng.random(300_000) < 0.2
    scores = np.clip(rng.normal(0.4 + 0.1 * labels, 0.1), 0, 1)
    assert metrics.roc_auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)


def test_entropy_refuses_what_is_no_rate() -> None:
    with pytest.raises(InvalidInput):
        metrics.entropy(float("nan"))
