"""Figures of the plan are those of the books, and plans keep their promise on drawn data."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.intervals import block_mean, block_mean_from_sums
from homeostat.stats.looks.watched import every_look, fixed_look
from homeostat.stats.power import (
    Clusters,
    detectable_change,
    detection,
    detection_delay,
    labels_for_change,
    labels_per_arm,
)
from tests.harness.examples import examples


def test_the_sample_size_of_two_arms_is_the_worked_one() -> None:
    variance = 0.05 * (1 - 0.05)
    assert labels_per_arm(variance, 0.001, alpha=0.05, power=0.8) == 745644
    assert detectable_change(variance, 25_000) == pytest.approx(0.005461294992080773, rel=1e-6)


@pytest.mark.parametrize(("labels", "rate", "expected"), [(1_000, 1.0, 1_000), (1_000, 100, 10)])
def test_the_delay_of_detection_is_the_worked_one(labels: int, rate: float, expected: float) -> None:
    assert detection_delay(labels, rate) == expected


@settings(max_examples=examples(40))
@given(st.floats(0.01, 5), st.floats(0.001, 1), st.floats(0.01, 0.2), st.floats(0.5, 0.99))
def test_size_and_change_undo_one_another_and_more_asked_costs_more(
    variance: float, change: float, alpha: float, power: float
) -> None:
    labels = labels_per_arm(variance, change, alpha=alpha, power=power)
    assert detectable_change(variance, labels, alpha=alpha, power=power) <= change * (1 + 1e-9)
    assert labels_per_arm(variance, change / 2, alpha=alpha, power=power) >= labels
    assert labels_per_arm(variance, change, alpha=alpha / 2, power=power) >= labels
    assert labels_for_change(variance, change, alpha=alpha, power=power, design_effect=3.0) >= labels_for_change(
        variance, change, alpha=alpha, power=power
    )


def test_with_the_planned_labels_the_planned_share_of_drops_is_seen() -> None:
    rng = np.random.default_rng(1)
    labels = labels_for_change(0.8 * 0.2, 0.05, power=0.8)
    rates = rng.binomial(labels, 0.75, 20_000) / labels
    bar = 0.8 - reference.norm.ppf(0.95) * math.sqrt(0.16 / labels)
    assert np.mean(rates < bar) == pytest.approx(0.8, abs=0.03)


def _days(rng: np.random.Generator, days: int, rows: int, rate: float, spread: float, streams: int) -> np.ndarray:
    """Sums of days whose rate varies with standard deviation ``spread``."""
    odds = rate * (1 - rate) / spread**2 - 1
    return np.asarray(rng.binomial(rows, rng.beta(rate * odds, (1 - rate) * odds, (streams, days))), dtype=np.float64)


def test_with_the_planned_days_the_planned_share_of_drops_is_seen_by_blocks() -> None:
    rng = np.random.default_rng(3)
    plan = detection(Clusters(0.04, 400, 0.16, 500), 0.05, power=0.8, label_delay=2.0)
    after = _days(rng, plan.blocks, 400, 0.75, 0.08, 4_000)
    means = after / 400
    error = means.std(axis=1, ddof=1) / math.sqrt(plan.blocks)
    bar = 0.8 + reference.t.ppf(0.05, plan.blocks - 1) * error
    assert 10 < plan.blocks < 30
    assert np.mean(means.mean(axis=1) < bar) == pytest.approx(0.8, abs=0.04)
    assert plan.days == plan.blocks + 2.0
    by_rows = labels_for_change(0.8 * 0.2, 0.05) / 400
    assert by_rows < plan.blocks / 10


def test_more_traffic_hardly_helps_where_rows_of_a_day_are_alike() -> None:
    few, many = (detection(Clusters(0.05, size, 0.16, 90), 0.05) for size in (500, 50_000))
    assert few.blocks - many.blocks <= 2
    assert many.labels > 50 * few.labels


def test_what_says_nothing_is_unknown() -> None:
    for call in (
        partial(detectable_change, 0.1, 0),
        partial(detection_delay, 10, 0),
    ):
        with pytest.raises(NotEnoughData):
            call()


def test_what_makes_no_sense_is_refused() -> None:
    plain = Clusters(0.1, 10.0, 0.2, 10)
    for call in (
        partial(labels_per_arm, 0.1, 0.0),
        partial(labels_per_arm, -0.1, 0.1),
        partial(labels_per_arm, float("nan"), 0.1),
        partial(labels_per_arm, 0.1, 0.1, alpha=0.0),
        partial(labels_for_change, 0.1, 0.1, power=1.0),
        partial(labels_for_change, 0.1, 0.1, design_effect=0.5),
        partial(detection_delay, 10, -1.0),
        partial(detection, plain, 0.1, label_delay=-1.0),
        partial(detection, plain, float("inf")),
    ):
        with pytest.raises(InvalidInput):
            call()


def test_plans_can_be_stored() -> None:
    alike = Clusters(0.1, 11.0, 0.2, 10)
    assert alike.design_effect == pytest.approx(2.0)
    found = detection(alike, 0.1, block_days=7.0)
    assert found.to_json()["days"] == 7.0 * found.blocks
    assert detection(Clusters(0.0, 1e9, 0.1, 9), 0.5, block_days=1 / 3).sentence("rise") == (
        "a 50-point rise would take 1 day to see"
    )


def test_fixed_looks_share_one_error_budget_and_a_single_look_again_and_again_does_not() -> None:
    rng = np.random.default_rng(5)
    corrected = alone = 0
    for values in rng.normal(size=(300, 120)):
        ever, naive = False, False
        for look in range(1, 13):
            seen = values[: 10 * look]
            found = fixed_look(partial(block_mean, seen, np.arange(seen.size)), look=look, confidence=0.9).interval
            ever |= not found.low <= 0.0 <= found.high
            plain = block_mean(seen, np.arange(seen.size), confidence=0.9)
            naive |= not plain.low <= 0.0 <= plain.high
        corrected, alone = corrected + ever, alone + naive
    assert reference.binomtest(corrected, 300, 0.1, alternative="greater").pvalue > 0.001
    assert alone / 300 > 0.25


def test_a_look_says_what_it_promises() -> None:
    mean = partial(block_mean_from_sums, [3.0, 5.0, 4.0], [10, 10, 10])
    assert fixed_look(mean, look=3, looks=10).interval.confidence == pytest.approx(0.995)
    assert fixed_look(mean, look=1).interval.confidence == pytest.approx(0.975)
    always = every_look(mean, look=4)
    assert (always.guarantee, always.interval.confidence) == ("every_look", 0.95)
    assert always.to_json()["look"] == 4
    for look, looks in ((11, 10), (0, 10), (0, None)):
        with pytest.raises(InvalidInput):
            fixed_look(mean, look=look, looks=looks)
    with pytest.raises(InvalidInput):
        fixed_look(mean, look=1, confidence=1.0)
