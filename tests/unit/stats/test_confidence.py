"""Estimates before labels: right where scores keep their worth, bounded by what past days missed, Unknown else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.estimates.confidence import Estimated, estimated
from homeostat.stats.figures.calibration import CENTRES, Method, fit_calibration
from homeostat.stats.figures.scores import FIGURES, figure_of, table_of
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums, score_counts
from tests.harness.examples import examples

METHODS: tuple[Method, ...] = ("auto", "beta", "isotonic", "platt")
COUNTS = st.lists(st.integers(0, 40), min_size=SCORE_BINS // 16, max_size=SCORE_BINS // 16)


def stream(rng: np.random.Generator, rows: int, mean: float = 0.4, shock: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores that are too sure of themselves; days share a shock that scores do not show."""
    score = rng.beta(5 * mean, 5 * (1 - mean), rows)
    odds = 0.6 * np.log(score / (1 - score)) + shock * rng.normal()
    return rng.random(rows) < 1 / (1 + np.exp(-odds)), score


@given(COUNTS, COUNTS, st.sampled_from(METHODS))
@settings(max_examples=examples(60), deadline=None)
def test_a_higher_score_is_never_worth_less(lost: list[int], won: list[int], method: Method) -> None:
    negatives, positives = (np.repeat(side, 16) for side in (lost, won))
    if not (sum(lost) and sum(won)):
        with pytest.raises(NotEnoughData):
            fit_calibration(negatives, positives, method=method)
        return
    chances = fit_calibration(negatives, positives, method=method).chances
    assert np.all(np.diff(chances) >= -1e-9)
    assert chances.min() >= 0
    assert chances.max() <= 1


def test_calibrations_agree_with_scikit_learn() -> None:
    labels, scores = stream(np.random.default_rng(2), 20_000)
    sums = ScoreSums.of(labels, scores)
    middles = CENTRES[np.minimum((np.arcsin(np.sqrt(scores)) * 2 / np.pi * SCORE_BINS).astype(int), SCORE_BINS - 1)]
    steps = IsotonicRegression(out_of_bounds="clip").fit(middles, labels.astype(float))
    found = {one: fit_calibration(sums.negatives_by_score, sums.positives_by_score, method=one) for one in METHODS}
    used = np.array(sums.negatives_by_score) + np.array(sums.positives_by_score) > 0
    assert found["isotonic"].chances[used] == pytest.approx(steps.predict(CENTRES[used]), abs=1e-9)
    for name, columns in (
        ("platt", lambda s: np.stack([np.log(s / (1 - s))], axis=1)),
        ("beta", lambda s: np.stack([np.log(s), -np.log1p(-s)], axis=1)),
    ):
        plain = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(columns(middles), labels)
        expected = plain.predict_proba(columns(CENTRES))[:, 1]
        assert found[name].chances == pytest.approx(expected, abs=2e-3)  # ours is held to the scores by one row


@pytest.mark.parametrize("method", METHODS)
def test_all_figures_are_estimated_where_inputs_move_and_the_relation_holds(method: Method) -> None:
    rng = np.random.default_rng(4)
    history = [ScoreSums.of(*stream(rng, 800)) for _ in range(30)]
    moved = stream(rng, 200_000, mean=0.6)
    found = estimated(score_counts(moved[1]), history, method=method)
    for name in FIGURES:
        one = found[name]
        assert isinstance(one, Estimated), name
        assert one.interval.value == pytest.approx(figure_of(name, table_of(ScoreSums.of(*moved))), abs=0.03), name


def test_bounds_hold_what_labels_show_where_days_share_what_scores_do_not_show() -> None:
    rng, held, narrow = np.random.default_rng(6), 0, 0
    days = [stream(rng, 400, shock=0.5) for _ in range(140)]
    sums = [ScoreSums.of(*day) for day in days]
    for place in range(40, 140):
        one = estimated(score_counts(days[place][1]), sums[place - 40 : place])["accuracy"]
        assert isinstance(one, Estimated)
        truth = figure_of("accuracy", table_of(sums[place]))
        held += one.interval.low <= truth <= one.interval.high
        narrow += abs(one.interval.value - truth) <= 1.96 * one.sampling
    assert held >= 88
    assert narrow < held  # rows taken as independent are not enough


def test_a_relation_that_changed_is_not_seen_before_labels_show_it() -> None:
    rng = np.random.default_rng(5)
    history = [ScoreSums.of(*stream(rng, 800)) for _ in range(30)]
    labels, scores = stream(rng, 800)
    one = estimated(score_counts(scores), history)["roc_auc"]
    assert isinstance(one, Estimated)
    assert one.interval.low > figure_of("roc_auc", table_of(ScoreSums.of(~labels, scores)))


def test_a_trail_is_the_labelled_days_and_what_is_expected_of_the_rest() -> None:
    rng = np.random.default_rng(7)
    days = [stream(rng, 500) for _ in range(30)]
    sums = [ScoreSums.of(*day) for day in days]
    rest = score_counts(np.concatenate([days[28][1], days[29][1]]))
    trail = estimated(rest, sums[:28], days=2, before=12)["accuracy"]
    alone = estimated(rest, sums[:28], days=2)["accuracy"]
    assert isinstance(trail, Estimated)
    assert isinstance(alone, Estimated)
    assert trail.missed < alone.missed
    assert trail.interval.rows == 14 * 500
    whole = sum(table_of(one) for one in sums[16:])
    assert trail.interval.low <= figure_of("accuracy", whole) <= trail.interval.high


def test_too_little_is_refused_with_its_reason_and_never_0() -> None:
    rng = np.random.default_rng(8)
    day = ScoreSums.of(*stream(rng, 300))
    scores = score_counts(stream(rng, 300)[1])
    with pytest.raises(NotEnoughData, match="No row has a score"):
        estimated([0] * SCORE_BINS, [day] * 10)
    for history in ([], [day] * 2, [ScoreSums.of([], [])] * 10):
        with pytest.raises(NotEnoughData, match="are the least"):
            estimated(scores, history)
    with pytest.raises(NotEnoughData, match="one class"):
        estimated(scores, [ScoreSums.of([0] * 5, [0.2] * 5)] * 10)
    for wrong in ([1.0], [-1.0] + [1.0] * (SCORE_BINS - 1), [np.nan] * SCORE_BINS):
        with pytest.raises(InvalidInput):
            estimated(wrong, [day] * 10)
    with pytest.raises(InvalidInput):
        estimated(scores, [day] * 10, days=0)
    with pytest.raises(InvalidInput, match="Choose one of"):
        estimated(scores, [day] * 10, method="frob")  # type: ignore[arg-type]


def test_one_row_has_an_estimate_with_wide_bounds_and_undefined_figures_say_so() -> None:
    history = [ScoreSums.of(*stream(np.random.default_rng(seed), 300)) for seed in range(10)]
    found = estimated(score_counts([0.1]), history)
    accuracy, precision = found["accuracy"], found["precision"]
    assert isinstance(accuracy, Estimated)
    assert accuracy.interval.high - accuracy.interval.low > 0.3
    assert isinstance(precision, NotEnoughData)
