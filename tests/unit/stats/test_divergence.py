"""Distances over bins agree with scipy and with the published definitions of other tools, and never exceed raw ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference
from scipy.spatial import distance as spatial

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.drift.distance import FLOOR, psi
from homeostat.stats.drift.divergence import hellinger, jensen_shannon, kl_divergence, total_variation_of_shares
from homeostat.stats.drift.homogeneity import chi_square

PAIRS = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 500), min_size=n, max_size=n).filter(any) for _ in range(2)])
)
DISTANCES = [kl_divergence, jensen_shannon, hellinger, total_variation_of_shares]
SYMMETRIC = [jensen_shannon, hellinger, total_variation_of_shares]
Pair = tuple[list[int], list[int]]


def _shares(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.array(counts) / sum(counts) for counts in pair)
    return first, second


@given(PAIRS)
def test_kl_is_that_of_scipy_after_the_stated_floor(pair: Pair) -> None:
    expected, actual = _shares(pair)
    theirs = reference.entropy(np.maximum(actual, FLOOR), np.maximum(expected, FLOOR))
    assert kl_divergence(expected, actual) == pytest.approx(theirs, abs=1e-9)


@given(PAIRS)
def test_psi_is_kl_both_ways_where_no_bin_is_empty(pair: Pair) -> None:
    filled = [count + 1 for count in pair[0]], [count + 1 for count in pair[1]]
    one, other = _shares(filled)
    assert psi(one, other) == pytest.approx(kl_divergence(one, other) + kl_divergence(other, one), abs=1e-9)


@given(PAIRS)
def test_jensen_shannon_is_that_of_scipy_in_every_base(pair: Pair) -> None:
    for base in (2.0, math.e):
        ours = jensen_shannon(*_shares(pair), base=base)
        assert ours == pytest.approx(spatial.jensenshannon(*_shares(pair), base=base), abs=1e-9)


@given(PAIRS)
def test_psi_is_that_of_evidently_where_no_share_is_below_the_floor(pair: Pair) -> None:
    """Evidently's: bins of both sides as shares, empty ones 0.0001, then the sum of (r - c) ln(r / c)."""
    there, now = _shares(([count + 5 for count in pair[0]], [count + 5 for count in pair[1]]))
    psi_of_bins = sum((one - other) * math.log(one / other) for one, other in zip(there, now, strict=True))
    assert psi(there, now) == pytest.approx(psi_of_bins, abs=1e-9)


def test_an_empty_bin_is_read_as_evidently_reads_it() -> None:
    theirs = (0.5 - 1.0) * math.log(0.5 / 1.0) + (0.5 - 0.0001) * math.log(0.5 / 0.0001)
    assert psi([0.5, 0.5], [1.0, 0.0]) == pytest.approx(theirs, abs=1e-9)


@given(PAIRS)
def test_chi_square_is_that_of_scipy_with_its_p_value(pair: Pair) -> None:
    table = np.array(pair)[:, np.array(pair).sum(axis=0) > 0]
    if table.shape[1] < 2:
        with pytest.raises(NotEnoughData):
            chi_square(*pair)
        return
    ours, theirs = chi_square(*pair), reference.chi2_contingency(table, correction=False)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert (ours.freedom, ours.p_value) == (theirs.dof, pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-9))
    cramer = reference.contingency.association(table, method="cramer")
    assert ours.effect == pytest.approx(cramer, abs=1e-9)


@given(PAIRS)
def test_against_an_endless_reference_chi_square_is_evidentlys_test_of_fit(pair: Pair) -> None:
    """Evidently's: scipy.stats.chisquare of the current counts against reference shares times current rows."""
    there, now = [count + 1 for count in pair[0]], [count + 1 for count in pair[1]]
    fit = reference.chisquare(now, np.array(there) / sum(there) * sum(now)).statistic
    endless = [float(count) * 1e12 for count in there]
    assert chi_square(endless, now).statistic == pytest.approx(fit, rel=1e-6, abs=1e-6)


@given(PAIRS)
def test_total_variation_and_hellinger_are_what_they_are_defined_as(pair: Pair) -> None:
    expected, actual = _shares(pair)
    assert total_variation_of_shares(expected, actual) == pytest.approx(
        sum(max(0.0, one - other) for one, other in zip(expected, actual, strict=True)), abs=1e-9
    )
    overlap = min(1.0, float(np.sqrt(expected * actual).sum()))
    assert hellinger(expected, actual) ** 2 == pytest.approx(1.0 - overlap, abs=1e-9)


@given(PAIRS)
def test_symmetric_distances_are_between_0_and_1_and_order_as_theory_says(pair: Pair) -> None:
    one, other = _shares(pair)
    for distance in SYMMETRIC:
        assert distance(one, other) == pytest.approx(distance(other, one), abs=1e-9)
        assert 0.0 <= distance(one, other) <= 1.0 + 1e-12
        assert distance(one, one) == pytest.approx(0.0, abs=1e-7)
    varied, held = total_variation_of_shares(one, other), hellinger(one, other)
    assert held**2 - 1e-9 <= varied <= math.sqrt(2.0) * held + 1e-9


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=4, max_size=24), st.data())
def test_coarser_bins_never_show_more(fine: list[tuple[int, int]], data: st.DataObject) -> None:
    """What the raw rows are apart, bins can only hide: binning is a coarser view."""
    pair = [max(1, one) for one, _ in fine], [max(1, other) for _, other in fine]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(fine) - 1), min_size=1)))
    coarse = tuple([int(part.sum()) for part in np.split(np.array(side), cuts)] for side in pair)
    for distance in DISTANCES:
        assert distance(*_shares(coarse)) <= distance(*_shares(pair)) + 1e-9  # type: ignore[arg-type]
    assert chi_square(*coarse).statistic <= chi_square(*pair).statistic + 1e-9


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(
    ("expected", "actual"),
    [([0.5, 0.5], [0.5, np.nan]), ([0.5, 0.5], [0.5, 0.4]), ([0.5, 0.5], [1.5, -0.5]), ([1.0], [0.5, 0.5]), ([], [])],
)
def test_shares_that_are_none_are_refused(
    distance: Callable[..., float], expected: list[float], actual: list[float]
) -> None:
    with pytest.raises(InvalidInput):
        distance(expected, actual)


def test_a_floor_or_base_that_is_none_is_refused() -> None:
    for wrong in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(InvalidInput):
            kl_divergence([1.0], [1.0], floor=wrong)
        with pytest.raises(InvalidInput):
            jensen_shannon([1.0], [1.0], base=wrong)


def test_no_rows_and_one_bin_have_no_chi_square() -> None:
    for expected, actual in (([0, 0], [1, 1]), ([1, 1], [0, 0]), ([3], [4]), ([3, 0], [4, 0])):
        with pytest.raises(NotEnoughData):
            chi_square(expected, actual)
    with pytest.raises(InvalidInput):
        chi_square([1, 2], [1, 2, 3])
