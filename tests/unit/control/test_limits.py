"""Limits that fire without a human: on what lasts, on an outage at once, never on too little."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.limits import Limits, Minute, judge_limits
from homeostat.kernel.errors import InvalidInput

FINE = Minute(100, 1, 30.0, 25.0, 100, 40)
LIMITS = Limits(prediction_share=(0.2, 0.6))
BAD = {
    "failing": dataclasses.replace(FINE, failed=5),
    "slow": dataclasses.replace(FINE, p99_ms=60.0),
    "prediction_share": dataclasses.replace(FINE, positives=70),
    "share_apart": dataclasses.replace(FINE, positives=55, baseline_share=0.2),
}


def code(*seen: Minute) -> tuple[str, str]:
    found = judge_limits("v2", seen, LIMITS)
    return found.name, found.reasons[0].code


@pytest.mark.parametrize("what", BAD)
def test_a_limit_fires_only_when_each_minute_breaks_it(what: str) -> None:
    assert code(*[BAD[what]] * 5) == ("ROLL_BACK", what)
    assert code(*[BAD[what]] * 4, FINE) == ("HOLD", "within_limits")
    assert code(FINE, *[BAD[what]] * 4) == ("HOLD", "within_limits")
    assert code(FINE, FINE, *[BAD[what]] * 5) == ("ROLL_BACK", what)
    assert code(*[BAD[what]] * 4) == ("INCONCLUSIVE", "too_few_requests")


@pytest.mark.parametrize(("canary", "champion"), [(60.0, 25.0), (30.0, 29.0)])
def test_swapped_arms_get_the_opposite_verdict(canary: float, champion: float) -> None:
    def judged(mine: float, other: float) -> str:
        return judge_limits("v2", [dataclasses.replace(FINE, p99_ms=mine, baseline_ms=other)] * 5, LIMITS).name

    slower = canary > 2 * champion
    assert judged(canary, champion) == ("ROLL_BACK" if slower else "HOLD")
    assert judged(champion, canary) == "HOLD"


def test_an_outage_needs_no_second_minute_but_requests_enough() -> None:
    assert code(FINE, Minute(40, 20)) == ("ROLL_BACK", "outage")
    assert code(FINE, Minute(19, 19)) == ("INCONCLUSIVE", "too_few_requests")


def test_what_is_unknown_or_quick_anyway_is_no_reason() -> None:
    quick = dataclasses.replace(FINE, p99_ms=19.0, baseline_ms=1.0)
    assert code(*[quick] * 5) == ("HOLD", "within_limits")
    unknown = dataclasses.replace(FINE, p99_ms=500.0, baseline_ms=None, positives=None)
    assert code(*[unknown] * 5) == ("HOLD", "within_limits")
    assert code() == ("INCONCLUSIVE", "too_few_requests")


@given(st.lists(st.tuples(st.integers(20, 500), st.floats(0, 1)), min_size=5, max_size=5), st.floats(0, 1))
def test_more_failures_never_look_better(minutes: list[tuple[int, float]], more: float) -> None:
    before = [Minute(requests, int(requests * share)) for requests, share in minutes]
    after = [Minute(one.requests, max(one.failed, int(one.requests * more))) for one in before]
    if judge_limits("v2", before, LIMITS).name == "ROLL_BACK":
        assert judge_limits("v2", after, LIMITS).name == "ROLL_BACK"


@pytest.mark.parametrize(
    "wrong", [{"p99_ratio": 1.0}, {"minutes": 0}, {"error_share": 2.0}, {"prediction_share": (0.6, 0.2)}]
)
def test_limits_that_contradict_themselves_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Limits(**wrong)  # type: ignore[arg-type]
