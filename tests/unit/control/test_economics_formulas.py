"""The formulas of money: worked figures that each must reproduce, and what holds whatever the figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.economics import costs
from homeostat.control.economics.costs import MonitoringBudget
from homeostat.control.economics.intervals import (
    Stakes,
    best_interval,
    best_interval_on,
    cost_per_day,
    square_root_interval,
    staleness_cost,
)
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.changes.ageing import AgeCurve

WORKED = Stakes(queries_per_day=1_000_000, value=0.5, quality=0.95, retraining=5_000)
STAKES = st.builds(
    Stakes,
    queries_per_day=st.floats(1, 1e6),
    value=st.floats(1e-3, 10),
    quality=st.floats(0.01, 1),
    retraining=st.floats(0.1, 1e5),
)
RATES = st.floats(1e-4, 0.5)


def test_the_square_root_law_gives_the_worked_interval() -> None:
    assert square_root_interval(WORKED, 0.02) == pytest.approx(1.025978352085154, rel=1e-9)


def test_the_exact_interval_and_its_cost_are_the_worked_ones() -> None:
    found = best_interval(WORKED, 0.02)
    assert found.days == pytest.approx(1.0330623964, rel=1e-6)
    assert found.cost_per_day == pytest.approx(9713.40369846644, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"retraining": 4}, 2.0),
        ({"queries_per_day": 4}, 0.5),
        ({"rate": 4}, 0.5),
        ({"queries_per_day": 4, "rate": 4}, 0.25),
    ],
)
def test_the_interval_changes_by_the_worked_factors(change: dict[str, float], factor: float) -> None:
    sides = {"queries_per_day": 1_000_000.0, "value": 0.5, "quality": 0.95, "retraining": 5_000.0, "rate": 0.02}
    sides = {name: value * change.get(name, 1) for name, value in sides.items()}
    rate = sides.pop("rate")
    after = square_root_interval(Stakes(**sides), rate)
    assert after / square_root_interval(WORKED, 0.02) == pytest.approx(factor, rel=1e-9)


def test_skew_failures_and_predictions_cost_the_worked_amounts() -> None:
    skew = costs.skew_cost_per_year(error_rate=0.01, queries_per_day=1_000_000, cost_per_error=0.10)
    assert skew == pytest.approx(365_000.0)
    slow, fast = (costs.silent_failure_cost(value_per_year=50_000_000, drop=0.05, days=days) for days in (28, 1))
    assert (slow, fast) == pytest.approx((191780.82191780822, 6849.315068493151))
    assert slow - fast == pytest.approx(184931.50684931508)
    assert 4 * (slow - fast) == pytest.approx(739726.0273972603)
    assert costs.cost_per_thousand(hourly_cost=3.0, per_hour=50_000) == pytest.approx(0.06)


def test_returns_and_the_break_even_are_the_worked_ones() -> None:
    assert costs.break_even_weeks(manual_hours_per_week=4, build_hours=80) == pytest.approx(20)
    monitoring = costs.monitoring_return(prevented_per_year=5, cost_per_incident=50_000, cost_per_year=50_000)
    assert monitoring == pytest.approx(5.0)
    automation = costs.automation_return(
        prevented_per_year=4,
        cost_per_incident=25_000,
        hours_saved_per_month=20,
        hourly_cost=150,
        cost_per_year=30_000,
    )
    assert automation == pytest.approx(4.533333333333333)


def test_a_month_of_metrics_costs_the_worked_amount() -> None:
    found = MonitoringBudget(
        series=3 * 50,
        sample_seconds=15,
        ingest_per_million=0.30,
        bytes_per_point=8,
        storage_per_gb=1.0,
        dashboards=2,
        people=3,
        refreshes_per_hour=12,
        hours_per_day=8,
        working_days=22,
        cost_per_query=0.02,
        days=30,
    )
    assert (found.points, found.queries) == (25_920_000, 12_672)
    assert (found.ingest, found.storage) == pytest.approx((7.776, 0.20736))
    assert found.queries * found.cost_per_query == pytest.approx(253.44)
    assert found.month == pytest.approx(261.42336)


@pytest.mark.parametrize(("every", "expected"), [(1, 1_000_000_000), (60, 16_666_666.666666666)])
def test_samples_weigh_what_was_worked_out(every: float, expected: float) -> None:
    weighed = MonitoringBudget(
        series=1_000_000, sample_seconds=every, bytes_per_point=1_000, ingest_per_million=0, storage_per_gb=0
    )
    assert weighed.bytes_per_second == pytest.approx(expected)


@given(stakes=STAKES, rate=RATES, off=st.floats(0.2, 5))
def test_no_other_interval_costs_less_than_the_exact_one(stakes: Stakes, rate: float, off: float) -> None:
    found = best_interval(stakes, rate)
    days = found.days or 1e4 / rate
    assert found.cost_per_day <= cost_per_day(stakes, rate, days * off) * (1 + 1e-9)


@given(stakes=STAKES, rate=RATES)
def test_retraining_never_is_best_only_where_one_costs_more_than_decay_can_take(stakes: Stakes, rate: float) -> None:
    never = best_interval(stakes, rate).days is None
    assert never == (stakes.retraining * rate >= stakes.per_day)


@given(rate=RATES, gone=st.floats(1e-4, 0.02))
def test_the_square_root_law_is_right_where_little_decays_between_retrainings(rate: float, gone: float) -> None:
    retraining = gone**2 / 2 / rate
    stakes = Stakes(queries_per_day=1, value=1, quality=1, retraining=retraining)
    exact = best_interval(stakes, rate).days
    assert exact == pytest.approx(square_root_interval(stakes, rate), rel=gone)
    assert exact is not None
    assert exact >= square_root_interval(stakes, rate) * (1 - 1e-6)


def test_the_curve_as_seen_agrees_with_the_exponential_it_was_taken_from() -> None:
    ages = np.linspace(0, 200, 2_001)
    curve = AgeCurve(tuple(ages.tolist()), tuple(np.exp(-0.01 * ages).tolist()), 0.3)
    stakes = Stakes(queries_per_day=1_000, value=0.1, quality=0.3, retraining=200)
    exact, seen = best_interval(stakes, 0.01), best_interval_on(stakes, curve)
    assert exact.days is not None
    assert seen.days == pytest.approx(exact.days, abs=0.1)
    assert seen.cost_per_day == pytest.approx(exact.cost_per_day, rel=1e-4)
    assert not seen.bounded


def test_nothing_is_claimed_of_ages_that_were_never_seen() -> None:
    curve = AgeCurve((0.0, 10.0), (1.0, 0.99), 0.3)
    found = best_interval_on(Stakes(1_000, 0.1, 0.3, 200), curve)
    assert (found.days, found.bounded) == (10.0, True)
    with pytest.raises(InvalidInput, match="older than 10"):
        curve.since(10.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["queries_per_day", "value", "quality", "retraining"])
def test_stakes_that_are_none_are_refused(name: str, wrong: float) -> None:
    sides = {"queries_per_day": 1.0, "value": 1.0, "quality": 1.0, "retraining": 1.0, name: wrong}
    with pytest.raises(InvalidInput, match=name.replace("_", " ")):
        Stakes(**sides)


@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan])
def test_a_rate_at_which_nothing_decays_has_no_interval(rate: float) -> None:
    for formula in (best_interval, square_root_interval):
        with pytest.raises(InvalidInput, match="rate"):
            formula(WORKED, rate)
    with pytest.raises(InvalidInput):
        staleness_cost(WORKED, rate, 1)


def test_costs_below_zero_and_shares_above_one_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"error_rate is 1\.5"):
        costs.skew_cost_per_year(error_rate=1.5, queries_per_day=1, cost_per_error=1)
    with pytest.raises(InvalidInput, match="days is -1"):
        costs.silent_failure_cost(value_per_year=1, drop=0.1, days=-1)
    with pytest.raises(InvalidInput, match="per_hour is 0"):
        costs.cost_per_thousand(hourly_cost=1, per_hour=0)
    with pytest.raises(InvalidInput, match="sample_seconds is 0"):
        MonitoringBudget(series=1, sample_seconds=0, ingest_per_million=0, bytes_per_point=8, storage_per_gb=0)
