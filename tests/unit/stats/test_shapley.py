"""Shapley shares: they add up, are exact where they say so, and are unbiased with honest errors where they sample."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.causes.shapley import Score, Shares, shares


def scorer(row: np.ndarray, background: np.ndarray, score: object) -> Score:
    """A model's score of rows that are put together."""
    return lambda own, number: score(np.where(own, row, background[number]))  # type: ignore[operator]


def bent(rows: np.ndarray) -> np.ndarray:
    """A score with interactions, between 0 and 1."""
    return 1 / (1 + np.exp(-(rows[:, 0] * rows[:, 1] + np.abs(rows).sum(axis=1) - 2)))


def by_every_order(row: np.ndarray, background: np.ndarray) -> list[float]:
    """The definition, word for word."""
    found = np.zeros(len(row))
    orders = list(permutations(range(len(row))))
    for order in orders:
        for before in background:
            now = before.copy()
            for one in order:
                old = bent(now[None])[0]
                now[one] = row[one]
                found[one] += bent(now[None])[0] - old
    return list(found / len(orders) / len(background))


def drawn(inputs: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A row and a background."""
    chance = np.random.default_rng(seed)
    return chance.normal(size=inputs), chance.normal(size=(rows, inputs))


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_exact_shares_are_those_of_the_definition(inputs: int, rows: int, seed: int) -> None:
    row, background = drawn(max(2, inputs), rows, seed)
    found = shares(scorer(row, background, bent), len(row), rows, seed=0)
    assert found.exact
    assert found.values == pytest.approx(by_every_order(row, background))
    assert (found.base, found.whole) == pytest.approx((bent(background).mean(), bent(row[None])[0]))


@given(st.integers(2, 30), st.integers(1, 9), st.integers(0, 99))
def test_shares_add_up_to_the_score_also_where_they_are_sampled(inputs: int, rows: int, seed: int) -> None:
    row, background = drawn(inputs, rows, seed)
    found = shares(scorer(row, background, bent), inputs, rows, seed=seed, budget=50)
    assert abs(found.gap) < 1e-12
    assert math.fsum((found.base, *found.values)) == pytest.approx(found.whole)


def test_sampled_shares_are_as_near_to_the_exact_ones_as_they_say() -> None:
    row, background = drawn(9, 20, 3)
    score = scorer(row, background, bent)
    exact = shares(score, 9, 20, seed=0, budget=20 << 9)
    z = []
    for seed in range(40):
        found = shares(score, 9, 20, seed=seed, budget=2_000)
        assert not found.exact
        assert found.scored <= 2_000
        z += [(a - b) / e for a, b, e in zip(found.values, exact.values, found.errors, strict=True)]
    assert abs(np.mean(z)) < 0.25
    assert 0.7 < np.std(z) < 1.5


def test_an_input_that_does_nothing_has_no_share_and_equals_share_equally() -> None:
    row, background = np.ones(3), np.zeros((2, 3))
    found = shares(scorer(row, background, lambda rows: rows[:, 0] * rows[:, 1]), 3, 2, seed=0)
    assert found.values == pytest.approx((0.5, 0.5, 0.0))


def test_the_same_seed_gives_the_same_shares() -> None:
    row, background = drawn(20, 9, 1)
    score = scorer(row, background, bent)
    told: list[Shares] = [shares(score, 20, 9, seed=seed, budget=900) for seed in (5, 5, 6)]
    assert told[0] == told[1] != told[2]


def test_without_background_or_inputs_there_is_nothing_to_share() -> None:
    with pytest.raises(NotEnoughData):
        shares(lambda own, number: np.zeros(len(own)), 3, 0, seed=0)
    with pytest.raises(InvalidInput):
        shares(lambda own, number: np.zeros(len(own)), 0, 3, seed=0)
