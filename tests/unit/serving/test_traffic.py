"""What is shown of the last minutes of serving, read from what real doors count."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from homeostat.app.control.doors import Seen
from homeostat.app.gateway.counted import Added, Look, added, look_at
from homeostat.app.gateway.traffic import shares_of, traffic
from homeostat.serving.routing import Experiment, ExperimentArm, Route, Shadow, place_for
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.parts import model, save_version
from tests.unit.serving.rig import Rig

EMPTY = Route("late", 0, None)
ALONE = Route("late", 1, "v1")
AB = Experiment("checkout", (ExperimentArm("a", "v1", 0.5), ExperimentArm("b", "v2", 0.5)), share=0.5)
FULL = Route("late", 3, "v1", canary="v2", share=0.2, shadows=(Shadow("v3", 0.5),), experiments=(AB,))


def looked(rig: Rig, seconds: float) -> Look:
    """A look at what the rig counted."""
    return look_at(rig.metrics.exposition().decode(), int(seconds * 1e6), seconds)


def seen(*looks: Look) -> Seen:
    """The looks one after another."""
    return Seen([added(*pair) for pair in pairwise(looks)], looks[-1] if looks else None)


def arm(told: Any, name: str) -> Any:
    """One arm of what is told."""
    return next(one for one in told["arms"] if one["arm"] == name)


def test_requests_errors_and_latency_are_told_by_point_and_as_a_whole(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        looks = [looked(rig, 100)]
        for number in range(6):
            await rig.predict(question(number), question(number + 50))
        await rig.predict({"nonsense": 1})
        looks.append(looked(rig, 110))
        looks.append(looked(rig, 120))
        told = traffic(seen(*looks), ALONE, None)
        assert [one["requests_per_second"] for one in told["points"]] == [0.7, 0.0]
        assert [one["p50_ms"] is None for one in told["points"]] == [False, True]
        assert (told["known"], told["seconds"], told["now"]["requests_per_second"]) == (True, 20.0, 0.35)
        assert (told["whole"]["requests"], told["whole"]["error_share"]) == (7, 0.0)
        assert told["whole"]["refused_share"] == pytest.approx(1 / 7)
        assert told["whole"]["p50_ms"] <= told["whole"]["p99_ms"]
        assert (arm(told, "champion")["rows"], arm(told, "champion")["points"]) == (12, [1.2, 0.0])
        assert told["budget"]["requests"] == 7
        assert told["spool_bytes"] > 0
        assert told["budget"]["cost"] is None

    with_rig(scenario)


def test_rows_that_the_champion_answered_for_a_failing_arm_are_counted_against_the_arm(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=2, champion="v1", canary="v2", share=1.0)
        before = looked(rig, 100)
        await rig.predict(question(1))
        rig.metrics.arm_failed("late", "v2", "checkout/b", 3, None)
        rig.metrics.arm_failed("late", "v2", "canary", 1, None)
        rig.metrics.arm_failed("late", "v1", "champion", 2, None)
        told = traffic(seen(before, looked(rig, 105)), Route("late", 2, "v1", canary="v2", share=1.0), None)
        assert told["fallbacks"] == 4
        assert (arm(told, "canary")["rows"], arm(told, "canary")["failed_share"]) == (1, 0.5)
        assert arm(told, "canary")["p50_ms"] is not None
        assert arm(told, "champion")["failed_share"] == 1.0
        assert arm(told, "checkout/b")["share"] is None

    with_rig(scenario)


def test_a_price_gives_what_a_thousand_predictions_cost_with_the_time_that_replicas_stood_idle(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        before = looked(rig, 100)
        await asyncio.gather(*(rig.predict(question(number)) for number in range(5)))
        after = looked(rig, 105)
        key = ("homeostat_uptime_seconds", ())
        before.replicas[""][key], after.replicas[""][key] = 90.0, 95.0  # type: ignore[index]
        cost = traffic(seen(before, after), ALONE, 3.6)["budget"]["cost"]
        assert cost["per_thousand_as_deployed"] == pytest.approx(3.6 / 3600 * 5 / 5 * 1000)
        assert cost["per_thousand_by_processor"] > 0

    with_rig(scenario)


def test_while_the_doors_are_away_everything_is_unknown_and_nothing_is_0() -> None:
    told = traffic(Seen((Added(5),), None, "The doors do not answer."), FULL, 1.0)
    assert (told["known"], told["problem"], told["seen_at"]) == (False, "The doors do not answer.", None)
    assert set(told["now"].values()) | set(told["whole"].values()) == {None}
    assert [set(one.values()) - {one["at"]} for one in told["points"]] == [{None}]
    assert {one["rows_per_second"] for one in told["arms"]} == {None}
    assert [told["fallbacks"], told["spool_bytes"], told["budget"]["cost"]] == [None, None, None]
    assert told["shadows"] == [{"version": "v3", "share": 0.5, "scored": None, "failed": None, "skipped": None}]


def test_doors_that_went_away_take_the_present_with_them_but_not_the_minutes_before() -> None:
    point = Added(1, 5.0, ("r1",), {("homeostat_requests_total", (("door", "predict"), ("loop", "late"),
                                                                 ("status", "200"))): 10.0})  # fmt: skip
    told = traffic(Seen((point, Added(2)), None, "Away."), ALONE, None)
    assert told["now"]["requests_per_second"] is None
    assert [one["requests_per_second"] for one in told["points"]] == [2.0, None]
    assert told["whole"]["requests_per_second"] == 2.0


def test_before_the_first_version_there_is_no_arm() -> None:
    told = traffic(Seen(), EMPTY, None)
    assert (told["arms"], told["shadows"], told["budget"]["attack"]) == ([], [], None)


def test_a_shadow_is_told_with_what_it_scored_failed_and_skipped_on_all_replicas() -> None:
    text = "".join(
        f'homeostat_shadow_rows{{replica="{replica}",loop="late",outcome="{outcome}",version="v3"}} {rows}\n'
        for replica, outcome, rows in [("r1", "rows", 5), ("r2", "rows", 7), ("r1", "failed", 1), ("r1", "dropped", 2)]
    )
    told = traffic(Seen((), look_at(text, 0, 0)), FULL, None)["shadows"]
    assert told == [{"version": "v3", "share": 0.5, "scored": 12, "failed": 1, "skipped": 2}]


def test_the_shares_are_those_by_which_units_are_drawn() -> None:
    other = Experiment("colour", (ExperimentArm("red", "v3", 1.0),), share=0.25)
    route = Route("late", 3, "v1", canary="v2", share=0.2, salt="s", experiments=(AB, other))
    shares = shares_of(route)
    assert sum(shares.values()) == pytest.approx(1.0)
    drawn = [place_for(route, f"unit{number}") for number in range(20_000)]
    for served, share in shares.items():
        assert drawn.count(served) / len(drawn) == pytest.approx(share, abs=0.015)
