"""Slices of numbers and of several classes tell the figures that their loop tells, and so does skill of any kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_figures import Cells, cells_of, figure, own_figure, own_in
from homeostat.monitoring.slices import Judged, sliced
from homeostat.stats.figures.own import Own
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval
from homeostat.stats.metrics import roc_auc
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

ROWS = 240
SHOPS = np.array(["a", "b", "c", "c"] * (ROWS // 4), dtype=object)
Rows = tuple[Any, Any]
Kept = tuple[KeptSlice, ...]


def numbers(seed: int, *, middle: float = 0.0, days: int = 6) -> list[Rows]:
    rng = np.random.default_rng(seed)
    truths = [middle + rng.normal(number % 3, 1.0, ROWS) for number in range(days)]
    return [(truth, truth + 0.3 + rng.normal(0.0, 0.5, ROWS)) for truth in truths]


def kept(rows: Sequence[Rows], task: Task, one_in: int = 1, own: Sequence[Own] = ()) -> list[Kept]:
    columns = {"shop": SHOPS}
    return [sliced([("shop",)], columns, {}, Judged.of(*day, 0.5, one_in, task, own)) for day in rows]


def cell(days: Sequence[Kept], value: str = "b") -> Cells:
    return next(one for one in cells_of(days, ("shop",)) if one.value == value)


def told(cells: Cells, name: str) -> Interval:
    found = figure(cells, name)
    assert isinstance(found, Interval), found
    return found


def whole(rows: Sequence[Rows], task: Task) -> Any:
    """The loop's own sums of the same rows."""
    return pooled([task.sums(truth[SHOPS == "b"], answers[SHOPS == "b"]) for truth, answers in rows])


@pytest.mark.parametrize(("level", "one_in", "middle"), [(None, 1, 0.0), (None, 4, 1e6), (0.9, 1, 0.0)])
def test_figures_of_numbers_are_those_of_the_rows(level: float | None, one_in: int, middle: float) -> None:
    rows, task = numbers(1, middle=middle), Regression(level)
    found = cell(kept(rows, task, one_in))
    for name in ("rmse", "mae", "bias", *(["skill"] if level is None else [])):
        one = told(found, name)
        assert one.value == pytest.approx(whole(rows, task).figure(name), rel=1e-4)
        assert one.low < one.value < one.high
    loss = whole(rows, task).figure("quantile_loss")
    assert told(found, "loss").value == pytest.approx(loss, rel=1e-5)
    assert found.rows == one_in * 60 * len(rows)
    if level is not None:
        assert figure(found, "skill") == Unknown("needs_all_outcomes")


def test_bounds_of_skill_and_rmse_are_those_that_leave_out_a_day() -> None:
    rows, task = numbers(2), Regression()
    blocks = [task.sums(truth[SHOPS == "b"], answers[SHOPS == "b"]) for truth, answers in rows]
    for name in ("rmse", "skill"):
        mine, theirs = told(cell(kept(rows, task)), name), task.interval(name, blocks)
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), rel=1e-4)


def test_days_of_older_releases_have_neither_and_stand_in_what_they_keep() -> None:
    days = kept(numbers(3), Regression())
    old = [tuple(dataclasses.replace(one, sums=before(one)) for one in day) for day in days]
    for name in ("rmse", "skill"):
        assert figure(cell(old), name) == Unknown("not_counted")
        assert told(cell([*old, *days]), name) == dataclasses.replace(
            told(cell(days), name), rows=told(cell([*old, *days]), name).rows
        )
    assert told(cell(old), "mae") == told(cell(days), "mae")


def before(one: KeptSlice) -> dict[str, tuple[float, ...]]:
    return {name: kept for name, kept in one.sums.items() if name not in ("squared", "spread")}


def test_skill_over_outcomes_that_never_differ_is_undefined() -> None:
    flat = [(np.full(ROWS, 0.1), answers) for _, answers in numbers(4)]
    assert figure(cell(kept(flat, Regression())), "skill") == Unknown("undefined")
    assert told(cell(kept(flat, Regression())), "rmse").value > 0.0


