from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from homeostat.features.distances import Distance, distances
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.drift.distance import ks_of_samples, total_variation

values = st.lists(st.floats(-5, 5).map(lambda value: round(value, 1)), min_size=2, max_size=40)
names = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 9)).filter(lambda found: sum(found.values()) > 0)


@given(values, values)
def test_ks_agrees_with_an_independent_implementation(first: list[float], second: list[float]) -> None:
    assert ks_of_samples(first, second) == pytest.approx(ks_2samp(first, second, method="asymp").statistic, abs=1e-12)


@given(values, st.integers(0, 39))
def test_the_same_rows_in_another_order_are_0_apart(given_values: list[float], turn: int) -> None:
    assert ks_of_samples(given_values, np.roll(given_values, turn)) == 0.0


@given(names, names)
def test_total_variation_is_a_distance_between_0_and_1(first: dict[str, int], second: dict[str, int]) -> None:
    assert 0 <= total_variation(first, second) <= 1 + 1e-12
    assert total_variation(first, second) == total_variation(second, first)
    assert total_variation(first, {name: 3 * count for name, count in first.items()}) == pytest.approx(0)


def test_a_value_in_the_place_of_missing_moves_its_whole_share() -> None:
    served = np.array([0.0, 0.0, 5.0, 6.0])
    trained = np.array([np.nan, np.nan, 5.0, 6.0])
    assert ks_of_samples(served, trained) == 0.5


def test_features_come_farthest_first_each_with_its_measure() -> None:
    kinds = {"hour": "number", "origin": "text"}
    one = {"hour": np.array([1.0, 2.0]), "origin": np.array(["JFK", None], dtype=object)}
    other = {"hour": np.array([1.0, 2.0]), "origin": np.array(["JFK", "JFK"], dtype=object)}
    assert distances(kinds, one, other) == (Distance("origin", "total_variation", 0.5), Distance("hour", "ks", 0.0))


def test_a_side_without_rows_or_a_feature_is_an_error_and_never_0() -> None:
    with pytest.raises(NotEnoughData):
        ks_of_samples([], [1.0])
    with pytest.raises(NotEnoughData):
        total_variation({}, {"a": 1})
    with pytest.raises(InvalidInput, match="'hour' is not given"):
        distances({"hour": "number"}, {}, {})
