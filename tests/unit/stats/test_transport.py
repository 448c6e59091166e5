"""The Wasserstein distance from counts is scipy's under its rule, and bounds that of the raw rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.drift.binning import counts_between
from homeostat.stats.drift.transport import wasserstein_from_counts

EDGES = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
SAMPLE = st.lists(st.floats(-6, 6, exclude_min=True), min_size=1, max_size=60)


def _counted(values: list[float]) -> np.ndarray:
    return counts_between(np.array(values), EDGES)


@given(st.tuples(*[st.lists(st.integers(0, 300), min_size=6, max_size=6).filter(any) for _ in range(2)]))
def test_with_rows_in_the_middle_of_their_bins_it_is_that_of_scipy(pair: tuple[list[int], list[int]]) -> None:
    ends = np.array([-6.0, *EDGES, 6.0])
    middles = (ends[:-1] + ends[1:]) / 2
    ours = wasserstein_from_counts(*pair, EDGES, lowest=-6.0, highest=6.0)
    assert ours.value == pytest.approx(wasserstein_distance(middles, middles, *pair), abs=1e-9)
    assert ours.least - 1e-9 <= ours.value <= ours.most + 1e-9


@given(st.tuples(*[st.lists(st.integers(0, 300), min_size=6, max_size=6).filter(any) for _ in range(2)]))
def test_with_open_ends_it_is_that_of_scipy_for_values_cut_off(pair: tuple[list[int], list[int]]) -> None:
    middles = np.array([EDGES[0], *((EDGES[:-1] + EDGES[1:]) / 2), EDGES[-1]])
    ours = wasserstein_from_counts(*pair, EDGES)
    assert ours.value == pytest.approx(wasserstein_distance(middles, middles, *pair), abs=1e-9)


@given(SAMPLE, SAMPLE)
def test_the_raw_rows_lie_within_the_bounds(first: list[float], second: list[float]) -> None:
    raw = wasserstein_distance(first, second)
    closed = wasserstein_from_counts(_counted(first), _counted(second), EDGES, lowest=-6.0, highest=6.0)
    assert closed.least - 1e-9 <= raw <= closed.most + 1e-9
    opened = wasserstein_from_counts(_counted(first), _counted(second), EDGES)
    assert opened.least - 1e-9 <= raw <= opened.most + 1e-9


@given(SAMPLE, SAMPLE)
def test_rows_beyond_the_edges_leave_no_upper_bound(first: list[float], second: list[float]) -> None:
    found = wasserstein_from_counts(_counted(first), _counted(second), EDGES)
    beyond = [np.mean([value <= EDGES[0] or value > EDGES[-1] for value in side]) for side in (first, second)]
    assert found.outside == pytest.approx(max(beyond))
    assert math.isinf(found.most) == (max(beyond) > 0)


def test_the_bounds_are_reached() -> None:
    found = wasserstein_from_counts([0, 1, 0], [0, 1, 0], [0.0, 1.0])
    assert (found.least, found.value, found.most) == (0.0, 0.0, 1.0)
    apart = wasserstein_from_counts([0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0.0, 1.0, 2.0, 3.0])
    assert (apart.least, apart.value, apart.most) == (1.0, 2.0, 3.0)


def test_what_has_no_rows_or_edges_is_undefined() -> None:
    for expected, actual, edges in (([0, 0], [1, 1], [0.0]), ([1, 1], [0, 0], [0.0]), ([1], [1], [])):
        with pytest.raises(NotEnoughData):
            wasserstein_from_counts(expected, actual, edges)


def test_edges_that_do_not_fit_are_refused() -> None:
    for edges in ([0.0], [1.0, 0.0], [0.0, 0.0], [0.0, math.nan], [0.0, math.inf]):
        with pytest.raises(InvalidInput):
            wasserstein_from_counts([1, 1, 1], [1, 1, 1], edges)
    with pytest.raises(InvalidInput):
        wasserstein_from_counts([1, 1, 1], [1, 1, 1], [0.0, 1.0], lowest=0.5)
