"""Drills: begun only in quiet, ended whatever happens, judged by what was seen."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from homeostat.control.drills import DrillSeen, begin, go_back, judge_drill
from homeostat.control.state import LoopState, Retraining, Rollout, Standing
from homeostat.kernel.errors import Refused
from homeostat.serving.routing import Route
from tests.unit.control.rig import DAY, Site

GOOD = DrillSeen(2, 0.03, 0.02, 100, 1e-8, ())


def serving() -> LoopState:
    route = Route("late", 4, "v2", standby="v1")
    return LoopState("late", 1, route, {"v1": Standing("standby", 0), "v2": Standing("champion", 0)})


def test_going_back_restores_the_route_but_for_its_generation() -> None:
    begun = begin(serving(), "v2-drill", 5, "me").state
    assert (begun.route.champion, begun.route.standby, begun.route.generation) == ("v2-drill", "v2", 5)
    assert begun.versions == serving().versions
    back = go_back(begun)
    assert back == dataclasses.replace(serving(), route=dataclasses.replace(serving().route, generation=6))
    with pytest.raises(Refused):
        go_back(back)


def test_nothing_is_rehearsed_while_anything_else_is_under_way() -> None:
    rollout = Rollout("late/rollout/v3", "v3", "v2", 0, 0, 0, 0)
    begun = begin(serving(), "v2-drill", 5, "me").state
    nobody = dataclasses.replace(serving(), route=Route("late", 0, None))
    making = dataclasses.replace(serving(), retraining=Retraining("late/retrain/v3", "v3", 1, "too_old"))
    for state in (dataclasses.replace(serving(), rollout=rollout), making, begun, nobody):
        with pytest.raises(Refused, match="now:"):
            begin(state, "v2-drill", 6, "me")


@pytest.mark.parametrize(
    ("seen", "verdict", "code"),
    [
        (GOOD, "ACCEPT", "went_back_in_time"),
        (dataclasses.replace(GOOD, lagging=("replica r2 serves generation 4, not 6",)), "REJECT", "not_followed"),
        (dataclasses.replace(GOOD, replicas=0), "REJECT", "not_followed"),
        (dataclasses.replace(GOOD, last_reply_seconds=1.5), "REJECT", "too_slow"),
        (dataclasses.replace(GOOD, followed_seconds=1.5), "REJECT", "too_slow"),
        (dataclasses.replace(GOOD, worst=0.2), "REJECT", "answers_differ"),
        (dataclasses.replace(GOOD, rows=0, worst=None, last_reply_seconds=None), "INCONCLUSIVE", "no_traffic"),
    ],
)
def test_a_drill_is_judged_by_what_was_seen(seen: DrillSeen, verdict: str, code: str) -> None:
    found = judge_drill(seen)
    assert (found.name, found.reasons[0].code) == (verdict, code)


def test_control_decides_nothing_during_a_drill_and_ends_one_that_nobody_lived_to_end(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.live(1, 6)
    champion = before.route.champion
    begun = begin(before, f"{champion}-drill", 6 * DAY, "me")
    site.store.commit(before, begun.state, begun.drafts, ())
    assert site.process.tick(7 * DAY).drill is not None
    site.process.recover()
    state = site.store.state("demo")
    assert (state.drill, state.route.champion) == (None, champion)
    assert site.outside.served[-1] == state.route
