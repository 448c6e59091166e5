"""A rank shift is the Wasserstein distance of ranks, a rank spread Klotz's statistic, whatever unit and open ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, wasserstein_distance

from homeostat.data.profiles import Profile
from homeostat.stats.drift.transport import rank_shifts, rank_spreads
from tests.harness.examples import examples

BINS = 20


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-3, 3), spread=st.floats(0.2, 4))
def test_it_is_that_of_the_raw_ranks_to_within_a_bin(seed: int, shift: float, spread: float) -> None:
    drawn = np.random.default_rng(seed)
    before, now = np.sort(drawn.normal(size=4_000)), drawn.normal(shift, spread, 1_000)
    reference = Profile.of("x", "number", before, bins=BINS)
    found = float(rank_shifts(reference.shares(), reference.count(now).shares()))
    raw = wasserstein_distance(np.arange(4_000) / 4_000, np.searchsorted(before, now) / 4_000)
    assert abs(found - raw) <= 0.5 / BINS


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100))
def test_a_unit_changes_nothing_and_no_shift_is_0(seed: int, scale: float) -> None:
    drawn = np.random.default_rng(seed)
    before, now = drawn.normal(size=500), drawn.normal(0.3, 1, 300)
    plain, scaled = Profile.of("x", "number", before), Profile.of("x", "number", before * scale)
    shifts = [
        rank_shifts(one.shares(), one.count(rows).shares()) for one, rows in ((plain, now), (scaled, now * scale))
    ]
    assert abs(shifts[0] - shifts[1]) < 1e-9
    assert rank_shifts(plain.shares(), plain.shares()) == 0.0


def test_everything_beyond_the_last_is_a_half() -> None:
    shares = np.full(BINS, 1 / BINS)
    beyond = np.eye(BINS)[-1]
    assert 0.45 < float(rank_shifts(shares, beyond)) < 0.5


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.6, 1.6))
def test_a_spread_is_that_of_the_raw_normal_scores_to_what_bins_hide(seed: int, scale: float) -> None:
    drawn = np.random.default_rng(seed)
    before, now = np.sort(drawn.normal(size=4_000)), drawn.normal(0.0, scale, 2_000)
    reference = Profile.of("x", "number", before, bins=BINS)
    found = float(rank_spreads(reference.shares(), reference.count(now).shares()))
    ranks = (np.searchsorted(before, now) + 0.5) / 4_001
    raw = abs(float(np.var(norm.ppf(ranks))) - 1.0)
    assert 0.55 * raw - 0.05 <= found <= raw + 0.05  # beyond the outermost bin's usual score nothing counts


def test_a_mere_shift_hardly_spreads_and_a_wider_one_does() -> None:
    drawn = np.random.default_rng(5)
    reference = Profile.of("x", "number", drawn.normal(size=40_000), bins=BINS)
    shifted, wider = (reference.count(drawn.normal(by, scale, 40_000)) for by, scale in ((0.5, 1.0), (0.0, 1.1)))
    before = reference.shares()
    assert float(rank_spreads(before, shifted.shares())) < 0.05 < 0.1 < float(rank_spreads(before, wider.shares()))
    assert rank_spreads(before, before) == 0.0


def test_rows_where_none_were_expected_count_as_the_outermost() -> None:
    expected, beyond = np.array([0.5, 0.5, 0.0]), np.array([0.45, 0.45, 0.1])
    assert 1.0 < float(rank_spreads(expected, beyond)) < 1.5
    assert np.isfinite(rank_spreads(np.array([0.0, 1.0]), np.array([1.0, 0.0])))
