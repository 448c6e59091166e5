"""Bounds of bounded means hold at every look, where an interval for one look is soon wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.stats.looks.arms import difference_by_block
from homeostat.stats.looks.bernstein import MovingMean
from homeostat.stats.looks.betting import BoundedMean
from homeostat.stats.looks.bounded import Bounded
from tests.harness.examples import examples

UNIT = Bounded(0.0, 1.0)
BLOCK = st.tuples(st.floats(0, 1), st.integers(1, 50))


def _no_more_than(misses: int, streams: int, alpha: float) -> bool:
    """A one-sided binomial test at 1 in 1,000 does not say that streams are missed more often than ``alpha``."""
    return bool(reference.binomtest(misses, streams, alpha, alternative="greater").pvalue > 0.001)


def _ever_refuted(parts: np.ndarray, sizes: np.ndarray, mean: float, alpha: float) -> np.ndarray:
    """Which streams (rows of the table) refute their own mean at any look: exactly when an interval leaves it out."""
    bounded = Bounded(0.0, 1.0, largest=float(sizes.max()))
    budget, refuted = np.log(2.0 / alpha), []
    for sums, rows in zip(parts, sizes, strict=True):
        stream = BoundedMean(bounded).seen(sums, rows)
        most = max(stream.log_wealth_above(mean).max(), stream.log_wealth_below(mean).max())
        refuted.append(most > budget)
    return np.array(refuted)


def _naive_refuted(values: np.ndarray, mean: float) -> np.ndarray:
    """Which streams of block means a fixed 95 % t-interval, looked at after every block from the tenth, leaves out."""
    looks = np.arange(1, values.shape[1] + 1)
    means = np.cumsum(values, axis=1) / looks
    variance = (np.cumsum(values**2, axis=1) - looks * means**2) / np.maximum(looks - 1, 1)
    reach = reference.t.ppf(0.975, np.maximum(looks - 1, 1)) * np.sqrt(np.maximum(variance, 0) / looks)
    return np.asarray((np.abs(means - mean) > reach)[:, 9:].any(axis=1))


@pytest.mark.parametrize(("kind", "mean"), [("rare", 0.1), ("beta", 0.8), ("coin", 0.5)])
def test_over_all_looks_the_mean_is_missed_no_more_often_than_promised(kind: str, mean: float) -> None:
    rng = np.random.default_rng(2024)
    shape = (2_000, 150)
    values = rng.beta(8, 2, shape) if kind == "beta" else (rng.random(shape) < mean).astype(float)
    misses = int(_ever_refuted(values, np.ones(shape), mean, 0.1).sum())
    assert _no_more_than(misses, 2_000, 0.1)
    assert misses > 0
    assert _naive_refuted(values, mean).mean() > 0.2


def test_the_row_weighted_mean_is_covered_when_large_blocks_are_worse() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.integers(20, 200, (2_000, 80)).astype(float)
    rate = 0.9 - 0.4 * sizes / 200
    sums = rng.binomial(sizes.astype(int), np.clip(rate + rng.normal(0, 0.05, sizes.shape), 0, 1)).astype(float)
    grid = np.arange(20, 200)
    target = float((grid * (0.9 - 0.4 * grid / 200)).sum() / grid.sum())
    assert _no_more_than(int(_ever_refuted(sums, sizes, target, 0.05).sum()), 2_000, 0.05)
    of_means = float((0.9 - 0.4 * grid / 200).mean())
    assert abs(of_means - target) > 0.04
    assert _ever_refuted(sums, sizes, of_means, 0.05).mean() > 0.5


def test_a_moving_mean_is_covered_on_average() -> None:
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(300):
        path = 0.5 + 0.3 * np.sin(np.arange(120) / 17 + rng.uniform(0, 6))
        values = (rng.random(120) < path).astype(float)
        state = MovingMean(UNIT)
        ever = False
        for at in range(0, 120, 20):
            state = state.seen(values[at : at + 20], np.ones(20))
            found = state.interval(confidence=0.9)
            ever |= not found.low <= path[: at + 20].mean() <= found.high
        missed += ever
    assert _no_more_than(missed, 300, 0.1)


def test_with_correlated_rows_blocks_cover_and_rows_do_not() -> None:
    rng = np.random.default_rng(5)
    weather = rng.beta(1, 1, (200, 60, 1))
    rows = (rng.random((200, 60, 20)) < weather).astype(float)
    by_block = _ever_refuted(rows.mean(axis=2), np.ones((200, 60)), 0.5, 0.05).sum()
    by_row = _ever_refuted(rows.reshape(200, -1), np.ones((200, 1_200)), 0.5, 0.05).sum()
    assert _no_more_than(int(by_block), 200, 0.05)
    assert by_row > 100


@settings(max_examples=examples(40))
@given(st.lists(BLOCK, min_size=1, max_size=30), st.floats(0.5, 0.99))
def test_bounds_hold_the_estimate_and_widen_with_confidence(blocks: list[tuple[float, int]], sure: float) -> None:
    sums, sizes = [mean * rows for mean, rows in blocks], [rows for _, rows in blocks]
    for kind in (BoundedMean, MovingMean):
        state = kind(Bounded(0.0, 1.0, largest=50)).seen(sums, sizes)
        inner, outer = state.interval(confidence=sure), state.interval(confidence=(1 + sure) / 2)
        assert 0.0 <= outer.low <= inner.low <= inner.value <= inner.high <= outer.high <= 1.0
        assert inner.value == pytest.approx(sum(sums) / sum(sizes), abs=1e-9)
        assert (inner.blocks, inner.rows) == (len(sums), sum(sizes))


@settings(max_examples=examples(25))
@given(st.lists(BLOCK, min_size=2, max_size=30), st.data())
def test_a_mean_does_not_depend_on_the_order_or_the_parts_its_blocks_came_in(
    blocks: list[tuple[float, int]], data: Any
) -> None:
    empty = BoundedMean(Bounded(0.0, 1.0, largest=50))
    sums, sizes = np.array([mean * rows for mean, rows in blocks]), np.array([rows for _, rows in blocks])
    cut = data.draw(st.integers(0, len(blocks)))
    order = np.array(data.draw(st.permutations(range(len(blocks)))))
    whole = empty.seen(sums, sizes)
    assert empty.seen(sums[:cut], sizes[:cut]) + empty.seen(sums[cut:], sizes[cut:]) == whole
    other = empty.seen(sums[order], sizes[order]).interval()
    assert (other.low, other.high) == pytest.approx((whole.interval().low, whole.interval().high), abs=1e-9)


@settings(max_examples=examples(25))
@given(st.lists(BLOCK, min_size=1, max_size=20), st.floats(-5, 5), st.floats(0.1, 10))
def test_units_do_not_matter(blocks: list[tuple[float, int]], low: float, width: float) -> None:
    sums, sizes = np.array([mean * rows for mean, rows in blocks]), np.array([rows for _, rows in blocks])
    for kind in (BoundedMean, MovingMean):
        plain = kind(Bounded(0.0, 1.0, largest=50)).seen(sums, sizes).interval()
        moved = kind(Bounded(low, low + width, largest=50)).seen(low * sizes + width * sums, sizes).interval()
        expected = [low + width * one for one in (plain.low, plain.value, plain.high)]
        assert [moved.low, moved.value, moved.high] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", [BoundedMean, MovingMean])
def test_a_state_survives_json_and_goes_on_as_if_never_stored(kind: Any) -> None:
    rng = np.random.default_rng(3)
    sums, sizes = rng.random(9) * 5, np.full(9, 5.0)
    empty = kind(Bounded(0.0, 1.0, largest=5))
    half = empty.seen(sums[:4], sizes[:4])
    assert kind.from_json(half.to_json()) == half
    later, whole = kind.from_json(half.to_json()).seen(sums[4:], sizes[4:]), empty.seen(sums, sizes)
    assert later.interval().low == pytest.approx(whole.interval().low, abs=1e-12)


def test_an_average_in_one_go_is_the_same_as_block_by_block() -> None:
    rng = np.random.default_rng(4)
    values, step = rng.random(20), MovingMean(UNIT)
    for value in values:
        step = step.seen([value], [1.0])
    whole = MovingMean(UNIT).seen(values, np.ones(20))
    assert (step.blocks, step.total, step.spread) == pytest.approx((20, whole.total, whole.spread))


@pytest.mark.parametrize("kind", [BoundedMean, MovingMean])
def test_what_breaks_a_promise_is_refused_and_nothing_is_no_interval(kind: Any) -> None:
    empty = kind(Bounded(0.0, 1.0, largest=10))
    for sums, sizes in [([11.0], [11]), ([6.0], [5]), ([-0.1], [5]), ([float("nan")], [5]), ([1.0], [5, 5])]:
        with pytest.raises(InvalidInput):
            empty.seen(sums, sizes)
    with pytest.raises(NotEnoughData):
        empty.seen([0.0], [0]).interval()
    with pytest.raises(InvalidInput):
        empty.seen([1.0], [5]).interval(confidence=1.0)
    with pytest.raises(Conflict):
        empty + kind(UNIT)
    with pytest.raises(InvalidInput):
        kind.from_json({"bounded": {"low": 0.0, "high": 1.0}})
    with pytest.raises(InvalidInput):
        kind.from_json({})


@pytest.mark.parametrize("wrong", [{"total": float("nan")}, {"rows": 7.0}, {"spread": -1.0}, {"blocks": "few"}])
def test_sums_that_no_blocks_have_are_not_read(wrong: dict[str, object]) -> None:
    state = MovingMean(UNIT).seen([0.5, 0.7], [1, 1])
    with pytest.raises(InvalidInput):
        MovingMean.from_json({**state.to_json(), **wrong})


def test_over_all_looks_differences_of_arms_are_missed_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(23)
    weather = rng.uniform(0.2, 0.6, (400, 60))
    sizes = rng.integers(20, 100, (2, 400, 60))
    first, second = rng.binomial(sizes[0], weather + 0.3), rng.binomial(sizes[1], weather)
    promise, missed = Bounded(0.0, 1.0, largest=100), 0
    for stream in range(400):
        blocks = difference_by_block((first[stream], sizes[0, stream]), (second[stream], sizes[1, stream]), promise)
        most = max(blocks.log_wealth_above(0.3).max(), blocks.log_wealth_below(0.3).max())
        missed += most > np.log(2 / 0.1)
    assert _no_more_than(missed, 400, 0.1)


@pytest.mark.parametrize("limits", [(1.0, 1.0, 1.0), (0.0, float("inf"), 1.0), (0.0, 1.0, 0.0)])
def test_an_empty_promise_is_refused(limits: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidInput):
        Bounded(*limits)


def test_what_both_arms_share_in_a_day_cancels_by_block() -> None:
    rng = np.random.default_rng(17)
    weather = rng.uniform(0.3, 0.7, 100)
    first, second = 50 * (weather + 0.1), 40 * weather
    promise = Bounded(0.0, 1.0, largest=50)
    by_block = difference_by_block((first, [50] * 100), (second, [40] * 100), promise).interval()
    assert 0.04 < by_block.low < by_block.value < by_block.high
    assert by_block.value == pytest.approx(0.1)


def test_a_block_without_one_of_the_arms_says_nothing_of_their_difference() -> None:
    found = difference_by_block(([3.0, 9.0], [10, 10]), ([1.0, 0.0], [10, 0]), Bounded(0.0, 1.0, largest=10))
    assert found.interval().blocks == 1
    with pytest.raises(InvalidInput):
        difference_by_block(([3.0], [10]), ([1.0, 0.0], [10, 0]), Bounded(0.0, 1.0, largest=10))
    with pytest.raises(InvalidInput):
        difference_by_block(([3.0], [10, 2]), ([1.0], [10]), Bounded(0.0, 1.0, largest=10))
