"""What one column tells is measured whatever its kind; noise tells nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.causes.association import auc_gap, auc_of, bins_of, noise_known, scores_of

DAYS, PER_DAY = 20, 150
SIZE = DAYS * PER_DAY
RNG = np.random.default_rng(3)
LABELS = RNG.random(SIZE) < 0.3
OF_DAY = np.repeat(np.arange(DAYS), PER_DAY)


def auc(values: np.ndarray[Any, Any]) -> float:
    return auc_of(LABELS, scores_of(values, LABELS, OF_DAY), OF_DAY).value


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_within_its_interval_of_one_half(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    for values in (drawn.normal(size=SIZE), drawn.choice(list("abc"), SIZE).astype(object)):
        found = auc_of(LABELS, scores_of(values, LABELS, OF_DAY), OF_DAY)
        assert found.low < 0.53
        assert found.high > 0.47


def test_a_copy_tells_everything_as_number_text_or_gap() -> None:
    for values in (
        LABELS * 1.0,
        -3.0 * LABELS,
        np.where(LABELS, "yes", "no").astype(object),
        np.where(LABELS, np.nan, 1.0),
        np.where(LABELS, None, "told").astype(object),
    ):
        assert auc(values) == 1.0


def test_a_hump_is_seen() -> None:
    edges = np.where(LABELS, RNG.choice([-1.0, 1.0], SIZE), 0.0) + RNG.normal(size=SIZE) / 10
    assert auc(edges) > 0.99


def test_scores_of_a_row_do_not_know_its_own_label() -> None:
    names = np.array([f"{index}" for index in range(SIZE)], dtype=object)
    assert auc(names) == pytest.approx(0.5, abs=0.05)


def test_a_gap_is_the_difference_on_the_same_rows() -> None:
    weak = LABELS + RNG.normal(size=SIZE)
    first, second = (scores_of(values, LABELS, OF_DAY) for values in (LABELS * 1.0, weak))
    gap = auc_gap(LABELS, first, second, OF_DAY)
    assert gap.value == pytest.approx(1 - auc(weak))
    assert gap.low < gap.value < gap.high
    assert auc_gap(LABELS, second, second, OF_DAY).value == 0.0


def test_one_day_is_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="1 days"):
        scores_of(np.ones(5), LABELS[:5], np.zeros(5, dtype=np.int64))


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=200))
def test_equal_values_share_a_bin_and_order_is_kept(values: list[float]) -> None:
    given_, bins = np.array(values), bins_of(np.array(values))
    known = ~np.isnan(given_)
    order = np.argsort(given_[known], kind="stable")
    assert (np.diff(bins[known][order]) >= 0).all()
    for value in np.unique(given_[known]):
        assert len(set(bins[given_ == value].tolist())) == 1
    if known.any() and not known.all():
        assert not set(bins[known].tolist()) & set(bins[~known].tolist())


@pytest.mark.parametrize("seed", range(5))
def test_knowing_true_rates_is_honest_and_knowing_their_chance_is_not(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    groups = drawn.integers(0, 300, SIZE)
    rates = drawn.beta(3, 7, 300)
    labels = drawn.random(SIZE) < rates[groups]
    observed = np.bincount(groups, labels, 300) / np.maximum(np.bincount(groups, minlength=300), 1)
    honest = noise_known(rates[groups], labels, groups, OF_DAY)
    leaked = noise_known(observed[groups], labels, groups, OF_DAY)
    assert honest.low <= 0.05
    assert leaked.low > 0.15
    assert noise_known(drawn.normal(size=300)[groups], labels, groups, OF_DAY).low < 0


def test_few_groups_tell_nothing() -> None:
    groups = np.arange(SIZE) % 10
    with pytest.raises(NotEnoughData, match="10 groups"):
        noise_known(groups * 1.0, LABELS, groups, OF_DAY)
