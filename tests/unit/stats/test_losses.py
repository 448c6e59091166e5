"""Errors of predicted numbers are estimated before labels come, with what past days say of the estimate."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.losses import binned_losses, estimated_loss


def _rows(rng: np.random.Generator, rows: int, mean: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of which the first goes with larger errors, and absolute errors."""
    inputs = rng.normal([mean, 0.0], 1.0, (rows, 2))
    return inputs, np.abs(rng.normal(size=rows)) * (1.0 + 2.0 / (1.0 + np.exp(-2 * inputs[:, 0])))


@pytest.mark.parametrize("root", [False, True])
def test_the_error_is_estimated_where_inputs_move_to_where_errors_are_larger(root: bool) -> None:
    rng, held = np.random.default_rng(1), 0
    inputs, losses = _rows(rng, 20_000, 0.0)
    days, kept = np.repeat(np.arange(40), 500), np.square(losses) if root else losses
    simple = float(np.sqrt(kept.mean()) if root else kept.mean())
    for _ in range(20):
        now, truth = _rows(rng, 500, 0.7)
        found = estimated_loss(now, inputs, kept, days, root=root)
        realised = float(np.sqrt(np.square(truth).mean()) if root else truth.mean())
        held += found.interval.low <= realised <= found.interval.high
    assert held >= 16
    assert abs(found.interval.value - realised) < abs(simple - realised)


def test_another_learner_may_be_passed_in() -> None:
    rng = np.random.default_rng(2)
    inputs, losses = _rows(rng, 3_000, 0.0)
    found = estimated_loss(
        inputs[:100],
        inputs,
        losses,
        np.repeat(np.arange(10), 300),
        learn=lambda features, past: lambda others: np.full(len(others), past.mean()),
    )
    assert found.interval.value == pytest.approx(losses.mean())


def test_missing_and_constant_inputs_are_allowed_and_too_little_is_refused() -> None:
    rng = np.random.default_rng(3)
    inputs, losses = _rows(rng, 1_000, 0.0)
    inputs[::3, 0], inputs[:, 1] = np.nan, 7.0
    days = np.repeat(np.arange(10), 100)
    assert estimated_loss(inputs[:1], inputs, losses, days).interval.rows == 1
    assert binned_losses(np.full((50, 1), np.nan), losses[:50])(np.array([[1.0]])) >= 0
    for now, past, lost, when in (
        (inputs[:0], inputs, losses, days),
        (inputs, inputs[:200], losses[:200], days[:200]),
    ):
        with pytest.raises(NotEnoughData):
            estimated_loss(now, past, lost, when)
    for now, past, lost in (
        (inputs[:, :1], inputs, losses),
        (np.full((5, 2), np.inf), inputs, losses),
        (inputs, inputs, -losses),
        (inputs, inputs, losses[1:]),
    ):
        with pytest.raises(InvalidInput):
            estimated_loss(now, past, lost, days)
    with pytest.raises(InvalidInput, match="no finite loss"):
        estimated_loss(inputs, inputs, losses, days, learn=lambda features, past: lambda others: others[:, 0])
