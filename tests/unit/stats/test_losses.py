"""What inputs go with large errors is learnt from past rows, also where inputs are missing or never change."""

from __future__ import annotations

import numpy as np

from homeostat.stats.estimates.losses import binned_losses


def _rows(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of which the first goes with larger errors, absolute errors, and what these are on average."""
    inputs = rng.normal(size=(rows, 2))
    scale = 1.0 + 2.0 / (1.0 + np.exp(-2 * inputs[:, 0]))
    return inputs, np.abs(rng.normal(size=rows)) * scale, np.sqrt(2 / np.pi) * scale


def test_errors_are_foretold_where_they_are_large() -> None:
    rng = np.random.default_rng(1)
    inputs, losses, _ = _rows(rng, 20_000)
    foretell = binned_losses(inputs, losses)
    others, _, expected = _rows(rng, 2_000)
    off = np.abs(foretell(others) - expected)
    assert off.mean() < 0.05
    assert off.mean() < 0.1 * np.abs(losses.mean() - expected).mean() + 0.03


def test_missing_and_constant_inputs_are_learnt_like_others() -> None:
    inputs, losses, _ = _rows(np.random.default_rng(3), 3_000)
    inputs[:1_000, 0], losses[:1_000], inputs[:, 1] = np.nan, 9.0, 7.0
    foretell = binned_losses(inputs, losses)
    assert abs(foretell(np.array([[np.nan, 7.0]]))[0] - 9.0) < 0.5
    assert foretell(np.array([[0.0, 7.0]]))[0] < 3.0
    nothing = binned_losses(np.full((50, 1), np.nan), np.zeros(50))
    assert nothing(np.array([[1.0]])) == 0.0


def test_what_is_foretold_is_no_less_than_what_can_be() -> None:
    x = np.linspace(-1, 1, 2_000).reshape(-1, 1)
    assert binned_losses(x, x[:, 0])(np.array([[-0.9]])) == 0.0
    assert binned_losses(x, x[:, 0], least=-np.inf)(np.array([[-0.9]])) < -0.8