def test_skill_of_a_yes_or_no_is_over_the_base_rate_of_the_slice() -> None:
    rng = np.random.default_rng(5)
    chances = [rng.random(ROWS) for _ in range(6)]
    rows = [(rng.random(ROWS) < chance, chance) for chance in chances]
    truth, said = (np.concatenate([day[side][SHOPS == "b"] for day in rows]) for side in (0, 1))
    rate = truth.mean()
    constant = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    skill = told(cell(kept(rows, BINARY)), "skill")
    assert skill.value == pytest.approx(1 - BINARY.losses(truth, said).mean() / constant, rel=1e-5)
    assert skill.low < skill.value < skill.high <= 1.0
    never = [(np.zeros(ROWS), chance) for chance in chances]
    assert figure(cell(kept(never, BINARY)), "skill") == Unknown("one_class")


def answers(seed: int, count: int = 3, days: int = 6) -> list[Rows]:
    rng = np.random.default_rng(seed)
    chances = [rng.dirichlet([1.0] * count, ROWS).round(1 if number else 3) for number in range(days)]
    chances = [one / one.sum(axis=1, keepdims=True) for one in chances]
    return [(np.array([rng.choice(count, p=row) for row in day]), day) for day in chances]


def classes(count: int) -> Multiclass:
    return Multiclass(tuple(f"c{place}" for place in range(count)))


@pytest.mark.parametrize("one_in", [1, 4])
def test_figures_of_classes_are_those_of_the_rows(one_in: int) -> None:
    rows, task = answers(6), classes(3)
    found, sums = cell(kept(rows, task, one_in)), whole(rows, task)
    for name in ("skill", "log_loss", "brier", "accuracy", "precision", "recall", "f1"):
        one = told(found, name)
        assert one.value == pytest.approx(sums.figure(name), rel=1e-5)
        assert one.low < one.value < one.high
    sure = np.concatenate([day[SHOPS == "b"].max(axis=1) for _, day in rows]).mean()
    assert told(found, "calibration_gap").value == pytest.approx(sure - sums.figure("accuracy"), abs=1e-5)


def test_bounds_of_figures_of_classes_are_those_that_leave_out_a_day() -> None:
    rows, task = answers(7), classes(3)
    blocks = [task.sums(truth[SHOPS == "b"], said[SHOPS == "b"]) for truth, said in rows]
    for name in ("skill", "f1"):
        mine, theirs = told(cell(kept(rows, task)), name), task.interval(name, blocks)
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), rel=1e-4)


@pytest.mark.parametrize("one_in", [1, 4])
def test_auc_of_classes_tells_each_from_the_rest_of_its_day(one_in: int) -> None:
    ((truth, said),), task = answers(8, days=1), classes(3)
    mine = SHOPS == "b"
    each = [roc_auc(truth[mine] == place, said[mine, place]) for place in range(3)]
    one = told(cell(kept([(truth, said)] * 3, task, one_in)), "auc_within_days")
    assert one.value == pytest.approx(np.mean(each), abs=1e-6)


def test_a_class_that_is_never_answered_or_never_comes_is_taken_as_the_loop_takes_it() -> None:
    parts = np.linspace(0.0, 0.8, ROWS)
    said = np.stack([np.full(ROWS, 0.2), parts, 0.8 - parts], axis=1)
    shy = [(truth, said) for truth, _ in answers(9)]
    found = cell(kept(shy, classes(3)))
    assert figure(found, "precision") == Unknown("undefined")
    with pytest.raises(NotEnoughData):
        whole(shy, classes(3)).figure("precision")
    assert told(found, "recall").value == pytest.approx(whole(shy, classes(3)).figure("recall"))
    same = [(np.ones(ROWS, dtype=np.int64), said) for _, said in answers(9)]
    alike = cell(kept(same, classes(3)))
    assert figure(alike, "skill") == figure(alike, "auc_within_days") == Unknown("one_class")


