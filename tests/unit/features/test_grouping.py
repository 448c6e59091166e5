"""Rows are grouped bit by bit as they are, whatever they hold."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from homeostat.features.grouping import by_entity

whole = st.integers(-(2**63), 2**63 - 1)
facts = st.lists(st.tuples(st.integers(-1, 4), whole, whole), max_size=40)
NOT_A_NUMBER, TINY = 0x7FF0_0000_0000_0001, 1
"""What these bits would be, read as doubles."""


@given(facts, st.randoms(use_true_random=False))
@example([(0, 2**63 - 1, -(2**63)), (-1, 2, 2), (0, NOT_A_NUMBER, TINY)], Random(0))
def test_it_is_a_stable_sort_that_moves_every_bit(rows: list[tuple[int, int, int]], chance: Random) -> None:
    entity, one, other = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    shuffled = np.array(chance.sample(range(len(rows)), len(rows)), dtype=np.int64)
    for order in (None, shuffled):
        found = by_entity(entity, one, other, order)
        before = np.arange(len(rows)) if order is None else order
        expected = before[np.argsort(entity[before], kind="stable")]
        expected = expected[entity[expected] >= 0]
        assert found.place.tolist() == expected.tolist()
        assert found.entity.tolist() == entity[expected].tolist()
        assert found.one.tolist() == one[expected].tolist()
        assert found.other.tolist() == other[expected].tolist()
