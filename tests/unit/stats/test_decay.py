"""Decay: planted rates are found within their bounds as often as is said, and what is no exponential is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.changes.ageing import age_curve
from homeostat.stats.changes.decay import Aged, fit_decay


def weekly(rng: np.random.Generator, weeks: int, versions: int, rate: float, noise: float = 0.02) -> Aged:
    """Versions trained one after the other, all scored on from then; each week has its own weather for all of them."""
    weather, parts = rng.normal(0, noise, weeks), []
    for number in range(versions):
        begins = number * weeks // (versions + 1)
        week = np.arange(begins, weeks)
        age = 7.0 * (week - begins)
        quality = (0.3 + 0.02 * number) * np.exp(-rate * age) + weather[week] + rng.normal(0, noise, week.size)
        parts.append((np.full(week.size, f"v{number}"), age, quality, np.full(week.size, 500), week * 7))
    return Aged.of(*(np.concatenate(side) for side in zip(*parts, strict=True)))


@pytest.mark.parametrize(
    ("weeks", "versions", "rate"), [(26, 1, 0.01), (26, 3, 0.01), (52, 4, 0.005), (12, 1, 0.01), (20, 2, 0.0)]
)
def test_the_planted_rate_lies_within_its_bounds_as_often_as_they_promise(
    weeks: int, versions: int, rate: float
) -> None:
    rng, covered, rates = np.random.default_rng(11), 0, []
    for _ in range(150):
        found = fit_decay(weekly(rng, weeks, versions, rate)).rate
        covered += found.low <= rate <= found.high
        rates.append(found.value)
    assert covered >= 132, "95 % of 150 are 142; 132 is more than three standard errors below"
    assert np.mean(rates) == pytest.approx(rate, abs=6e-4)


def test_an_exponential_is_rarely_said_not_to_fit() -> None:
    rng = np.random.default_rng(5)
    fits = [fit_decay(weekly(rng, 26, versions, 0.01)).fit.fits for versions in (1, 2) for _ in range(100)]
    assert fits.count(False) <= 20


def test_a_step_is_told_from_an_exponential_and_its_curve_keeps_it() -> None:
    rng, told = np.random.default_rng(3), 0
    for _ in range(40):
        age = 7.0 * np.arange(26)
        quality = np.where(age < 120, 0.3, 0.15) + rng.normal(0, 0.02, 26)
        seen = Aged.of(["v1"] * 26, age, quality, [500] * 26, age.astype(int))
        told += fit_decay(seen).fit.fits is False
    assert told >= 36
    curve = age_curve(seen)
    assert curve.start == pytest.approx(0.3, abs=0.04)
    assert np.interp([100, 150], curve.ages, curve.kept) == pytest.approx([1.0, 0.5], abs=0.15)
    assert np.all(np.diff(curve.kept) <= 1e-12)


def test_a_curve_goes_below_nothing_where_old_versions_do_harm() -> None:
    age = 7.0 * np.arange(10)
    curve = age_curve(Aged.of(["v1"] * 10, age, 0.3 - 0.01 * age, [9] * 10, age.astype(int)))
    assert curve.kept[-1] == pytest.approx((0.3 - 0.63) / 0.3, abs=0.01)
    with pytest.raises(NotEnoughData, match="no skill is left"):
        curve.since(40.0)


def test_quality_that_rises_has_a_rate_below_zero_and_no_half_life() -> None:
    age = 7.0 * np.arange(20)
    found = fit_decay(Aged.of(["v1"] * 20, age, 0.2 * np.exp(0.003 * age), [9] * 20, age.astype(int)))
    assert found.rate.value == pytest.approx(-0.003, abs=1e-5)
    assert found.half_life is None


def test_without_noise_the_rate_is_exact_and_each_version_has_its_own_start() -> None:
    found = fit_decay(weekly(np.random.default_rng(0), 30, 3, 0.02, noise=0.0))
    assert found.rate.value == pytest.approx(0.02, rel=1e-3)
    assert found.starts == pytest.approx({"v0": 0.3, "v1": 0.32, "v2": 0.34}, rel=1e-3)
    assert found.half_life == pytest.approx(math.log(2) / 0.02, rel=1e-3)


def test_the_order_of_the_entries_changes_nothing() -> None:
    seen = weekly(np.random.default_rng(2), 16, 2, 0.01)
    order = np.random.default_rng(9).permutation(seen.age.size)
    names = np.array(seen.series)[order]
    mixed = Aged.of(names, seen.age[order], seen.quality[order], seen.rows[order], seen.day[order])
    assert fit_decay(mixed).rate.value == pytest.approx(fit_decay(seen).rate.value, rel=1e-9)


@pytest.mark.parametrize("weeks", [0, 1, 4])
def test_a_few_weeks_are_too_few(weeks: int) -> None:
    age = 7.0 * np.arange(weeks)
    with pytest.raises(NotEnoughData, match=f"{weeks} weeks"):
        fit_decay(Aged.of(["v1"] * weeks, age, [0.3] * weeks, [9] * weeks, age.astype(int)))


def test_versions_of_one_age_say_nothing_of_age() -> None:
    with pytest.raises(NotEnoughData, match="same age"):
        fit_decay(Aged.of([f"v{n}" for n in range(6)], [3.0] * 6, [0.3] * 6, [9] * 6, [7 * n for n in range(6)]))


def test_versions_that_know_nothing_have_no_rate_and_no_curve() -> None:
    age = 7.0 * np.arange(10)
    seen = Aged.of(["v1"] * 10, age, [-0.1] * 10, [9] * 10, age.astype(int))
    with pytest.raises(NotEnoughData, match="fits best"):
        fit_decay(seen)
    with pytest.raises(NotEnoughData, match="with skill"):
        age_curve(seen)


def test_missing_values_and_ages_below_zero_are_refused() -> None:
    with pytest.raises(InvalidInput, match="quality"):
        Aged.of(["v1"], [1.0], [math.nan], [9], [0])
    with pytest.raises(InvalidInput, match="age"):
        Aged.of(["v1"], [-1.0], [0.3], [9], [0])
    with pytest.raises(InvalidInput, match="whole numbers"):
        Aged.of(["v1"], [1.0], [0.3], [9], [0.5])
