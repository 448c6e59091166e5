"""What a loop loses to errors: skew, failures without a sound, false answers; and what watching returns."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.control.economics.costs import (
    DAYS_PER_YEAR,
    automation_return,
    break_even_weeks,
    monitoring_return,
    silent_failure_cost,
    skew_cost_per_year,
)
from homeostat.control.economics.figures import Figure, Missing, Told, missing_of
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.observed import Observed, detection_days_of, skew_of
from homeostat.control.economics.spending import given, monitoring_of, product
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.kernel.words import plural
from homeostat.stats.figures.operating import OperatingPoint, operating_point
from homeostat.stats.figures.sums import ScoreSums

Json = dict[str, object]
ERROR_DAYS = 90
"""Labelled days on which the costs of errors stand: scores of versions long gone say little of today's."""
_WEEKS_PER_MONTH = 52 / 12


def skew_cost_of(seen: Observed, prices: Economics, traffic: Told, features: Sequence[str]) -> dict[str, Told]:
    """The share of predictions made from wrong features, and what they cost a year."""
    unit = f"{prices.currency}/year"
    share, price = skew_of(seen, features), given(prices, "skewed_prediction", prices.currency)
    gap = missing_of(unit, (share, traffic, price))
    if gap is not None or not (isinstance(share, Figure) and isinstance(traffic, Figure) and isinstance(price, Figure)):
        return {"share": share, "cost": gap or Missing(unit, "")}
    bounds = [
        skew_cost_per_year(error_rate=rate, queries_per_day=traffic.value, cost_per_error=price.value)
        for rate in (share.value, max(share.low or 0.0, 0.0), min(1.0, share.high or share.value))
    ]
    return {"share": share, "cost": Figure(bounds[0], unit, share.basis, bounds[1], bounds[2])}


def failures_of(seen: Observed, prices: Economics, traffic: Told, value: Told) -> dict[str, Told]:
    """What one failure without a sound costs at the loop's own detection delay and where nobody watches, and what
    watching saves a year."""
    unit = prices.currency
    found, alone = detection_days_of(seen), given(prices, "noticed_after", "days")
    drop, often = given(prices, "failure_drop", "skill"), given(prices, "failures_per_year", "1/year")
    here, there = (_failure(unit, days, drop, traffic, value) for days in (found, alone))
    saved = _saved(unit, there, here)
    per_year = product(f"{unit}/year", "failures a year times what one saves", saved, often)
    return {
        "detected_after": found,
        "cost": here,
        "cost_unwatched": there,
        "saved_per_failure": saved,
        "saved_per_year": per_year,
    }


def returns_of(prices: Economics, failures: dict[str, Told]) -> dict[str, Told]:
    """What monitoring and automation return for each unit of money, and when the set-up has paid for itself."""
    monitoring = monitoring_of(prices)
    saved, often = failures["saved_per_failure"], given(prices, "failures_per_year", "1/year")
    hours, setup = given(prices, "manual_hours_per_week", "hours"), given(prices, "setup_hours", "hours")
    person, running = given(prices, "person_hour", ""), given(prices, "running_year", "")
    return {
        "monitoring_cost": monitoring,
        "monitoring_return": _ratio(
            "losses prevented for each unit of money spent on monitoring",
            lambda often, saved, cost: monitoring_return(
                prevented_per_year=often, cost_per_incident=saved, cost_per_year=cost
            ),
            often,
            saved,
            monitoring,
        ),
        "break_even_weeks": _ratio(
            "weeks of work by hand that the set-up took",
            lambda setup, hours: break_even_weeks(manual_hours_per_week=hours, build_hours=setup),
            setup,
            hours,
            unit="weeks",
        ),
        "automation_return": _ratio(
            "losses prevented and hours saved for each unit of money spent on running the loop",
            lambda often, saved, hours, person, cost: automation_return(
                prevented_per_year=often,
                cost_per_incident=saved,
                hours_saved_per_month=hours * _WEEKS_PER_MONTH,
                hourly_cost=person,
                cost_per_year=cost,
            ),
            often,
            saved,
            hours,
            person,
            running,
        ),
    }


