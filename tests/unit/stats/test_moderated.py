"""Variances that stand on little gain from their like, and lose nothing where they are unlike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import polygamma

from homeostat.stats.drift.moderated import _trigamma_inverse, moderated

OWN = 40.0


def _seen(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    return np.asarray(truth * rng.chisquare(OWN, truth.size) / OWN)


def test_what_is_alike_is_known_far_better() -> None:
    rng, truth = np.random.default_rng(1), np.full(30, 2.5)
    own = [_seen(rng, truth) for _ in range(100)]
    steadied = [moderated(one, np.full(30, OWN)) for one in own]
    assert np.std([one for one, _ in steadied]) < 0.5 * np.std(own)
    assert np.mean([one for one, _ in steadied]) == pytest.approx(2.5, rel=0.02)
    assert max(lent for _, lent in steadied) == OWN * 29, "never more than the others have"


def test_how_far_things_differ_is_found() -> None:
    """Of variances that are scaled inverse chi-square themselves the degrees that are lent are those of the scale."""
    rng = np.random.default_rng(2)
    truth = 3.0 * 12.0 / rng.chisquare(12.0, 20_000)
    steadied, lent = moderated(_seen(rng, truth), np.full(truth.size, OWN))
    assert lent == pytest.approx(12.0, rel=0.1)
    own = _seen(rng, truth)
    assert np.mean((steadied / truth - 1.0) ** 2) < 0.95 * np.mean((own / truth - 1.0) ** 2)


def test_what_is_unlike_all_others_keeps_its_own() -> None:
    steadied, lent = moderated([1.0, 1.1, 0.9, 1.0, 30.0], np.full(5, OWN))
    assert lent < 3.0
    assert steadied[-1] > 27.0


def test_of_few_nothing_is_lent() -> None:
    assert moderated([1.0, 2.0, 3.0], np.full(3, OWN))[1] == 0.0


@pytest.mark.parametrize("value", [1e-4, 0.05, 1.0, 30.0])
def test_the_inverse_of_the_trigamma_function(value: float) -> None:
    assert polygamma(1, _trigamma_inverse(value)) == pytest.approx(value, rel=1e-8)
