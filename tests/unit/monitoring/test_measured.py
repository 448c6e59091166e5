"""Figures as a version keeps them: each with its bounds, or the reason why it is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitoring.measured import measured_on
from homeostat.stats.metrics import log_loss, roc_auc
from homeostat.training.evaluation import HeldOut

ROWS = 600


def held_out(days: int = 6) -> tuple[HeldOut, dict[str, np.ndarray], np.ndarray]:
    chance = np.random.default_rng(7)
    scores = chance.uniform(0.05, 0.95, ROWS)
    labels = chance.uniform(size=ROWS) < scores
    shop = np.array(["a"] * 400 + ["b"] * 180 + ["c"] * 20, dtype=object)
    order = chance.permutation(ROWS)
    rows = HeldOut(labels[order], np.arange(ROWS), np.arange(ROWS) % days)
    return rows, {"shop": shop[order]}, scores[order]


def test_every_figure_has_bounds_over_days_and_every_row_is_in_one_slice() -> None:
    rows, columns, scores = held_out()
    found = measured_on(rows, columns, scores, slices=[("shop",)], profiles={}, threshold=0.5)
    loss = found["figures"]["log_loss"]
    assert loss["value"] == pytest.approx(log_loss(rows.labels, scores), rel=1e-6)
    assert loss["low"] < loss["value"] < loss["high"]
    assert (loss["blocks"], loss["rows"]) == (6, ROWS)
    assert found["figures"]["auc_within_days"]["value"] == pytest.approx(roc_auc(rows.labels, scores), abs=0.02)
    assert [(one["name"], one["rows"]) for one in found["slices"]] == [
        ("shop = a", 400),
        ("shop = b", 180),
        ("shop = c", 20),
    ]
    assert sum(one["rows"] for one in found["slices"]) == ROWS
    assert found["slices"][2]["figures"]["log_loss"] == {"unknown": "too_few_rows"}


def test_without_slices_all_rows_are_told_and_with_few_days_bounds_are_unknown() -> None:
    rows, columns, scores = held_out(days=2)
    found = measured_on(rows, columns, scores, slices=[], profiles={}, threshold=0.5)
    assert found["slices"] == []
    assert found["figures"]["log_loss"] == {"unknown": "too_few_days"}