def errors_of(seen: Observed, prices: Economics, traffic: Told) -> dict[str, Told]:
    """The threshold at which false answers cost least, beside the one in use."""
    costs = [given(prices, name, prices.currency) for name in ("false_positive", "false_negative")]
    per_day, per_thousand = f"{prices.currency}/day", f"{prices.currency}/1000"
    names = ("threshold", "present_threshold", "cost", "present_cost", "saving")
    units = ("probability", "probability", per_thousand, per_thousand, per_day)
    found = (
        _no_yes(seen) or missing_of("", costs) or _point(seen, [one.value for one in costs if isinstance(one, Figure)])
    )
    if isinstance(found, Missing):
        return {name: Missing(unit, found.why, found.asks) for name, unit in zip(names, units, strict=True)}
    basis = (
        f"{plural(found.threshold.rows, 'labelled prediction')} of {plural(found.threshold.blocks, 'day')}, as served"
    )
    calibrated = f"{basis}; {found.calibrated:.3f} if scores were true probabilities"
    chosen = found.threshold
    saving = Figure(
        found.saving.value, prices.currency, "chosen on all other days", found.saving.low, found.saving.high
    )
    return {
        "threshold": Figure(chosen.value, "probability", calibrated, chosen.low, chosen.high),
        "present_threshold": Figure(found.present, "probability", f"threshold={seen.threshold} of the loop"),
        "cost": Figure(found.cost * 1_000, per_thousand, f"{basis}; on the days it was chosen on"),
        "present_cost": Figure(found.present_cost * 1_000, per_thousand, basis),
        "saving": product(per_day, "each day's saving at the threshold chosen on all other days", saving, traffic),
    }


def _no_yes(seen: Observed) -> Missing | None:
    """Errors have no price each where answers are numbers or one of several classes."""
    return None if seen.yes_or_no else Missing("", "errors have one price each in yes-or-no loops only")


def _point(seen: Observed, costs: list[float]) -> OperatingPoint | Missing:
    days = [day.outcomes.live for day in seen.days if day.outcomes and day.outcomes.live.rows][-ERROR_DAYS:]
    scored = [one for one in days if isinstance(one, ScoreSums)]
    try:
        return operating_point(scored, false_positive=costs[0], false_negative=costs[1], present=seen.threshold)
    except (NotEnoughData, InvalidInput) as error:
        return Missing("", error.problem)


def _failure(unit: str, days: Told, drop: Told, traffic: Told, value: Told) -> Told:
    gap = missing_of(unit, (days, drop, traffic, value))
    known = [one for one in (days, drop, traffic, value) if isinstance(one, Figure)]
    if gap is not None or len(known) < 4:
        return gap or Missing(unit, "")
    lasts, taken, asked, worth = (one.value for one in known)
    cost = silent_failure_cost(value_per_year=asked * worth * DAYS_PER_YEAR, drop=taken, days=lasts)
    return Figure(cost, unit, f"{taken:g} of skill for {lasts:.1f} days")


def _saved(unit: str, there: Told, here: Told) -> Told:
    if not (isinstance(there, Figure) and isinstance(here, Figure)):
        return missing_of(unit, (there, here)) or here
    if there.value < here.value:
        return Missing(unit, "by noticed_after, failures are noticed sooner where nobody watches")
    return Figure(there.value - here.value, unit, "noticed sooner")


def _ratio(basis: str, formula: object, *parts: Told, unit: str = "ratio") -> Told:
    gap = missing_of(unit, parts)
    if gap is not None:
        return gap
    try:
        return Figure(formula(*(one.value for one in parts if isinstance(one, Figure))), unit, basis)  # type: ignore[operator]
    except InvalidInput as error:
        return Missing(unit, error.problem)
