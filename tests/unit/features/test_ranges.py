from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from homeostat.features.ranges import Ranges

numbers = st.one_of(
    st.none(),
    st.sampled_from([1e15, -1e15, 1e9, -1e9, 0.1, 1e-6]),
    st.floats(-1e12, 1e12, allow_nan=False),
)


@given(st.lists(numbers, max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1))
def test_every_range_gets_what_looking_at_its_values_gives(values, pairs):
    bounds = [sorted(min(end, len(values)) for end in pair) for pair in pairs]
    low, high = (np.array(side, dtype=np.int64) for side in zip(*bounds, strict=True))
    column = Ranges(np.array([math.nan if value is None else value for value in values], dtype=float))
    inside = [[value for value in values[begin:end] if value is not None] for begin, end in bounds]
    total, rest = column.total(low, high)
    assert np.allclose(total + rest, [math.fsum(some) for some in inside], rtol=1e-9, atol=1e-12)
    assert column.present(low, high).tolist() == [len(some) for some in inside]
    assert column.least(low, high).tolist() == [min(some, default=math.inf) for some in inside]
    assert column.greatest(low, high).tolist() == [max(some, default=-math.inf) for some in inside]


def test_a_total_keeps_what_cancels_between_the_levels_of_its_prefixes():
    values = np.array([1e15, 0.1, 1e-6, -1e15, 1e9, 1e-6, -1e9])
    column = Ranges(values)
    pairs = [(low, high) for low in range(8) for high in range(low, 8)]
    low, high = (np.array(side) for side in zip(*pairs, strict=True))
    total, rest = column.total(low, high)
    exact = np.array([math.fsum(values[begin:end]) for begin, end in pairs])
    assert np.all(np.abs(total + rest - exact) <= 1e-12 * np.abs(exact))
