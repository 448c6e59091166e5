"""Evidence stays honest when it is watched and put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.discoveries import benjamini_hochberg
from homeostat.stats.looks.betting import BoundedMean
from homeostat.stats.looks.bounded import Bounded
from homeostat.stats.looks.evidence import (
    MOST,
    Evidence,
    exceedance_evidence,
    mean_e_value,
    mean_evidence,
)
from tests.harness.examples import examples

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def _blocks(values: np.ndarray) -> BoundedMean:
    return BoundedMean(Bounded(0.0, 1.0)).seen(values, np.ones(values.size))


def test_where_the_null_is_true_money_is_lost_on_average_and_seldom_ever_made() -> None:
    rng = np.random.default_rng(1)
    found = [mean_evidence(_blocks(one), 0.6) for one in rng.beta(6, 4, (2_000, 60))]
    assert np.mean([one.e_value for one in found]) < 1.2
    fooled = sum(one.p_value <= 0.05 for one in found)
    assert reference.binomtest(fooled, 2_000, 0.05, alternative="greater").pvalue > 0.001
    assert fooled > 0


def test_a_null_that_drifts_on_its_own_side_is_not_refuted() -> None:
    rng = np.random.default_rng(2)
    rates = 0.1 * (1 + np.sin(np.arange(200) / 9)) / 2
    fooled = sum(exceedance_evidence(rng.random(200) < rates, 0.5, rate=0.1).p_value <= 0.05 for _ in range(400))
    assert reference.binomtest(fooled, 400, 0.05, alternative="greater").pvalue > 0.001


def test_limits_exceeded_too_often_are_found() -> None:
    rng = np.random.default_rng(3)
    found = [exceedance_evidence(rng.random(100), 0.8, rate=0.05) for _ in range(100)]
    assert np.mean([one.p_value < 0.05 for one in found]) > 0.9


def test_above_and_below_are_mirrors() -> None:
    values = np.random.default_rng(4).random(30)
    above = mean_evidence(_blocks(values), 0.4)
    below = mean_evidence(_blocks(1 - values), 0.6, beyond="below")
    assert above.e_value == pytest.approx(below.e_value)
    assert above.peak_at == below.peak_at


def test_evidence_and_bounds_agree() -> None:
    blocks = _blocks(np.random.default_rng(5).beta(8, 2, 50))
    low = blocks.interval(confidence=0.9).low
    assert mean_evidence(blocks, low - 1e-6).e_value >= 20.0
    assert mean_evidence(blocks, low + 1e-6).e_value < 20.0


def test_overwhelming_evidence_stays_a_number() -> None:
    found = mean_evidence(_blocks(np.ones(5_000)), 0.01)
    assert found.e_value == found.peak == pytest.approx(MOST)
    assert found.to_json()["p_value"] > 0.0
    assert Evidence(0.0, 0.0, 0).p_value == 1.0


@pytest.mark.parametrize("null", [0.0, 1.0, -0.5, float("nan")])
def test_the_end_of_a_range_cannot_be_bet_against(null: float) -> None:
    with pytest.raises(InvalidInput):
        mean_evidence(_blocks(np.array([0.5])), null)


def test_no_blocks_are_no_evidence() -> None:
    with pytest.raises(NotEnoughData):
        exceedance_evidence([], 0.2, rate=0.1)
    with pytest.raises(NotEnoughData):
        mean_e_value([])
    with pytest.raises(InvalidInput):
        mean_e_value([-1.0])
    with pytest.raises(InvalidInput):
        mean_e_value([1.0, 2.0], [1.0])


def test_of_the_same_rows_the_mean_of_e_values_is_honest() -> None:
    rng = np.random.default_rng(6)
    same = [[mean_evidence(_blocks(one), 0.5).e_value] * 20 for one in rng.random((1_000, 30))]
    assert np.mean([mean_e_value(one) >= 20 for one in same]) <= 0.05
    assert mean_e_value([4.0, 0.0], [3.0, 1.0]) == 3.0


@settings(max_examples=examples(40))
@given(P_VALUES, st.floats(0.01, 0.5))
def test_rejections_are_those_of_scipy(p_values: list[float], rate: float) -> None:
    adjusted = reference.false_discovery_control(p_values, method="bh")
    if np.abs(adjusted - rate).min() >= 1e-12:
        assert benjamini_hochberg(p_values, rate=rate).rejected == tuple(np.flatnonzero(adjusted <= rate).tolist())


def test_what_is_no_p_value_or_rate_is_refused() -> None:
    with pytest.raises(InvalidInput):
        benjamini_hochberg([0.5, 1.5])
    with pytest.raises(NotEnoughData):
        benjamini_hochberg([])
    with pytest.raises(InvalidInput):
        benjamini_hochberg([0.5], rate=0.0)
    assert benjamini_hochberg([0.01, 0.9]).to_json() == {"rejected": [0], "limit": 0.025, "of": 2, "rate": 0.05}
