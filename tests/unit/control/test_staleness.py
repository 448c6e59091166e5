"""What a champion's age costs a day, from a rate of decay and its bounds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.economics.ageing import Ageing, staleness_of
from homeostat.control.economics.figures import Figure
from homeostat.stats.changes.decay import Decay
from homeostat.stats.intervals import Interval

RATES = st.floats(-0.2, 0.2)


@given(st.tuples(RATES, RATES, RATES).map(sorted))
def test_the_cost_lies_within_its_bounds_and_is_never_earned(rates: list[float]) -> None:
    low, value, high = rates
    unproven: Any = None
    decay = Decay(Interval(value, low, high, 7, 1_000, 0.95), {}, unproven)
    ageing = Ageing(decay, None, Figure(0.2, "skill", ""), Figure(value, "1/day", "", low, high), "")
    seen: Any = SimpleNamespace(champion_age=30.0, lag=8.0)
    cost = staleness_of(seen, ageing, Figure(1_000.0, "predictions/day", ""), Figure(0.5, "USD", ""), "USD/day")
    assert isinstance(cost, Figure)
    assert cost.low is not None
    assert cost.high is not None
    assert 0 <= cost.low <= cost.value <= cost.high
    assert (cost.value > 0) == (value > 0)
