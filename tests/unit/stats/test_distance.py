"""Distances reproduce published figures and behave as distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.drift.distance import FLOOR, ks_from_counts, psi, psi_contributions, share_swings

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(lambda counts: sum(counts) > 0)
PAIRS = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 500), min_size=n, max_size=n).filter(any) for _ in range(2)])
)


def _shares(counts: list[int]) -> np.ndarray:
    return np.array(counts) / sum(counts)


def test_the_worked_example_of_age_bins_is_reproduced() -> None:
    expected, actual = [0.15, 0.25, 0.20, 0.18, 0.12, 0.10], [0.12, 0.22, 0.18, 0.20, 0.15, 0.13]
    parts = psi_contributions(expected, actual)
    assert parts.round(4).tolist() == [0.0067, 0.0038, 0.0021, 0.0021, 0.0067, 0.0079]
    assert psi(expected, actual) == pytest.approx(0.02930896278448692, rel=1e-9)


@given(PAIRS)
def test_psi_is_never_negative_and_the_same_both_ways(pair: tuple[list[int], list[int]]) -> None:
    first, second = _shares(pair[0]), _shares(pair[1])
    assert (psi_contributions(first, second) >= 0).all()
    assert psi(first, second) == pytest.approx(psi(second, first), abs=1e-12)
    assert np.isfinite(psi(first, second))


@given(COUNTS)
def test_equal_distributions_are_at_no_distance(counts: list[int]) -> None:
    assert psi(_shares(counts), _shares(counts)) == 0.0
    assert ks_from_counts(counts, [3 * count for count in counts]).value == pytest.approx(0.0, abs=1e-12)


@given(st.lists(st.integers(1, 100), min_size=2, max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_moving_more_mass_never_looks_more_stable(counts: list[int], one: float, other: float) -> None:
    start = _shares(counts)
    target = np.zeros(start.size)
    target[0] = 1.0
    less, more = sorted((one, other))
    assert psi(start, start + less * (target - start)) <= psi(start, start + more * (target - start)) + 1e-12


def test_an_empty_bin_costs_what_the_floor_says() -> None:
    assert psi([0.5, 0.5], [1.0, 0.0]) == pytest.approx(
        0.5 * np.log(2) + (FLOOR - 0.5) * np.log(FLOOR / 0.5), rel=1e-12
    )


@given(PAIRS)
def test_ks_is_symmetric_and_within_its_bounds(pair: tuple[list[int], list[int]]) -> None:
    one, other = ks_from_counts(*pair), ks_from_counts(*reversed(pair))
    assert (one.value, one.most) == pytest.approx((other.value, other.most))
    assert 0.0 <= one.value <= one.most <= 1.0 + 1e-12


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=80),
    st.lists(st.floats(-5, 5), min_size=3, max_size=80),
)
def test_the_ks_of_the_raw_samples_lies_within_the_binned_bounds(first: list[float], second: list[float]) -> None:
    edges = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
    binned = [np.bincount(np.searchsorted(edges, values), minlength=6) for values in (first, second)]
    bounds = ks_from_counts(*binned)
    raw = reference.ks_2samp(first, second, method="asymp").statistic
    assert bounds.value - 1e-9 <= raw <= bounds.most + 1e-9


def test_a_swing_is_of_the_two_bins_that_moved_furthest_and_both_ways_the_same() -> None:
    before, now = np.array([0.04, 0.16, 0.36, 0.44]), np.array([0.09, 0.09, 0.36, 0.46])
    assert share_swings(before, now) == pytest.approx(0.1 + 0.1)
    assert share_swings(now, before) == pytest.approx(0.2)
    assert share_swings(before, before) == 0.0
    assert share_swings(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 2.0


def test_chance_moves_a_swing_alike_however_seldom_bins_are_filled() -> None:
    """A share's root has a standard error of 1 / (2 sqrt(rows)), whatever the share."""
    drawn, rows = np.random.default_rng(3), 4_000
    far = []
    for shares in (np.full(10, 0.1), np.array([0.01, 0.01, 0.02, 0.02, 0.04, 0.1, 0.1, 0.2, 0.2, 0.3])):
        now = drawn.multinomial(rows, shares, 4_000) / rows
        far.append(float(np.quantile(share_swings(shares, now), 0.95)) * 2 * np.sqrt(rows))
    assert far == pytest.approx([4.47, 4.47], rel=0.07)  # the studentized range of ten, 95 %


@pytest.mark.parametrize(
    ("expected", "actual"),
    [([0.5, 0.5], [0.5, np.nan]), ([0.5, 0.5], [0.5, 0.4]), ([0.5, 0.5], [1.5, -0.5]), ([1.0], [0.5, 0.5])],
)
def test_shares_that_are_none_are_refused(expected: list[float], actual: list[float]) -> None:
    with pytest.raises(InvalidInput):
        psi(expected, actual)


def test_a_floor_of_nothing_and_no_rows_are_refused() -> None:
    with pytest.raises(InvalidInput):
        psi([0.5, 0.5], [0.5, 0.5], floor=0.0)
    with pytest.raises(NotEnoughData):
        ks_from_counts([1, 2], [0, 0])
