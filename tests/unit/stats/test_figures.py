"""Figures of counts agree with an independent implementation, and refuse what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.figures.calibration import CENTRES
from homeostat.stats.figures.scores import FIGURES, cut_of, figure_interval, figure_of, table_of
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums, score_counts
from tests.harness.examples import examples

BINNED = st.lists(st.tuples(st.booleans(), st.integers(0, SCORE_BINS - 1)), min_size=4, max_size=80).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(BINNED, st.sampled_from([0.2, 0.5, 0.7]))
@settings(max_examples=examples(100), deadline=None)
def test_figures_agree_with_scikit_learn_where_scores_are_the_middles_of_bins(
    rows: list[tuple[bool, int]], threshold: float
) -> None:
    labels = np.array([label for label, _ in rows])
    scores = CENTRES[[place for _, place in rows]]
    answers = np.array([place >= cut_of(threshold) for _, place in rows])
    table = table_of(ScoreSums.of(labels, scores))
    for name, value in {
        "accuracy": reference.accuracy_score(labels, answers),
        "recall": reference.recall_score(labels, answers),
        "f1": reference.f1_score(labels, answers),
        "roc_auc": reference.roc_auc_score(labels, scores),
        "brier": reference.brier_score_loss(labels, scores),
        "log_loss": reference.log_loss(labels, scores),
        "base_rate": labels.mean(),
    }.items():
        assert figure_of(name, table, threshold=threshold) == pytest.approx(value, abs=1e-9), name
    if answers.any():
        expected = reference.precision_score(labels, answers)
        assert figure_of("precision", table, threshold=threshold) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["roc_auc", "skill", "recall"])
def test_one_class_has_no_value_instead_of_0(name: str) -> None:
    with pytest.raises(NotEnoughData):
        figure_of(name, table_of(ScoreSums.of([0, 0], [0.2, 0.9])))


@pytest.mark.parametrize("name", FIGURES)
def test_no_rows_have_no_figure(name: str) -> None:
    with pytest.raises(NotEnoughData):
        figure_of(name, np.zeros((2, SCORE_BINS)))


def test_what_is_no_table_or_threshold_is_refused() -> None:
    for table in (np.zeros(SCORE_BINS), np.full((2, SCORE_BINS), np.nan)):
        with pytest.raises(InvalidInput):
            figure_of("accuracy", table)
    with pytest.raises(InvalidInput):
        figure_of("frobs", np.ones((2, SCORE_BINS)))
    for threshold in (0.0, 1.0, float("nan")):
        with pytest.raises(InvalidInput):
            cut_of(threshold)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.1])
def test_scores_that_are_no_probabilities_are_not_counted_silently(score: float) -> None:
    with pytest.raises(InvalidInput):
        score_counts([0.5, score])


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "calibration_error"])
def test_bounds_over_days_hold_the_figure_of_a_stream_that_does_not_change(name: str) -> None:
    rng, held = np.random.default_rng(3), 0
    whole = _day(rng, 200_000)
    truth = figure_of(name, table_of(whole))
    for _ in range(60):
        bounds = figure_interval(name, [_day(rng, 200) for _ in range(15)])
        held += bounds.low <= truth <= bounds.high
    assert held >= 51  # 95 % of 60 are 57; fewer than 51 are seen once in a thousand times


def _day(rng: np.random.Generator, rows: int) -> ScoreSums:
    scores = rng.beta(2, 3, rows)
    return ScoreSums.of(rng.random(rows) < scores, scores)
