"""What people declare of a loop's money: refused where it is none, never replaced where it is not given."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

import homeostat as hs
from homeostat.control.economics.inputs import AMOUNTS, ASKED
from homeostat.kernel.errors import InvalidInput
from tests.unit.control.rig import loop_of


def test_every_input_has_the_words_in_which_it_is_asked_for() -> None:
    fields = [field.name for field in dataclasses.fields(hs.Economics) if field.name != "currency"]
    assert fields == list(ASKED)
    assert set(AMOUNTS) < set(ASKED)


def test_what_is_not_given_stays_unknown() -> None:
    prices = hs.Economics(currency="USD", false_positive=2, noticed_after="36h")
    assert prices.given == {"false_positive": 2, "noticed_after": 1.5}
    assert prices.get("false_negative") is None


@pytest.mark.parametrize("name", list(ASKED))
@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, True, "much"])
def test_what_is_no_amount_is_refused_by_name(name: str, wrong: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        hs.Economics(currency="USD", **{name: wrong})
    assert name in str(refused.value) or "duration" in str(refused.value).lower()


@pytest.mark.parametrize("code", ["", "usd", "EURO", "$", 7, None])
def test_money_without_a_currency_is_none(code: Any) -> None:
    with pytest.raises(InvalidInput, match="no currency"):
        hs.Economics(currency=code)


def test_amounts_of_two_currencies_are_never_added() -> None:
    with pytest.raises(InvalidInput, match="EUR and USD cannot be added"):
        hs.Economics(currency="USD", person_hour=hs.Money(50, "EUR"))
    with pytest.raises(InvalidInput, match="USD and EUR"):
        hs.Money(1, "USD") + hs.Money(1, "EUR")
    assert hs.Economics(currency="EUR", person_hour=hs.Money(50, "EUR")).get("person_hour") == 50


def test_a_budget_of_metrics_is_the_month_of_monitoring() -> None:
    budget = hs.MonitoringBudget(
        series=1_000, sample_seconds=60, ingest_per_million=1, bytes_per_point=8, storage_per_gb=0
    )
    assert hs.Economics(currency="USD", monitoring_month=budget).get("monitoring_month") == pytest.approx(43.2)
    with pytest.raises(InvalidInput, match="person_hour"):
        hs.Economics(currency="USD", person_hour=budget)  # type: ignore[arg-type]


def test_a_drop_of_more_than_all_skill_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than all skill"):
        hs.Economics(currency="USD", failure_drop=1.1)


def test_a_loop_takes_economics_and_nothing_else_for_it() -> None:
    prices = hs.Economics(currency="USD")
    loop = loop_of(economics=prices)
    assert loop.economics == prices
    assert loop.feature_set.hash == loop_of().feature_set.hash
    with pytest.raises(InvalidInput, match="is no economics"):
        loop_of(economics={"currency": "USD"})
