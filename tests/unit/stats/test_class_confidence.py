"""Estimates over several classes follow what labels show where others are asked about, and are unknown else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.estimates.class_confidence import estimated_classes
from homeostat.stats.estimates.confidence import Estimated
from homeostat.stats.figures.class_figures import CLASS_BINS, CLASS_FIGURES, class_counts
from homeostat.stats.figures.class_sums import ClassSums
from tests.harness.foretold_classes import answered


@pytest.fixture(scope="module")
def history() -> list[ClassSums]:
    rng = np.random.default_rng(7)
    return [ClassSums.of(*answered(rng, 300)) for _ in range(28)]


def known(found: Estimated | NotEnoughData) -> Estimated:
    assert isinstance(found, Estimated)
    return found


@pytest.mark.parametrize("moved", [0.0, 1.0, 2.0])
def test_an_estimate_follows_what_is_asked_where_chances_keep_their_worth(history, moved: float) -> None:
    truth, chances = answered(np.random.default_rng(3), 20_000, moved)
    found, realised = estimated_classes(class_counts(chances), history), ClassSums.of(truth, chances)
    before = history[0]
    for block in history[1:]:
        before = before + block
    for name in CLASS_FIGURES:
        one, is_now = known(found[name]), realised.figure(name)
        assert one.interval.low < is_now < one.interval.high, name
        assert abs(one.interval.value - is_now) < 0.35 * abs(before.figure(name) - is_now) + 0.02, name
        assert 0.0 < max(one.sampling, one.calibration) < one.missed + 0.05, name


def test_bounds_hold_as_often_as_promised_and_say_what_makes_them(history) -> None:
    rng, held = np.random.default_rng(5), []
    for _ in range(40):
        truth, chances = answered(rng, 300)
        found, seen = estimated_classes(class_counts(chances), history), ClassSums.of(truth, chances)
        held += [
            known(found[name]).interval.low <= seen.figure(name) <= known(found[name]).interval.high
            for name in ("accuracy", "log_loss", "roc_auc", "f1")
        ]
    assert np.mean(held) >= 0.9


def test_the_sampling_error_is_that_of_drawing_labels_again(history) -> None:
    rng = np.random.default_rng(11)
    _, chances = answered(rng, 400)
    found = estimated_classes(class_counts(chances), history)
    odds = np.log(chances) / 1.5  # what the chances are too sure by
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    drawn = [
        ClassSums.of((shares.cumsum(axis=1) < rng.random((400, 1))).sum(axis=1).clip(max=2), chances)
        for _ in range(300)
    ]
    for name in ("accuracy", "recall", "roc_auc", "log_loss", "brier"):
        spread = float(np.std([one.figure(name) for one in drawn]))
        assert known(found[name]).sampling == pytest.approx(spread, rel=0.25), name


def test_where_the_relation_turned_the_estimate_does_not_know_and_fresh_labels_tell() -> None:
    rng = np.random.default_rng(9)
    turned = [ClassSums.of(*answered(rng, 300, turned=True)) for _ in range(20)]
    _, chances = answered(rng, 2_000)
    honest = known(estimated_classes(class_counts(chances), turned)["accuracy"]).interval
    assert honest.high < 0.4


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (lambda history: [], "too_few_matured_days"),
        (lambda history: history[:2], "too_few_matured_days"),
        (lambda history: [dataclasses.replace(history[0], by_score=()), *history], "scores_not_counted"),
        (lambda history: [ClassSums.of([0] * 3, [[0.8, 0.1, 0.1]] * 3)] * 9, "one_class"),
        (lambda history: [ClassSums.of([0, 1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])] * 9, "answers_never_seen"),
    ],
)
def test_what_cannot_be_told_is_unknown_with_its_reason(history, days, reason: str) -> None:
    _, chances = answered(np.random.default_rng(1), 200)
    with pytest.raises(NotEnoughData) as raised:
        estimated_classes(class_counts(chances), days(history))
    assert raised.value.facts["reason"] == reason


def test_rows_that_are_none_are_refused(history) -> None:
    with pytest.raises(NotEnoughData) as raised:
        estimated_classes(np.zeros((3, 2, CLASS_BINS)), history)
    assert raised.value.facts["reason"] == "no_rows"
    for odd in (np.zeros((2, 2, CLASS_BINS)), np.full((3, 2, CLASS_BINS), np.nan), -np.ones((3, 2, CLASS_BINS))):
        with pytest.raises(InvalidInput):
            estimated_classes(odd, history)
    with pytest.raises(InvalidInput):
        class_counts([[0.5, 0.4]])
