"""A loop is checked as a whole when it is made."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pytest

import homeostat as hs
from homeostat.control.loop_checks import RUNTIMES
from homeostat.kernel.errors import InvalidInput
from tests.unit.control.rig import loop_of


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_loop_may_say_what_serves_it(runtime: str) -> None:
    assert loop_of(runtime=runtime).runtime == runtime


def test_a_runtime_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="no runtime 'pickle'") as refused:
        loop_of(runtime="pickle")
    assert refused.value.mend == "Choose one of auto, onnx, native, skops."


def test_a_variable_that_holds_a_secret_is_not_declared_for_its_value_would_be_kept() -> None:
    assert loop_of(variables=["REGION"]).variables == ["REGION"]
    with pytest.raises(InvalidInput, match="its variables name a secret, DB_PASSWORD, HF_TOKEN") as refused:
        loop_of(variables=["REGION", "DB_PASSWORD", "HF_TOKEN"])
    assert refused.value.mend.startswith("Leave it out")


def test_a_policy_that_looks_at_drift_which_nobody_measures_is_refused() -> None:
    weekly = hs.Retrain(when=hs.Realised() | hs.Sustained(hs.Drift(span=7), 2))
    assert loop_of(retrain=weekly).retrain == weekly
    with pytest.raises(InvalidInput, match="drift over 7 days") as refused:
        loop_of(retrain=weekly, drift=hs.DriftLimits(spans=(1, 28)))
    assert "[1, 28]" in refused.value.mend
    with pytest.raises(InvalidInput, match="waits for 2 features to drift; there are 1"):
        loop_of(retrain=hs.Retrain(when=hs.Drift(features=2)))


def test_a_budget_in_money_needs_prices_in_its_currency() -> None:
    spent = hs.Retrain(budget=hs.Budget(money=hs.Money(500, "EUR")))
    assert loop_of(retrain=spent, economics=hs.Economics(currency="EUR")).retrain == spent
    for prices in (None, hs.Economics(currency="USD")):
        with pytest.raises(InvalidInput, match="a budget in EUR") as refused:
            loop_of(retrain=spent, economics=prices)
        assert "currency='EUR'" in refused.value.mend


@pytest.mark.parametrize(
    "part",
    sorted({one.name for one in dataclasses.fields(hs.Loop)} - {"name", "owner", "purpose", "ask_by_key", "batching"}),
)
@pytest.mark.parametrize("value", [7, "0.5", [3]], ids=str)
def test_a_part_of_another_kind_is_refused_and_named(part: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        dataclasses.replace(loop_of(), **{part: value})
    assert "Loop 'demo'" in str(refused.value) or str(value).strip("[]") in str(refused.value)
    assert refused.value.mend


@pytest.mark.parametrize("value", [np.int64(7), float("nan"), date(2026, 1, 1), {1, "a"}, b"x", "\ud800", len])
def test_a_config_that_no_version_can_keep_is_refused_where_it_is_declared(value: Any) -> None:
    with pytest.raises(InvalidInput, match="its config cannot be kept with a version"):
        loop_of(config={"seed": [value]})
    with pytest.raises(InvalidInput, match="keys 1 and '1' are the same once they are written as texts"):
        loop_of(config={"weights": {1: 0.5, "1": 0.7}})
    assert loop_of(config={"weights": {0: 1, 1: 5}}).config
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(InvalidInput, match="it holds itself"):
        loop_of(config={"x": itself})