def test_of_very_many_classes_those_figures_are_unknown_that_count_each() -> None:
    found = cell(kept(answers(10, 11), classes(11)))
    assert {figure(found, name) for name in ("skill", "f1", "auc_within_days")} == {Unknown("too_many_classes")}
    assert 0.0 < told(found, "accuracy").value < 1.0
    assert isinstance(figure(found, "calibration_gap"), Interval)


def test_days_that_older_releases_kept_of_classes_count_for_what_they_keep() -> None:
    days, names = kept(answers(11), classes(3)), ("log_loss", "brier", "right")
    old = [
        tuple(dataclasses.replace(one, sums={name: one.sums[name] for name in names}) for one in day) for day in days
    ]
    for name in ("skill", "f1", "auc_within_days", "calibration_gap"):
        assert figure(cell(old), name) == Unknown("not_counted")
        assert told(cell([*old, *days]), name).value == told(cell(days), name).value
    assert told(cell(old), "accuracy") == told(cell(days), "accuracy")


def worst(labels: Any, said: Any) -> Any:
    return np.abs(labels - said).max()


OWN = (Own("far", "lower", lambda labels, said: np.abs(labels - said) > 0.5), Own("worst", "lower", worst))


@pytest.mark.parametrize("one_in", [1, 4])
def test_a_users_own_metric_of_a_slice_is_that_of_its_rows(one_in: int) -> None:
    rows = numbers(12)
    found = cell(kept(rows, Regression(), one_in, OWN))
    off = [np.abs(truth - said)[SHOPS == "b"] for truth, said in rows]
    assert own_in(found) == ("far", "worst")
    far, most = own_figure(found, "far"), own_figure(found, "worst")
    assert isinstance(far, Interval)
    assert isinstance(most, Interval)
    assert far.value == pytest.approx((np.concatenate(off) > 0.5).mean())
    assert most.value == pytest.approx(np.mean([one.max() for one in off]), rel=1e-5)
    assert far.low < far.value < far.high


def test_own_metrics_of_classes_get_names_and_a_column_for_each() -> None:
    wrong = Own("wrong", "lower", lambda labels, said: np.array(["c0", "c1", "c2"])[said.argmax(axis=1)] != labels)
    found = cell(kept(answers(13), classes(3), own=[wrong]))
    figured = own_figure(found, "wrong")
    assert isinstance(figured, Interval)
    assert figured.value == pytest.approx(1.0 - told(found, "accuracy").value)


def test_where_an_own_metric_fails_of_a_slices_rows_it_is_unknown_and_the_others_stand() -> None:
    def picky(labels: Any, said: Any) -> float:
        if len(labels) == 60 and labels[0] == 1:
            raise ValueError("not these")
        return 2.0

    def broken(labels: Any, said: Any) -> Any:
        return 1.0 / len(labels[labels > 5])

    truth = np.where(SHOPS == "b", 1, np.arange(ROWS) % 2)
    rows = [(truth, np.full(ROWS, 0.5))] * 3
    days = kept(rows, BINARY, own=[Own("picky", "neither", picky), Own("broken", "neither", broken)])
    assert own_figure(cell(days), "picky") == Unknown("never_computed")
    fine = own_figure(cell(days, "c"), "picky")
    assert isinstance(fine, Interval)
    assert fine.value == 2.0
    assert own_figure(cell(days, "c"), "broken") == Unknown("never_computed")
    assert own_figure(cell(days[:2], "c"), "picky") == Unknown("too_few_days")


def test_days_that_kept_no_own_metric_are_left_out() -> None:
    days = kept(numbers(14), Regression(), own=OWN)
    older = [tuple(dataclasses.replace(one, own={}) for one in day) for day in days]
    assert own_in(cell(older)) == ()
    both, new = (own_figure(cell(some), "far") for some in ([*older, *days], days))
    assert both == new
