"""Unknown is a value of its own: it survives, and never passes a limit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import INCONCLUSIVE
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Signal, Unknown, judge_at_most
from homeostat.monitoring.windows import Window

DAY = Window(0, 86_400_000_000, "1970-01-01")
FINITE = st.floats(-1e9, 1e9)


@given(st.one_of(FINITE, st.just(Unknown("too_few_rows"))), st.one_of(st.none(), FINITE))
def test_the_json_form_reads_back(value: float | Unknown, low: float | None) -> None:
    signal = Signal("psi", "hour", DAY, value, low=low, rows=12, blocks=1, unit="nats")
    assert Signal.from_json(json.loads(json.dumps(signal.to_json()))) == signal


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_signal_is_never_nan_or_infinite(bad: float) -> None:
    with pytest.raises(InvalidInput):
        Signal("psi", "hour", DAY, bad)
    with pytest.raises(InvalidInput):
        Signal("psi", "hour", DAY, 0.0, high=bad)
    with pytest.raises(InvalidInput):
        judge_at_most(Signal("psi", "hour", DAY, 0.0), bad)


@given(FINITE, FINITE, FINITE)
def test_more_harm_never_looks_better(one: float, other: float, limit: float) -> None:
    small, large = sorted((one, other))
    if judge_at_most(Signal("psi", "hour", DAY, small), limit).name == EXCEEDED:
        assert judge_at_most(Signal("psi", "hour", DAY, large), limit).name == EXCEEDED


def test_unknown_is_inconclusive_and_says_why() -> None:
    verdict = judge_at_most(Signal("psi", "hour", DAY, Unknown("too_few_rows")), 1e9)
    assert verdict.name == INCONCLUSIVE
    assert verdict.reasons[0].code == "too_few_rows"
    assert verdict.texts == ("psi of hour unknown (too_few_rows), limit 1e+09 in 1970-01-01",)


def test_a_reason_quotes_both_sides() -> None:
    within = judge_at_most(Signal("psi", "hour", DAY, 0.2), 0.2)
    assert (within.name, within.texts) == (WITHIN, ("psi of hour 0.2 <= limit 0.2 in 1970-01-01",))
    assert within.reasons[0].code == "psi_within"


@pytest.mark.parametrize("broken", [{}, {"window": {"name": "x"}}, {"window": None}])
def test_what_is_no_signal_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Signal.from_json(broken)
