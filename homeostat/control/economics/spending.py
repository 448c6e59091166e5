"""What a loop spends: one retraining in its four parts, a thousand predictions, monitoring."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.control.economics.costs import cost_per_thousand
from homeostat.control.economics.figures import Figure, Told, asked, missing_of
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.observed import Observed, bad_releases_of, training_hours_of
from homeostat.kernel.words import plural

_GIVEN = "as declared"
HOURS_PER_DAY = 24


def given(prices: Economics, name: str, unit: str) -> Told:
    """An input as it was declared, or asked for."""
    value = prices.get(name)
    return asked(unit, name) if value is None else Figure(value, unit, _GIVEN)


def product(unit: str, basis: str, *parts: Told) -> Told:
    """Known parts multiplied, with the bounds of the one that has some; missing where one is."""
    gap = missing_of(unit, parts)
    if gap is not None:
        return gap
    value, low, high, bounded = 1.0, 1.0, 1.0, False
    for part in parts:
        assert isinstance(part, Figure)
        value *= part.value
        low *= part.value if part.low is None else part.low
        high *= part.value if part.high is None else part.high
        bounded |= part.low is not None
    return Figure(value, unit, basis, *((low, high) if bounded else (None, None)))


def sum_of(unit: str, basis: str, parts: Mapping[str, Told]) -> Told:
    """Known parts added; missing where one is, asking for all that lacks."""
    gap = missing_of(unit, parts.values())
    if gap is not None:
        return gap
    known = [part for part in parts.values() if isinstance(part, Figure)]
    low = sum(part.value if part.low is None else part.low for part in known)
    high = sum(part.value if part.high is None else part.high for part in known)
    return Figure(sum(part.value for part in known), unit, basis, low, high)


def retraining_of(seen: Observed, prices: Economics) -> dict[str, Told]:
    """Compute, validation, deployment and risk of one retraining, and their total."""
    unit, hour = prices.currency, f"{prices.currency}/hour"
    trained, bad = training_hours_of(seen), bad_releases_of(seen)
    person = given(prices, "person_hour", hour)
    parts = {
        "compute": product(unit, _basis(trained), trained, given(prices, "training_hour", hour)),
        "validation": product(unit, "hours of people", given(prices, "validation_hours", "hours"), person),
        "deployment": product(unit, "hours of people", given(prices, "deployment_hours", "hours"), person),
        "risk": product(unit, _basis(bad), bad, given(prices, "bad_release", unit)),
    }
    return {**parts, "total": sum_of(unit, "the four parts", parts)}


def predictions_of(seen: Observed, prices: Economics, traffic: Told) -> Told:
    """What a thousand predictions cost as deployed."""
    unit = f"{prices.currency}/1000"
    price = given(prices, "replica_hour", f"{prices.currency}/hour")
    gap = missing_of(unit, (price, traffic))
    if gap is not None or not (isinstance(price, Figure) and isinstance(traffic, Figure)):
        return gap or asked(unit, "replica_hour")
    hourly = seen.replicas * price.value
    basis = f"{plural(seen.replicas, 'replica')}, {traffic.value:,.0f} predictions a day"
    return Figure(cost_per_thousand(hourly_cost=hourly, per_hour=traffic.value / HOURS_PER_DAY), unit, basis)


def monitoring_of(prices: Economics) -> Told:
    """What monitoring costs a year."""
    return product(
        f"{prices.currency}/year",
        "twelve months",
        Figure(12, "months", ""),
        given(prices, "monitoring_month", f"{prices.currency}/month"),
    )


def _basis(told: Told) -> str:
    return told.basis if isinstance(told, Figure) else ""
