"""Figures since a version came hold at every look together, and say what each bound promises."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.performance.watching import CLIPPED_AT, watched
from homeostat.stats.figures.scores import clipped_log_loss, table_of
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.metrics import log_losses

MICROS = 86_400_000_000


def day(number: int, version: str, rng: np.random.Generator, *, off: float = 0.0, rows: int = 120) -> Day:
    odds = rng.normal(size=rows)
    truth = rng.random(rows) < 1 / (1 + np.exp(-odds))
    mine = ScoreSums.of(truth, 1 / (1 + np.exp(-odds)))
    theirs = ScoreSums.of(truth, 1 / (1 + np.exp(-odds - off)))
    inputs = Inputs(rows, {version: rows}, {}, 0, version, {}, {}, None, {}, {})
    made = Day(f"day {number}", number * MICROS, (number + 1) * MICROS, (number + 1) * MICROS, inputs)
    return made.with_outcomes(Outcomes(rows, 0, 0, mine, {version: mine, "v0": theirs}))


def test_only_the_days_of_the_present_version_count() -> None:
    rng = np.random.default_rng(1)
    days = [day(n, "v1" if n < 6 else "v2", rng) for n in range(15)]
    found = watched(days, 0.5)
    assert (found["version"], found["days"], found["from"], found["until"]) == ("v2", 9, "day 6", "day 14")
    for one in found["figures"].values():
        assert one["low"] <= one["value"] <= one["high"]


def test_bounds_hold_at_all_looks_together_nearly_always() -> None:
    """The accuracy of a scorer that knows the chances, looked at after each of 40 days."""
    odds = np.random.default_rng(2).normal(size=400_000)
    chance = 1 / (1 + np.exp(-odds))
    right = float(np.maximum(chance, 1 - chance).mean())
    missed = 0
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        days = [day(n, "v1", rng, rows=60) for n in range(40)]
        looks = [watched(days[:upto], 0.5)["figures"]["accuracy"] for upto in range(2, 41, 2)]
        missed += any(not one["low"] <= right <= one["high"] for one in looks)
    assert missed <= 4


def test_a_version_stands_beside_the_others_on_the_same_rows_and_says_what_bounds_promise() -> None:
    rng = np.random.default_rng(3)
    (beside,) = watched([day(n, "v1", rng, off=1.5) for n in range(60)], 0.5)["beside"]
    assert (beside["version"], beside["days"], beside["rows"]) == ("v0", 60, 7_200)
    assert beside["brier"]["value"] < 0.0
    assert beside["brier"]["guarantee"] == "every_look"
    assert beside["log_loss"]["guarantee"] == "fixed_look"
    assert beside["log_loss"]["look"] == 58
    assert beside["log_loss"]["high"] < 0.0


def test_few_days_have_a_figure_but_no_bounds_of_a_fixed_look() -> None:
    rng = np.random.default_rng(4)
    (beside,) = watched([day(0, "v1", rng), day(1, "v1", rng)], 0.5)["beside"]
    assert beside["log_loss"]["unknown"] == "too_few_days"
    assert beside["brier"]["low"] < beside["brier"]["value"] < beside["brier"]["high"]


def test_without_labels_all_is_unknown() -> None:
    found = watched([], 0.5)
    assert (found["version"], found["days"], found["beside"]) == (None, 0, [])
    assert {one["unknown"] for one in found["figures"].values()} == {"no_labels"}


def test_a_clipped_loss_is_the_loss_of_rows_of_which_none_counts_more() -> None:
    rng = np.random.default_rng(5)
    truth, scores = rng.random(2_000) < 0.3, rng.random(2_000) ** 3
    exact = np.minimum(log_losses(truth, scores), CLIPPED_AT).mean()
    assert clipped_log_loss(table_of(ScoreSums.of(truth, scores)), at=CLIPPED_AT) == pytest.approx(exact, abs=2e-3)
