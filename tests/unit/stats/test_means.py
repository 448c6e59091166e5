"""Figures of classes, of numbers and of a user's own function: as scikit-learn has them, by sums that add."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.stats.figures.confusion import Confusion
from homeostat.stats.figures.means import (
    MeanMetric,
    MeanSums,
    bias,
    class_log_losses,
    class_squared_errors,
    mae,
    quantile_loss,
    rmse,
)
from homeostat.stats.figures.reliability import ReliabilitySums

CLASSES = ("a", "b", "c")


def _classes(rows: int = 900) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    chances = rng.dirichlet([2.0, 1.5, 1.0], rows)
    return np.array([rng.choice(3, p=one) for one in chances]), chances


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1"])
def test_confusions_agree_with_scikit_learn_over_classes_and_for_each(name: str) -> None:
    places, chances = _classes()
    truth, told = np.array(CLASSES)[places], np.array(CLASSES)[chances.argmax(axis=1)]
    found = Confusion.of(truth, told, classes=CLASSES)
    if name == "accuracy":
        assert found.figure(name) == pytest.approx(reference.accuracy_score(truth, told))
        return
    theirs = getattr(reference, f"{name}_score")
    assert found.figure(name) == pytest.approx(theirs(truth, told, average="macro"))
    each = theirs(truth, told, average=None, labels=list(CLASSES))
    assert [found.figure(name, of=one) for one in CLASSES] == pytest.approx(each.tolist())


def test_days_of_confusions_add() -> None:
    places, chances = _classes()
    days = [
        Confusion.of(places[part], chances[part].argmax(axis=1), classes=range(3))
        for part in np.split(np.arange(900), 9)
    ]
    whole = sum(days[1:], days[0])
    assert whole == Confusion.of(places, chances.argmax(axis=1), classes=range(3))
    assert Confusion.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_confusions_refuse_what_they_do_not_know() -> None:
    day = Confusion.of(["a", "b"], ["a", "a"], classes=CLASSES)
    with pytest.raises(InvalidInput, match="no class"):
        Confusion.of(["a", None], ["a", "a"], classes=CLASSES)
    with pytest.raises(InvalidInput, match="are no classes"):
        Confusion.of([], [], classes=["a"])
    with pytest.raises(NotEnoughData):
        day.figure("precision", of="b")
    with pytest.raises(NotEnoughData):
        day.figure("recall")
    for wrong in ("frob", "roc_auc"):
        with pytest.raises(InvalidInput):
            day.figure(wrong)
    with pytest.raises(InvalidInput):
        day.figure("recall", of="z")
    with pytest.raises(Conflict):
        day + Confusion.of(["a"], ["a"], classes=["a", "b"])
    with pytest.raises(InvalidInput):
        Confusion.from_json({"classes": ["a", "b"], "counts": [[1, 2]]})


def test_regression_figures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth, told = rng.normal(size=400), rng.normal(size=400)
    for metric, value in (
        (mae, reference.mean_absolute_error(truth, told)),
        (rmse, reference.root_mean_squared_error(truth, told)),
        (quantile_loss(0.9), reference.mean_pinball_loss(truth, told, alpha=0.9)),
        (bias, float((told - truth).mean())),
    ):
        days = [metric.sums(truth[part], told[part]) for part in np.split(np.arange(400), 8)]
        assert metric.value(sum(days[1:], days[0])) == pytest.approx(value), metric.name
        bounds = metric.interval(days)
        assert bounds.value == pytest.approx(value)
        assert bounds.low < value < bounds.high
        assert MeanSums.from_json(json.loads(json.dumps(days[0].to_json()))) == days[0]


def test_class_figures_agree_with_scikit_learn() -> None:
    truth, chances = _classes()
    assert class_log_losses(truth, chances).mean() == pytest.approx(reference.log_loss(truth, chances))
    theirs = reference.brier_score_loss(truth, chances, scale_by_half=False)
    assert class_squared_errors(truth, chances).mean() == pytest.approx(theirs)


def test_a_users_own_function_has_day_bounds() -> None:
    cost = MeanMetric("cost", "lower", lambda late, score: np.where(late, 6.0 * (score < 0.5), 2.0 * (score >= 0.5)))
    days = [cost.sums(np.array([True, False, True]), np.array([0.2, 0.7, 0.9])) for _ in range(4)]
    assert cost.interval(days).value == pytest.approx(8 / 3)
    assert cost.sums(np.array([True]), np.array([0.2])).times(3) == MeanSums("cost", 3, 18.0)
    with pytest.raises(InvalidInput, match="2 numbers for 3 rows"):
        MeanMetric("short", "lower", lambda late, score: score[1:]).sums([1, 0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(InvalidInput, match="missing or infinite"):
        MeanMetric("odd", "lower", lambda late, score: score / 0.0 if late.any() else score).sums([1], [np.nan])
    with pytest.raises(Conflict):
        cost.value(MeanSums("gain", 1, 1.0))


@pytest.mark.parametrize("metric", [mae, rmse, bias], ids=lambda one: one.name)
def test_no_rows_and_few_days_have_no_figure(metric: MeanMetric) -> None:
    with pytest.raises(NotEnoughData):
        metric.value(MeanSums(metric.name, 0, 0.0))
    with pytest.raises(NotEnoughData):
        metric.interval([MeanSums(metric.name, 5, 1.0)] * 2)


def test_missing_numbers_and_chances_that_are_none_are_refused() -> None:
    for truth, told in (([1.0, np.nan], [1.0, 1.0]), ([1.0], [np.inf]), ([1.0], [1.0, 2.0])):
        with pytest.raises(InvalidInput):
            mae.sums(truth, told)
    for truth, told in (
        ([0], [[0.5, 0.6]]),
        ([2], [[0.5, 0.5]]),
        ([0.5], [[0.5, 0.5]]),
        ([0], [[np.nan, 1.0]]),
        ([0], [0.5]),
    ):
        with pytest.raises(InvalidInput):
            class_log_losses(truth, told)
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(InvalidInput):
            quantile_loss(level)


def test_calibration_error_is_that_of_a_plain_loop_for_two_classes_and_for_many() -> None:
    truth, chances = _classes()
    said, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    plain = sum(
        abs(right[part].sum() - said[part].sum()) for low in range(15) if (part := (said * 15).astype(int) == low).any()
    )
    assert ReliabilitySums.of_classes(truth, chances).calibration_error() == pytest.approx(plain / 900)
    days = [ReliabilitySums.of(right[part], said[part]) for part in np.split(np.arange(900), 9)]
    whole = sum(days[1:], days[0])
    assert whole.calibration_error() == pytest.approx(plain / 900)
    assert ReliabilitySums.from_json(json.loads(json.dumps(whole.to_json()))).rows == 900
    with pytest.raises(NotEnoughData):
        ReliabilitySums.of([], []).calibration_error()
