"""A loop's account: everything that `homeostat economics` says, from its history and its declared prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeostat.control.economics.ageing import (
    ageing_of,
    costs_of,
    intervals_of,
    sensitivity_of,
    stakes_of,
    staleness_of,
)
from homeostat.control.economics.figures import Figure, Missing
from homeostat.control.economics.inputs import ASKED, Economics
from homeostat.control.economics.losses import errors_of, failures_of, returns_of, skew_cost_of
from homeostat.control.economics.observed import Observed, rhythm_of, traffic_of
from homeostat.control.economics.spending import given, predictions_of, retraining_of

Json = dict[str, object]
NO_CURRENCY = "X" * 3
"""ISO 4217's own code for none: nobody has said what money is here."""


def account_of(seen: Observed, declared: Economics | None, features: Sequence[str]) -> Json:
    """The whole account, as JSON values; what cannot be known says why, and ``asks`` lists the inputs that lack."""
    prices = declared or Economics(currency=NO_CURRENCY)
    money = prices.currency
    traffic, value = traffic_of(seen), given(prices, "skill_value", money)
    ageing, retraining = ageing_of(seen), retraining_of(seen, prices)
    stakes = stakes_of(ageing, traffic, value, retraining["total"])
    failures = failures_of(seen, prices, traffic, value)
    told: Json = {
        "currency": None if declared is None else money,
        "days": len(seen.days),
        "labelled_days": seen.labelled_days,
        "champion": seen.champion,
        "inputs": prices.given,
        "traffic": traffic,
        "decay": ageing.to_json(),
        "staleness": staleness_of(seen, ageing, traffic, value, f"{money}/day"),
        "retraining": retraining,
        "interval": {
            **intervals_of(ageing, stakes, money),
            "actual": rhythm_of(seen),
            "costs": costs_of(ageing, stakes),
        },
        "sensitivity": sensitivity_of(ageing, stakes),
        "errors": errors_of(seen, prices, traffic),
        "skew": skew_cost_of(seen, prices, traffic, features),
        "failures": failures,
        "returns": returns_of(prices, failures),
        "predictions": predictions_of(seen, prices, traffic),
    }
    plain = {name: _plain(part) for name, part in told.items()}
    return {**plain, "asks": _asks(plain)}


def _plain(part: object) -> object:
    if isinstance(part, Figure | Missing):
        return part.to_json()
    if isinstance(part, Mapping):
        return {name: _plain(one) for name, one in part.items()}
    return part


def _asks(told: Json) -> list[Json]:
    """Every input that lacks, what it is, and the parts of the account that need it."""
    needed: dict[str, list[str]] = {}
    for name, part in told.items():
        for ask in _asked_in(part):
            needed.setdefault(ask, []).append(name)
    return [
        {"input": name, "what": ASKED[name], "for": list(dict.fromkeys(needed[name]))}
        for name in ASKED
        if name in needed
    ]


def _asked_in(part: object) -> list[str]:
    if not isinstance(part, Mapping):
        return []
    own = part.get("asks", ()) if "unknown" in part else ()
    return [*own, *(name for one in part.values() for name in _asked_in(one))]
