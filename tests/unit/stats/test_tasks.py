"""Numbers and several classes: sums that add, figures as scikit-learn's, and skill over the best constant."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.figures.class_figures import CLASS_FIGURES, class_counts, class_table
from homeostat.stats.figures.own import Own, own_interval
from homeostat.stats.figures.sums import pooled
from homeostat.stats.tasks import (
    BINARY,
    Multiclass,
    Regression,
    Task,
    skill_over,
    sums_type,
    task_of,
    task_of_sums,
)

CLASSES = Multiclass(("a", "b", "c"))


def numbers(day: int, rows: int = 300, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(day)
    x = rng.normal(size=rows) + rng.normal()
    return offset + 5 * x + rng.normal(size=rows), offset + 5 * x


def classes(day: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(day)
    chances = rng.dirichlet([1, 1, 1], size=rows)
    return np.array([rng.choice(3, p=one) for one in chances]), chances


@pytest.mark.parametrize(("task", "made"), [(Regression(), numbers), (Regression(0.9), numbers), (CLASSES, classes)])
def test_days_add_up_to_all_their_rows(task: Task, made) -> None:
    days = [made(day) for day in range(4)]
    truth, told = (np.concatenate(part) for part in zip(*days, strict=True))
    apart, whole = pooled([task.sums(*day) for day in days]), task.sums(truth, told)
    for name in task.figures:
        close = 0.02 if name == "skill" else 1e-9  # of a quantile the best constant is found among slices of a day
        assert apart.figure(name) == pytest.approx(whole.figure(name), rel=close), name
    assert apart.times(3).figure("skill") == pytest.approx(apart.figure("skill"))
    assert apart.times(3).rows == 3 * truth.size


@pytest.mark.parametrize(("task", "made"), [(Regression(), numbers), (Regression(0.5), numbers), (CLASSES, classes)])
def test_sums_are_kept_and_read_back_as_they_were(task: Task, made) -> None:
    sums = task.sums(*made(1))
    kept = msgspec.json.decode(msgspec.json.encode(sums))
    assert sums_type(kept) is type(sums)
    assert msgspec.convert(kept, type(sums)) == sums == type(sums).from_json(sums.to_json())
    assert task_of(task.to_json()) == task
    assert task_of_sums([sums]).loss_name == task.loss_name


def test_figures_of_numbers_are_scikit_learns() -> None:
    truth, told = numbers(1)
    seen = Regression().sums(truth, told)
    assert seen.figure("rmse") == pytest.approx(sk.root_mean_squared_error(truth, told))
    assert seen.figure("mae") == pytest.approx(sk.mean_absolute_error(truth, told))
    assert seen.figure("skill") == pytest.approx(sk.r2_score(truth, told))
    assert seen.figure("bias") == pytest.approx(np.mean(told - truth))
    assert Regression(0.9).sums(truth, told).figure("quantile_loss") == pytest.approx(
        sk.mean_pinball_loss(truth, told, alpha=0.9)
    )
    assert Regression(0.5).sums(truth, told).figure("skill") == pytest.approx(
        sk.d2_absolute_error_score(truth, told), abs=0.01
    )


def test_figures_of_classes_are_scikit_learns() -> None:
    truth, chances = classes(1)
    seen, answer = CLASSES.sums(truth, chances), chances.argmax(axis=1)
    assert seen.figure("log_loss") == pytest.approx(sk.log_loss(truth, chances))
    assert seen.figure("accuracy") == pytest.approx(sk.accuracy_score(truth, answer))
    for name, theirs in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert seen.figure(name) == pytest.approx(theirs(truth, answer, average="macro"))
    assert seen.figure("roc_auc") == pytest.approx(sk.roc_auc_score(truth, chances, multi_class="ovr"), abs=1e-3)
    shares = np.bincount(truth) / truth.size
    constant = sk.log_loss(truth, np.tile(shares, (truth.size, 1)))
    assert seen.figure("skill") == pytest.approx(1 - seen.figure("log_loss") / constant)


def test_a_number_far_from_zero_is_judged_as_one_near_it() -> None:
    near, far = (
        [Regression(level).sums(*numbers(day, offset=offset)) for day in range(5)]
        for level, offset in ((0.5, 0.0), (0.5, 1e9))
    )
    assert skill_over(far).value == pytest.approx(skill_over(near).value, abs=1e-3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.sampled_from([None, 0.1, 0.5, 0.9]))
def test_no_constant_answer_has_skill(truth: list[float], level: float | None) -> None:
    """The best constant is never credited with more than nothing, whichever one is answered."""
    task = Regression(level)
    for constant in (np.mean(truth), *np.quantile(truth, [0.1, 0.5, 0.9])):
        seen = task.sums(truth, np.full(len(truth), constant))
        try:
            skill = seen.figure("skill")
        except NotEnoughData:
            continue
        assert skill <= 1e-9


def test_without_differences_or_rows_figures_are_unknown() -> None:
    with pytest.raises(NotEnoughData, match="all outcomes are equal"):
        Regression().sums([1.0, 1.0], [1.0, 2.0]).figure("skill")
    with pytest.raises(NotEnoughData, match="all rows are of one class"):
        CLASSES.sums([1, 1], [[0.2, 0.6, 0.2]] * 2).figure("skill")
    for task, empty in ((Regression(), []), (CLASSES, np.zeros((0, 3)))):
        none = task.sums([], empty)
        assert none.rows == 0
        with pytest.raises(NotEnoughData):
            none.figure("skill")
    with pytest.raises(InvalidInput):
        Regression().sums([1.0], [np.nan])


def test_intervals_widen_where_days_differ() -> None:
    alike = [Regression().sums(*numbers(7)) for _ in range(5)]
    apart = [Regression().sums(*numbers(day, rows=20)) for day in range(5)]
    for name in Regression().figures:
        same, other = (Regression().interval(name, days) for days in (alike, apart))
        assert same.high - same.low < other.high - other.low
        assert other.blocks == 5


def test_of_a_class_that_nobody_meets_nothing_is_averaged() -> None:
    seen = CLASSES.sums([0, 1, 0, 1], [[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.9, 0.1, 0.0], [0.6, 0.4, 0.0]])
    assert seen.figure("recall") == pytest.approx(0.75)


def test_auc_is_of_classes_that_came_and_is_unknown_of_days_that_did_not_count_chances() -> None:
    truth, chances = classes(1)
    some = CLASSES.sums(np.minimum(truth, 1), chances)  # the third class never came
    theirs = [sk.roc_auc_score(np.minimum(truth, 1) == place, chances[:, place]) for place in (0, 1)]
    assert some.figure("roc_auc") == pytest.approx(np.mean(theirs), abs=1e-3)
    with pytest.raises(NotEnoughData, match="AUC is undefined"):
        CLASSES.sums([1, 1], [[0.2, 0.6, 0.2]] * 2).figure("roc_auc")
    old = dataclasses.replace(CLASSES.sums(truth, chances), by_score=())
    for mixed in (old + some, some + old):
        assert (mixed.rows, mixed.by_score) == (600, ())
        with pytest.raises(NotEnoughData):
            mixed.figure("roc_auc")
    assert (CLASSES.sums([], np.zeros((0, 3))) + some).figure("roc_auc") == some.figure("roc_auc")


def test_counts_by_chance_have_the_figures_of_the_rows() -> None:
    truth, chances = classes(3, rows=2_000)
    seen, table = CLASSES.sums(truth, chances), class_table(truth, chances).astype(np.float64)
    assert seen.table is not None
    np.testing.assert_array_equal(seen.table, table)
    np.testing.assert_array_equal(class_counts(chances), table.sum(axis=2))
    assert CLASS_FIGURES.keys() == CLASSES.figures.keys()
    for name, one in CLASS_FIGURES.items():
        assert float(one.of(table)) == pytest.approx(seen.figure(name), abs=3e-3), name


def test_yes_or_no_is_what_it_was() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(200)
    truth = rng.random(200) < scores
    sums = BINARY.sums(truth, scores)
    assert sums.loss == sums.log_loss
    assert sums.unit == 1.0
    assert task_of(None) is BINARY
    assert skill_over([sums] * 3).value == pytest.approx(sums.skill())


@pytest.mark.parametrize(
    "function",
    [
        lambda labels, answers: (labels != (answers > 0.5)).astype(float),
        lambda labels, answers: np.mean(labels != (answers > 0.5)),
    ],
    ids=["by row", "of the day"],
)
def test_a_users_own_figure_is_a_mean_over_days_by_their_rows(function) -> None:
    rng = np.random.default_rng(2)
    own = Own("wrong", "lower", function)
    parts = [(rng.random(rows) < 0.4, rng.random(rows)) for rows in (30, 50, 100, 20)]
    found = own_interval([own.sums(*part) for part in parts])
    labels, answers = (np.concatenate(part) for part in zip(*parts, strict=True))
    assert found.value == pytest.approx(np.mean(labels != (answers > 0.5)))
    assert found.low <= found.value <= found.high
    assert own_interval([own.sums(*part) for part in parts]) == found


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda labels, answers: 1 / 0, "raises ZeroDivisionError"),
        (lambda labels, answers: float("nan"), "no finite numbers"),
        (lambda labels, answers: [1.0], r"gives \(1,\)"),
        (lambda labels, answers: None, "raises TypeError|no finite"),
    ],
)
def test_what_a_users_own_figure_gets_wrong_is_said(function, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        Own("mine", "lower", function).sums(np.array([True, False]), np.array([0.1, 0.2]))
