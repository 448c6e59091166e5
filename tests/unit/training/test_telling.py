"""Features that hold the answer are found, alone and two with each other; what is only good is none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.training.telling import most_moving, telling_features
from homeostat.training.training_set import LabelledRows

ROWS = 2_000


def labelled(columns: dict[str, NDArray[Any]], label: NDArray[Any]) -> LabelledRows:
    order = np.arange(len(label))
    return LabelledRows(columns, label, order, order, np.ones_like(order))


def test_features_that_hold_the_answer_are_named_whatever_they_are_made_of() -> None:
    drawn = np.random.default_rng(0)
    late = drawn.random(2_000) < 0.3
    told = np.where(late, "late", np.where(drawn.random(2_000) < 0.5, "early", "on time")).astype(object)
    told[:50] = None
    delay = np.where(late, 30.0, -5.0) + drawn.normal(size=2_000)
    columns = {
        "delay": delay,
        "turned": -delay,
        "cause": np.where(late, drawn.random(2_000), np.nan),
        "told": told,
        "noise": drawn.normal(size=2_000),
        "often_missing": np.where(drawn.random(2_000) < 0.5, drawn.random(2_000), np.nan),
        "shop": drawn.choice(["a", "b", None], 2_000).astype(object),
        "same": np.full(2_000, "a", dtype=object),
        "id": np.array([f"q{number}" for number in range(2_000)], dtype=object),
        "pair": np.array([f"p{number // 2}" for number in range(2_000)], dtype=object),
        "nothing": np.full(2_000, np.nan),
    }
    assert telling_features(labelled(columns, late)) == [
        "delay",
        "turned",
        "cause",
        "told",
    ]


def halves() -> dict[str, NDArray[Any]]:
    """Times of a day in microseconds, what is late by then, and what tells nothing by itself."""
    drawn = np.random.default_rng(1)
    due = drawn.integers(0, 86_400_000_000, ROWS).astype(np.float64)
    delay = drawn.normal(0, 600_000_000, ROWS)
    left, right = drawn.random(ROWS) < 0.5, drawn.random(ROWS) < 0.5
    return {
        "due": due,
        "arrived": due + delay,
        "left": np.where(left, "yes", "no").astype(object),
        "right": right.astype(np.float64),
        "width": drawn.uniform(0, 10, ROWS),
        "height": drawn.uniform(0, 10, ROWS),
        "gone": np.where(drawn.random(ROWS) < 0.9, np.nan, 1.0),
    }


HALVES = halves()


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (HALVES["arrived"] - HALVES["due"] > 300_000_000, "due with arrived"),
        (HALVES["arrived"] - HALVES["due"], "due with arrived"),
        ((HALVES["left"] == "yes") ^ (HALVES["right"] == 1), "left with right"),
        (np.where((HALVES["left"] == "yes") & (HALVES["right"] == 1), "a", "b").astype(object), "left with right"),
        (HALVES["width"] * HALVES["height"] > 20, "width with height"),
    ],
)
def test_two_features_that_hold_the_answer_together_are_named(label: NDArray[Any], found: str) -> None:
    assert telling_features(labelled(HALVES, label)) == [found]


def test_features_that_are_good_together_hold_no_answer() -> None:
    """Three of them, each as good as any: what no two of them tell is a model's own work."""
    drawn = np.random.default_rng(2)
    columns: dict[str, NDArray[Any]] = {name: drawn.normal(size=ROWS) for name in ("a", "b", "c")}
    assert telling_features(labelled(columns, columns["a"] + columns["b"] + columns["c"] > 0)) == []
    assert telling_features(labelled(columns, columns["a"] + columns["b"] + drawn.normal(size=ROWS) > 0)) == []


def test_of_many_features_two_that_hold_the_answer_are_found_among_those_that_move_it() -> None:
    """Neither tells anything by itself; the model that was trained knows both."""
    drawn = np.random.default_rng(3)
    columns: dict[str, NDArray[Any]] = {f"noise_{place}": drawn.normal(size=400) for place in range(300)}
    columns |= {side: np.sign(drawn.normal(size=400)) for side in ("left", "right")}
    rows = labelled(columns, columns["left"] * columns["right"] > 0)
    asked: list[int] = []

    def predict(given: Any) -> NDArray[np.float64]:
        asked.append(len(given["left"]))
        return 1 / (1 + np.exp(-given["left"] * given["right"]))

    assert telling_features(rows, predict) == ["left with right"]
    assert len(asked) == len(columns) + 1
    assert most_moving(predict, rows.columns, 2) == ["left", "right"]
