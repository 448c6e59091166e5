"""Counting into bins gives what looking each value up gives, however it is done."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.drift.binning import counts_between
from tests.harness.examples import examples

NUMBERS = st.one_of(st.floats(width=32), st.floats(), st.sampled_from([0.0, 1.0, 2.0, -0.0, 0.1, math.inf, math.nan]))


@given(
    st.lists(NUMBERS, max_size=30),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=12, unique=True),
    st.sampled_from([1, 40, 2_000]),
    st.sampled_from([np.float64, np.float32, np.int64, object]),
)
def test_counting_is_looking_each_value_up(values: list[float], edges: list[float], times: int, kind: type) -> None:
    """Whatever the number of values, and so whichever way is taken."""
    whole = [value for value in values if abs(value) < 2**40] if kind is np.int64 else values
    with np.errstate(over="ignore"):
        given_values = np.array(whole * times, dtype=np.float64).astype(kind)
    bins = np.array(sorted(edges))
    numbers = given_values.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    looked_up = np.bincount(np.searchsorted(bins, known, side="left"), minlength=bins.size + 1)
    assert counts_between(given_values, bins).tolist() == looked_up.tolist()


def test_counting_is_right_across_chunks_and_with_very_many_edges() -> None:
    values = np.random.default_rng(3).normal(size=examples(100_000))
    values[::7] = np.nan
    for many in (1, 20, 150):
        edges = np.linspace(-2, 2, many)
        known = values[~np.isnan(values)]
        looked_up = np.bincount(np.searchsorted(edges, known), minlength=many + 1)
        assert counts_between(values, edges).tolist() == looked_up.tolist()
