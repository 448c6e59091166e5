"""Mixtures give their share back, groups stand out as often as chance lets them, steps are told from ramps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.causes.segments import excesses
from homeostat.stats.changes.shapes import shape_of
from homeostat.stats.drift.mixture import cumulated, grid, mixture
from tests.harness.examples import examples


@settings(max_examples=examples(20), deadline=None)
@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 1_000))
def test_a_mixture_of_two_distributions_gives_its_share_back(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.normal(0.0, 1.0, 3_000), rng.normal(4.0, 1.0, 3_000)
    seen = np.where(rng.random(3_000) < share, rng.normal(4.0, 1.0, 3_000), rng.normal(0.0, 1.0, 3_000))
    points = grid(own, other, seen)
    found = mixture(*(cumulated(one, points) for one in (seen, own, other)), measure="ks")
    assert found.share == pytest.approx(share, abs=0.04)
    assert found.left < 0.06


def test_what_is_not_a_mixture_leaves_much() -> None:
    rng = np.random.default_rng(1)
    own, other, seen = rng.normal(0, 1, 2_000), rng.normal(4, 1, 2_000), rng.normal(-4, 1, 2_000)
    points = grid(own, other, seen)
    found = mixture(*(cumulated(one, points) for one in (seen, own, other)), measure="ks")
    assert found.share == 0.0
    assert found.left == found.apart > 0.9


def test_a_distribution_cannot_turn_into_itself() -> None:
    with pytest.raises(NotEnoughData):
        mixture([0.5, 0.5], [0.4, 0.6], [0.4, 0.6], measure="total_variation")


def test_groups_that_are_like_the_rest_stand_out_no_more_often_than_they_say() -> None:
    rng = np.random.default_rng(2)
    low = []
    for _ in range(60):
        days = [np.repeat(np.arange(12), 60), np.repeat(np.arange(8), 60)]
        sides = [
            (rng.integers(0, 5, day.size), rng.normal(0, 1, day.size) + rng.normal(0, 0.5, 12)[day], day)
            for day in days
        ]
        low += [one.p_value < 0.05 for one in excesses(sides[0], sides[1], groups=5)]
    assert np.mean(low) < 0.09  # 0.05 of 300, which depend on one another by fives


def test_a_group_that_is_seen_on_one_day_is_not_judged() -> None:
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(10), 40)
    group = np.where(day == 3, 1, 0)
    assert excesses((group, rng.random(400), day), (group, rng.random(400), day), groups=2) == []


@pytest.mark.parametrize("gradual", [False, True])
def test_steps_are_told_from_ramps(gradual: bool) -> None:
    right = 0
    for seed in range(20):
        at = np.arange(40)
        level = np.clip((at - 8) / 32, 0, 1) * 0.4 if gradual else np.where(at >= 24, 0.3, 0.0)
        means = level + np.random.default_rng(seed).normal(0, 0.05, 40)
        right += shape_of(means * 100, np.full(40, 100)).gradual is gradual
    assert right >= 18


def test_few_blocks_have_no_shape() -> None:
    with pytest.raises(NotEnoughData):
        shape_of([1.0] * 7, [1] * 7)
