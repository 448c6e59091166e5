"""The tail of a distribution is told right where it is known, and steadier than by its furthest values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.drift.tails import exceeded_once_in


@pytest.mark.parametrize("times", [4, 20, 90, 365])
def test_an_exponential_tail_is_known(times: float) -> None:
    evenly = -np.log((np.arange(20_000) + 0.5) / 20_000)
    assert exceeded_once_in(3.0 + 2.0 * evenly, times) == pytest.approx(3.0 + 2.0 * math.log(times), rel=0.002)


def test_the_furthest_of_many_distances_is_exceeded_as_often_as_was_asked() -> None:
    """The greatest of 200 normal deviations, either way: its tail is nearly exponential."""
    rng = np.random.default_rng(1)
    drawn, fresh = (np.abs(rng.normal(size=(4_000, 200))).max(axis=1) for _ in range(2))
    assert np.mean(fresh > exceeded_once_in(drawn, 90)) == pytest.approx(1 / 90, rel=0.4)


def test_it_varies_less_than_the_quantile_and_lies_where_it_does() -> None:
    drawn = np.random.default_rng(2).exponential(size=(400, 360))
    fitted, seen = [exceeded_once_in(one, 90) for one in drawn], np.quantile(drawn, 1 - 1 / 90, axis=1)
    assert np.mean(fitted) == pytest.approx(math.log(90), rel=0.02)
    assert np.std(fitted) < 0.8 * np.std(seen)


def test_a_common_event_is_told_by_the_quantile_itself() -> None:
    assert exceeded_once_in(np.arange(101.0), 2) == 50.0
    assert exceeded_once_in(np.ones(5), 90) == 1.0


def test_what_has_no_tail_is_refused() -> None:
    with pytest.raises(NotEnoughData):
        exceeded_once_in([], 90)
    for values, times in (([1.0, np.nan], 90), ([1.0], 1.0), ([1.0], np.nan)):
        with pytest.raises(InvalidInput):
            exceeded_once_in(values, times)
