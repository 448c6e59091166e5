"""What breaks its limits is taken back without a human: the canary first, then the champion, if somebody stands by."""

from __future__ import annotations

import dataclasses

import pytest

from homeostat.app.control.doors import Seen
from homeostat.app.control.guard import Guard
from homeostat.app.gateway.counted import Added, Key
from homeostat.control.by_hand import roll_back_by_limits
from homeostat.control.limits import Limits
from homeostat.control.state import LoopState, Rollout, Standing
from homeostat.serving.routing import Route

ALONE = LoopState(
    "late",
    1,
    Route("late", 4, "v2", standby="v1"),
    {"v1": Standing("standby", 0), "v2": Standing("champion", 0)},
)
TRIED = dataclasses.replace(
    ALONE,
    route=dataclasses.replace(ALONE.route, canary="v3", share=0.5),
    rollout=Rollout("late/rollout/v3", "v3", "v2", 0, 0, 0, 0),
    versions={**ALONE.versions, "v3": Standing("candidate", 0)},
)


def key(name: str, **labels: str) -> Key:
    return f"homeostat_{name}", tuple(sorted({"loop": "late", **labels}.items()))


def seen(
    *, p99: float = 0.03, failed: int = 0, canary: int = 0, lost: int = 0, positives: int = 4, number: int = 60
) -> Seen:
    """Five minutes of looks, each with ten requests of which some failed, and the arms' rows."""
    champion, candidate = {"version": "v2", "arm": "champion"}, {"version": "v3", "arm": "canary"}
    counts = {
        key("requests_total", door="predict", status="200"): 10.0 - failed,
        key("requests_total", door="predict", status="503"): float(failed),
        key("predict_seconds_bucket", le=str(p99)): 10.0,
        key("predict_seconds_bucket", le="+Inf"): 10.0,
        key("predictions_total", **champion): 10.0 - canary,
        key("positives_total", **champion): float(positives),
        key("predictions_total", **candidate): float(canary - lost),
        key("arm_failures_total", **candidate): float(lost),
    }
    return Seen([Added(0, 5.0, ("r1",), counts)] * 60, number=number)


def test_all_is_well_and_too_little_decides_nothing() -> None:
    assert Guard(Limits()).judge(ALONE, seen()).name == "HOLD"
    assert Guard(Limits()).judge(ALONE, Seen(seen().points[:40])).name == "INCONCLUSIVE"
    assert Guard(Limits()).judge(ALONE, Seen()).name == "INCONCLUSIVE"


def test_a_failing_canary_leaves_and_the_champion_stays() -> None:
    verdict = Guard(Limits()).judge(TRIED, seen(canary=5, lost=1))
    assert (verdict.name, verdict.reasons[0].code) == ("ROLL_BACK", "failing")
    after = roll_back_by_limits(TRIED, verdict, 9)
    assert (after.state.route.champion, after.state.route.canary) == ("v2", None)
    assert after.drafts[0].actor == "limits"


def test_a_failing_champion_is_followed_by_its_standby_if_there_is_one() -> None:
    verdict = Guard(Limits()).judge(ALONE, seen(failed=1))
    assert verdict.reasons[0].code == "failing"
    assert roll_back_by_limits(ALONE, verdict, 9).state.route.champion == "v1"
    nobody = dataclasses.replace(ALONE, route=dataclasses.replace(ALONE.route, standby=None))
    assert roll_back_by_limits(nobody, verdict, 9).state == nobody


@pytest.mark.parametrize(("slower", "verdict"), [(0.05, "HOLD"), (0.09, "ROLL_BACK")])
def test_a_new_champion_is_held_against_the_latency_of_the_one_before(slower: float, verdict: str) -> None:
    guard = Guard(Limits())
    before = dataclasses.replace(ALONE, route=Route("late", 3, "v1"))
    assert guard.judge(before, seen(p99=0.03)).name == "HOLD"
    assert guard.judge(ALONE, seen(p99=0.03)).name == "INCONCLUSIVE"
    assert guard.judge(ALONE, seen(p99=slower, number=121)).name == verdict
    assert Guard(Limits()).judge(ALONE, seen(p99=slower)).name == "HOLD"


def test_who_takes_over_is_not_judged_by_the_minutes_of_the_one_that_failed() -> None:
    guard = Guard(Limits())
    verdict = guard.judge(ALONE, seen(failed=1))
    after = roll_back_by_limits(ALONE, verdict, 9).state
    assert after.route.champion == "v1"
    assert guard.judge(after, seen(failed=1)).name == "INCONCLUSIVE"
    assert guard.judge(after, seen(failed=1, number=61)).name == "INCONCLUSIVE"
    assert guard.judge(after, seen(failed=1, number=121)).name == "ROLL_BACK"


def test_predictions_outside_their_band_take_a_version_back() -> None:
    limits = Limits(prediction_share=(0.2, 0.6))
    assert Guard(limits).judge(ALONE, seen(positives=4)).name == "HOLD"
    assert Guard(limits).judge(ALONE, seen(positives=9)).reasons[0].code == "prediction_share"
