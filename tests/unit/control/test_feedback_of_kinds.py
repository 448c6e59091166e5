"""Where predicted numbers or classes are acted on, with chances of their own, figures stand on what was left alone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from homeostat.control.days import read_day
from homeostat.control.performance.feedback import feedback_of
from homeostat.control.performance.gaps import EXPOSED, gaps_of
from homeostat.control.performance.told import Seen, performance_of
from homeostat.data.feedback import Feedback
from homeostat.data.shaped import LEAST_CHANCE, Shaped
from homeostat.kernel.errors import HomeostatError
from homeostat.stats.tasks import Regression, Task
from homeostat.training.shaped import ShapedQuestions
from tests.harness.acted_kinds import CLASSES, DAYS, ORDERS, ROWS, Acted, acted

NUMBERS = Feedback(acts="prediction > 12", chance="0.05 + 1 / prediction")
SHARE = Feedback(acts="prediction > 12", explore="10%")
FRAUD = Feedback(acts='prediction == "fraud" and probability > 0.5', chance="0.45 - 0.4 * probability")


def told(declared: Feedback, task: Task, seen: Acted) -> Any:
    return json.loads(json.dumps(feedback_of(declared, seen.days, 0.5, task)))


@pytest.fixture(scope="module")
def several() -> dict[str, list[Acted]]:
    return {
        "numbers": [acted(NUMBERS, Regression(), seed) for seed in range(5)],
        "median": [acted(SHARE, Regression(0.5), seed) for seed in range(5)],
        "classes": [acted(FRAUD, CLASSES, seed) for seed in range(5)],
    }


@pytest.mark.parametrize(
    ("name", "declared", "task", "figures", "naive"),
    [
        ("numbers", NUMBERS, Regression(), ("rmse", "mae", "bias", "skill"), ("rmse", "mae", "bias")),
        ("median", SHARE, Regression(0.5), ("mae", "rmse", "bias"), ("mae", "rmse", "bias")),
        ("classes", FRAUD, CLASSES, ("log_loss", "accuracy", "roc_auc", "recall", "brier"), ("recall",)),
    ],
)
def test_weighted_figures_hold_the_truth_where_naive_ones_do_not(
    several: dict[str, list[Acted]], name: str, declared: Feedback, task: Task, figures: Any, naive: Any
) -> None:
    held: dict[tuple[str, str], int] = {}
    width: dict[str, list[float]] = {"weighted": [], "doubly_robust": []}
    for seen in several[name]:
        found = told(declared, task, seen)
        assert found["unknown"] is None
        for figure in figures:
            right = task.figure(figure, seen.truth)
            for kind, one in found["figures"][figure].items():
                held[figure, kind] = held.get((figure, kind), 0) + (one["low"] <= right <= one["high"])
        for kind, widths in width.items():
            widths += [found["figures"][one][kind]["high"] - found["figures"][one][kind]["low"] for one in figures]
    for figure in figures:
        assert held[figure, "weighted"] >= 4, (figure, held)
        assert held[figure, "doubly_robust"] >= 4, (figure, held)
    for figure in naive:
        assert held[figure, "naive"] <= 1, (figure, held)
    assert np.mean(np.divide(width["doubly_robust"], width["weighted"])) < 1.0


def test_what_is_told_says_how_good_the_rows_are(several: dict[str, list[Acted]]) -> None:
    seen = several["numbers"][0]
    found = told(NUMBERS, Regression(), seen)
    weights = [each for day in seen.days for each in _weights(day)]
    assert found["rows"] == DAYS * ROWS
    assert (found["chance"], found["explore"], found["clipped"]) == (NUMBERS.chance, None, 0)
    assert 0 < found["explored_labelled"] < found["effective_rows"] < DAYS * ROWS
    assert sum(weights) == pytest.approx(DAYS * ROWS, rel=0.05), "rows stand for as many as there are"
    whole = performance_of(Seen("orders", seen.days, 0.5, seen.days[-1].end, 0, Regression(), feedback=NUMBERS), 14)
    assert json.loads(json.dumps(whole))["feedback"]["figures"]["rmse"]["weighted"]["low"] > 0
    assert read_day(msgspec.json.encode(seen.days[3])) == seen.days[3]


def _weights(day: Any) -> list[float]:
    return [day.outcomes.feedback.weight]


def test_the_gap_of_what_would_be_acted_on_is_by_the_loops_own_loss(several: dict[str, list[Acted]]) -> None:
    days = several["numbers"][1].days
    later = [dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, reference="v2")) for day in days[8:]]
    (first, _) = gaps_of([*days[:8], *later]).cohorts[EXPOSED]
    loss, rows, others, other_rows = first.sums.sum(axis=0)
    assert loss / rows > 3 * others / other_rows


def test_a_chance_that_is_no_one_in_a_number_counts_whole_rows_and_is_right_on_average() -> None:
    rows = 20_000
    log = pa.table({
        "prediction_id": [f"p{n}" for n in range(rows)], "acts": [False] * rows, "explored": [True] * rows,
        "propensity": np.tile([0.3, 0.7, 0.25, 0.9], rows // 4),
    })  # fmt: skip
    each = Shaped.of(log).stands_for
    assert [set(each[place::4].tolist()) for place in range(4)] == [{3, 4}, {1, 2}, {4}, {1, 2}]
    for place, chance in enumerate((0.3, 0.7, 0.25, 0.9)):
        assert each[place::4].mean() == pytest.approx(1 / chance, rel=0.02)
    assert Shaped.of(log.slice(7, 50)).stands_for.tolist() == each[7:57].tolist()


def test_chances_that_are_too_small_are_clipped_and_too_many_of_them_are_unknown() -> None:
    shaped = Shaped(np.zeros(2, bool), np.ones(2, bool), np.array([1e-9, 0.5]))
    assert shaped.stands_for.tolist() == [1 / LEAST_CHANCE, 2]
    assert shaped.scant.tolist() == [True, False]
    few = acted(Feedback(acts="prediction > 12", chance="0.2 - 0.01 * prediction"), Regression(), days=5)
    found = told(NUMBERS, Regression(), few)
    assert found["unknown"] == "chances_too_small"
    assert "less than one in a thousand" in found["why"]
    assert found["figures"]["rmse"]["weighted"]["unknown"] == "chances_too_small"
    assert found["figures"]["rmse"]["naive"]["value"] is not None
    assert all(day.outcomes.live.rows == 0 for day in few.days)


def test_callers_may_draw_themselves_before_they_ask() -> None:
    declared = Feedback(acts="prediction > 12", drawn="spared", chance="hold")
    seen = acted(declared, Regression(), 3, days=6)
    found = told(declared, Regression(), seen)
    assert found["explored"] / found["region"] == pytest.approx(0.3, abs=0.05)
    right = Regression().figure("mae", seen.truth)
    one = found["figures"]["mae"]["weighted"]
    assert one["low"] <= right <= one["high"]
    draw = declared.drawing("orders", ORDERS, Regression())
    assert draw({"prediction": 20.0}, {"spared": True, "hold": 0.3}, "u") == (False, True, 0.3)
    assert draw({"prediction": 20.0}, {"spared": False, "hold": None}, "u") == (True, False, 0.0)
    assert draw({"prediction": 2.0}, {"spared": True, "hold": 0.3}, "u") == (False, False, 1.0)


def test_training_takes_those_left_alone_by_what_they_stand_for() -> None:
    log = pa.table({
        "q_id": ["a", "b", "c"], "prediction_id": ["1", "2", "3"], "acts": [True, False, False],
        "explored": [False, True, True], "propensity": [0.5, 0.5, 0.9],
    })  # fmt: skip
    found = ShapedQuestions.of(log, ORDERS)
    assert not found.unseen
    assert found.stands_for(pa.table({"id": ["a", "b", "z"]})).tolist() == [0, 2, 1]
    assert ShapedQuestions.of(log.slice(0, 1), ORDERS).unseen


@pytest.mark.parametrize(
    ("declared", "task", "says"),
    [
        (lambda: Feedback(acts="probability > 0.5"), Regression(), "probability"),
        (lambda: Feedback(acts='prediction == "theft"'), CLASSES, "theft"),
        (lambda: Feedback(acts="hold > 0.5"), Regression(), "does not ask what was predicted"),
        (lambda: Feedback(acts="prediction > 1", chance="prediction > 2"), Regression(), "no number"),
        (lambda: Feedback(acts="prediction > 1", chance="holds"), Regression(), "holds"),
        (lambda: Feedback(acts="prediction > 1", explore="2%", drawn="hold"), Regression(), "no boolean column"),
        (lambda: Feedback(acts="prediction > 1", drawn="spared"), Regression(), "no boolean column"),
        (lambda: Feedback(acts="prediction > 1", explore="2%", chance="hold"), Regression(), "says twice"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_mend(declared: Any, task: Task, says: str) -> None:
    with pytest.raises(HomeostatError, match=says):
        declared().drawing("orders", ORDERS, task)
