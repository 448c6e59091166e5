"""Blocks are as long as the figures' own memory asks, and intervals that use them cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.blocks import choose_block
from homeostat.stats.bootstrap import Kind, block_bootstrap, bootstrap_interval, resampled
from homeostat.stats.intervals import block_mean, block_mean_from_sums
from tests.harness.examples import examples


def _mean(total: np.ndarray) -> float:
    return float(total[0] / total[1])


def _remembering(rng: np.random.Generator, steps: int, memory: float, streams: int = 1) -> np.ndarray:
    """Stationary first-order autoregressive streams of variance 1."""
    noise = rng.normal(size=(streams, steps)) * np.sqrt(1 - memory**2)
    noise[:, 0] = rng.normal(size=streams)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise))


def test_chosen_blocks_grow_with_memory_and_are_left_with_little_correlation() -> None:
    rng = np.random.default_rng(1)
    lengths = []
    for memory in (0.0, 0.8, 0.97):
        found = choose_block(_remembering(rng, 6_000, memory)[0], np.ones(6_000))
        assert all(not one.within_noise for one in found.seen[:-1])
        assert found.seen[-1].within_noise
        assert found.blocks == 6_000 // found.length
        lengths.append(found.length)
    assert lengths[0] <= 4 < lengths[1] < lengths[2]


def test_intervals_of_chosen_blocks_cover_where_those_of_rows_are_several_times_too_narrow() -> None:
    rng = np.random.default_rng(2)
    covered_by_block, covered_by_row, ratios, refused = [], [], [], 0
    for stream in _remembering(rng, 24 * 180, 0.9, streams=120):
        try:
            chosen = choose_block(stream, np.ones(stream.size), unit=24)
        except NotEnoughData:
            refused += 1
            continue
        block = block_mean(stream, np.arange(stream.size) // chosen.length)
        row = block_mean(stream, np.arange(stream.size))
        covered_by_block.append(abs(block.value) <= chosen.inflation * (block.high - block.value))
        covered_by_row.append(row.low <= 0.0 <= row.high)
        ratios.append((block.high - block.low) / (row.high - row.low))
    assert np.mean(covered_by_block) > 0.9
    assert np.mean(covered_by_row) < 0.5
    assert np.median(ratios) > 3.0
    assert refused <= 6


def test_blocks_are_whole_units_and_the_oldest_ragged_steps_are_left_out() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=24 * 40 + 7)
    found = choose_block(values, np.ones(values.size), unit=24)
    assert found.length % 24 == 0
    later = choose_block(values[7:], np.ones(24 * 40), unit=24)
    assert (found.length, found.blocks) == (later.length, later.blocks)


def test_the_correlation_seen_is_that_of_residuals_not_of_sizes() -> None:
    rng = np.random.default_rng(4)
    busy = 100 * (1.5 + _remembering(rng, 400, 0.95)[0].clip(-1, 1))
    found = choose_block(0.3 * busy + rng.normal(size=400), busy)
    assert found.length <= 5
    assert abs(found.seen[0].correlation) < 0.2


def test_a_history_too_short_too_constant_or_trending_gives_no_block() -> None:
    cases = (np.arange(10.0), np.ones(300), np.arange(300.0))
    for values in cases:
        with pytest.raises(NotEnoughData):
            choose_block(values, np.ones(values.size))
    with pytest.raises(NotEnoughData):
        choose_block(np.zeros(300), np.zeros(300))
    with pytest.raises(InvalidInput):
        choose_block([1.0, float("nan")], [1, 1])
    with pytest.raises(InvalidInput):
        choose_block(np.arange(300.0), np.ones(300), unit=0)


def test_the_choice_says_what_it_saw() -> None:
    found = choose_block(_remembering(np.random.default_rng(5), 4_000, 0.7)[0], np.ones(4_000))
    shown = found.to_json()
    assert shown["length"] == found.length
    assert len(found.seen) == found.length
    assert found.inflation >= 1.0
    assert [one["length"] for one in shown["seen"]] == list(range(1, found.length + 1))  # type: ignore[attr-defined]


@settings(max_examples=examples(30))
@given(st.integers(6, 40), st.integers(1, 3), st.sampled_from(["circular", "stationary"]), st.integers(0, 99))
def test_runs_keep_neighbours_and_the_seed_decides(blocks: int, length: int, kind: Kind, seed: int) -> None:
    places = resampled(blocks, length=length, draws=7, rng=np.random.default_rng(seed), kind=kind)
    again = resampled(blocks, length=length, draws=7, rng=np.random.default_rng(seed), kind=kind)
    assert places.shape == (7, blocks)
    assert (places == again).all()
    assert places.min() >= 0
    assert places.max() < blocks
    follows = (places[:, 1:] - places[:, :-1]) % blocks == 1
    if kind == "circular":
        inside = np.arange(1, blocks) % length != 0
        assert follows[:, inside].all()


def test_every_block_is_drawn_alike_and_stationary_runs_have_their_mean_length() -> None:
    places = resampled(50, length=5, draws=4_000, rng=np.random.default_rng(7), kind="stationary")
    times = np.bincount(places.ravel(), minlength=50) / places.size * 50
    assert times == pytest.approx(np.ones(50), abs=0.1)
    broken = (places[:, 1:] - places[:, :-1]) % 50 != 1
    assert broken.mean() == pytest.approx(1 / 5, abs=0.01)


def test_without_memory_the_bootstrap_spreads_as_the_formula_for_blocks_does() -> None:
    rng = np.random.default_rng(8)
    sizes = rng.integers(50, 150, 200).astype(float)
    sums = sizes * (0.4 + rng.normal(0, 0.05, 200))
    drawn = block_bootstrap(_mean, np.column_stack([sums, sizes]), length=1, draws=3_000, rng=rng)
    found = block_mean_from_sums(sums, sizes)
    assert drawn.std() == pytest.approx((found.high - found.low) / 2 / 1.972, rel=0.06)


def test_with_memory_long_runs_cover_and_single_blocks_do_not() -> None:
    rng = np.random.default_rng(9)
    covered = {1: 0, 12: 0}
    for stream in _remembering(rng, 240, 0.7, streams=120):
        table = np.column_stack([stream, np.ones(240)])
        for length in covered:
            found = bootstrap_interval(_mean, table, rows=240, length=length, draws=300, rng=rng)
            covered[length] += found.low <= 0.0 <= found.high
    assert covered[12] / 120 > 0.85
    assert covered[1] / 120 < 0.7


def test_the_bootstrap_refuses_what_it_cannot_draw() -> None:
    rng = np.random.default_rng(10)
    with pytest.raises(NotEnoughData):
        resampled(5, length=3, draws=1, rng=rng)
    with pytest.raises(InvalidInput):
        resampled(5, length=0, draws=1, rng=rng)
    with pytest.raises(InvalidInput):
        block_bootstrap(_mean, [1.0, 2.0], length=1, draws=5, rng=rng)
    with pytest.raises(InvalidInput):
        bootstrap_interval(_mean, [[1.0, 2.0]] * 5, rows=10, length=1, draws=5, rng=rng, confidence=0.0)
    with pytest.raises(NotEnoughData):
        bootstrap_interval(lambda total: float("nan"), [[1.0, 2.0]] * 5, rows=10, length=1, draws=5, rng=rng)
