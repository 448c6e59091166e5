"""The moment of a change is found and bounded, and what is no change seldom looks like one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as reference
from scipy.signal import lfilter

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.changes.changepoint import Change, change_point
from homeostat.stats.changes.cusum import Cusum


def _found(values: np.ndarray, seed: int = 0, length: int = 1, draws: int = 199) -> Change:
    rng = np.random.default_rng(seed)
    return change_point(values, np.ones(values.size), rng=rng, length=length, draws=draws)


def test_the_moment_is_the_split_that_least_squares_likes_best() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        sizes = rng.integers(10, 90, 40).astype(float)
        means = rng.normal(size=40) + (np.arange(40) >= 25)
        costs = {}
        for cut in range(3, 38):
            parts = (slice(cut), slice(cut, None))
            levels = [np.average(means[part], weights=sizes[part]) for part in parts]
            costs[cut] = sum(
                float((sizes[part] * (means[part] - level) ** 2).sum())
                for part, level in zip(parts, levels, strict=True)
            )
        found = change_point(means * sizes, sizes, rng=rng, draws=1)
        assert found.at == min(costs, key=lambda cut: costs[cut])


def test_bounds_hold_the_moment_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = seen = 0
    for seed in range(150):
        found = _found(rng.normal(size=80) + 1.5 * (np.arange(80) >= 50), seed)
        held += found.earliest <= 50 <= found.latest
        seen += found.p_value < 0.05
        assert found.earliest <= found.at <= found.latest
    assert seen == 150
    assert held / 150 > 0.9


def test_without_change_small_p_values_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(3)
    fooled = sum(_found(one, seed).p_value <= 0.05 for seed, one in enumerate(rng.normal(size=(300, 60))))
    assert reference.binomtest(fooled, 300, 0.05, alternative="greater").pvalue > 0.001


def test_memory_looks_like_change_unless_runs_are_drawn() -> None:
    rng = np.random.default_rng(4)
    streams = lfilter([1.0], [1.0, -0.6], rng.normal(size=(200, 160)), axis=1)[:, 40:]
    single = np.mean([_found(one, seed).p_value <= 0.05 for seed, one in enumerate(streams)])
    runs = np.mean([_found(one, seed, length=20).p_value <= 0.05 for seed, one in enumerate(streams)])
    assert single > 0.3
    assert runs < 0.11


def test_levels_are_row_weighted_and_empty_blocks_keep_their_place() -> None:
    sizes = np.array([10, 0, 30, 10, 10, 10, 0, 20, 20, 10, 10])
    means = np.array([0.5, 0, 0.5, 0.51, 0.5, 0.5, 0, 0.8, 0.8, 0.81, 0.8])
    found = change_point(means * sizes, sizes, rng=np.random.default_rng(5))
    assert (found.at, found.blocks) == (7, 9)
    assert found.size == pytest.approx(
        np.average(means[7:], weights=sizes[7:]) - np.average(means[:6], weights=sizes[:6])
    )
    assert found.to_json()["at"] == 7


def test_the_seed_decides() -> None:
    values = np.random.default_rng(6).normal(size=30)
    assert _found(values, 1) == _found(values, 1)


def test_no_moment_where_nothing_can_be_told_apart() -> None:
    for values in (np.ones(20), np.arange(5.0)):
        with pytest.raises(NotEnoughData):
            _found(values)
    with pytest.raises(NotEnoughData):
        _found(np.arange(8.0), length=5)
    with pytest.raises(InvalidInput):
        _found(np.arange(20.0), draws=0)


def test_a_cusum_alarms_falsely_as_seldom_as_the_tables_say_and_sees_one_deviation_in_ten_blocks() -> None:
    rng = np.random.default_rng(7)
    calm = rng.normal(size=200_000)
    assert calm.size / len(Cusum(0.0, 1.0).alarms(calm)) == pytest.approx(465, rel=0.12)
    delays = [Cusum(0.0, 1.0).alarms(one)[0] + 1 for one in rng.normal(size=(500, 200)) + 1.0]
    assert np.mean(delays) == pytest.approx(10.4, rel=0.06)
