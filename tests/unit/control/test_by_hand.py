"""What a person may do to a route, and what needs an explicit override."""

from __future__ import annotations

import dataclasses

import pytest

from homeostat.control.by_hand import ask_variant, cast_shadow, redeploy, roll_back_by_hand, roll_back_by_limits
from homeostat.control.state import Drill, Held, LoopState, Retraining, Rollout, Standing, StandingName
from homeostat.kernel.errors import NotFound, Refused
from homeostat.kernel.verdicts import ROLL_BACK, Reason, Verdict
from homeostat.registry.models import Variant
from homeostat.serving.routing import Route, Shadow

ASKED = Verdict(ROLL_BACK, (Reason("asked_for", "me", None, "asked for by me"),))
STANDINGS: dict[str, StandingName] = {
    "v1": "retired",
    "v2": "rolled_back",
    "v3": "rejected",
    "v4": "failed",
    "v5": "standby",
    "v6": "champion",
    "v7": "candidate",
    "v8": "training",
}


def state() -> LoopState:
    route = Route("late", 9, "v6", canary="v7", share=0.25, standby="v5", salt="r", shadows=(Shadow("v1", 0.5),))
    rollout = Rollout("late/rollout/v7", "v7", "v6", 1, 0, 0, 0)
    versions = {name: Standing(standing, 0) for name, standing in STANDINGS.items()}
    return LoopState("late", 3, route, versions, rollout)


def moved(version: str, *, override: bool = False) -> LoopState:
    return redeploy(state(), version, ASKED, 5, "me", override=override).state


@pytest.mark.parametrize("version", ["v1", "v5", "v7"])
def test_a_registered_version_serves_everything_again(version: str) -> None:
    after = moved(version)
    assert (after.route.generation, after.route.champion, after.route.canary) == (10, version, None)
    assert (after.rollout, after.route.standby) == (None, None)
    assert after.versions[version] == Standing("champion", 5)
    assert after.versions["v6"].name == "rolled_back"
    assert after.versions["v7"].name == ("champion" if version == "v7" else "rolled_back")
    assert version not in [shadow.version for shadow in after.route.shadows]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_one_that_was_taken_back_or_turned_away_needs_an_override_which_the_ledger_keeps(version: str) -> None:
    with pytest.raises(Refused, match=r"was taken back|was turned away") as caught:
        moved(version)
    assert "--override" in caught.value.mend
    (draft,) = redeploy(state(), version, ASKED, 5, "me", override=True).drafts
    assert (draft.kind, draft.actor) == ("rollback", "me")
    assert "by override" in draft.title


@pytest.mark.parametrize("version", ["v4", "v6", "v8"])
def test_what_was_never_finished_or_serves_already_is_refused_whatever_is_said(version: str) -> None:
    with pytest.raises(Refused):
        moved(version, override=True)


def test_an_unknown_version_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="v9") as caught:
        moved("v9")
    assert "v1" in caught.value.mend


def test_a_shadow_begins_changes_its_share_and_ends() -> None:
    begun = cast_shadow(state(), "v2", 0.1, 5, "me").state
    assert begun.route.shadows == (Shadow("v1", 0.5), Shadow("v2", 0.1))
    more = cast_shadow(begun, "v2", 1.0, 6, "me").state
    assert more.route.shadows == (Shadow("v1", 0.5), Shadow("v2", 1.0))
    ended = cast_shadow(more, "v2", 0.0, 7, "me")
    assert ended.state.route.shadows == (Shadow("v1", 0.5),)
    assert ended.drafts[0].title == "v2 is no shadow any more"
    assert dataclasses.replace(ended.state, route=state().route) == state()
    with pytest.raises(NotFound, match="no shadow"):
        cast_shadow(ended.state, "v2", 0.0, 8, "me")


@pytest.mark.parametrize("of", ["v1", "v5", "v6"])
def test_a_variant_gets_the_next_name_and_changes_nothing_that_serves(of: str) -> None:
    calm = dataclasses.replace(state(), rollout=None, next_version=9)
    after, (draft,) = ask_variant(calm, Variant(of, "int8"), 5, "me")
    assert after.retraining == Retraining("late/quantise/v9", "v9", 5, "asked_for", Variant(of, "int8"))
    assert (after.versions["v9"], after.next_version) == (Standing("training", 5), 10)
    assert (after.route, after.retrained_at) == (calm.route, calm.retrained_at)
    assert (draft.kind, draft.version, draft.actor, draft.title) == ("quantise", "v9", "me", f"Make v9 of {of}: int8")


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ("v2", "was taken back"),
        ("v3", "was turned away at the gate"),
        ("v4", "never finished"),
        ("v8", "never finished"),
    ],
)
def test_a_variant_of_what_must_not_serve_is_refused(of: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        ask_variant(dataclasses.replace(state(), rollout=None), Variant(of, "int8"), 5, "me")


def test_a_variant_waits_until_what_is_under_way_has_ended_and_until_there_is_a_champion() -> None:
    calm = dataclasses.replace(state(), rollout=None)
    making = dataclasses.replace(calm, retraining=Retraining("w", "v8", 1, "too_old"))
    for busy, named in ((state(), "v7"), (making, "v8")):
        with pytest.raises(Refused, match=f"has {named} under way"):
            ask_variant(busy, Variant("v6", "int8"), 5, "me")
    with pytest.raises(Refused, match="no champion yet"):
        ask_variant(LoopState("late", 0, Route("late", 0, None)), Variant("v1", "int8"), 5, "me")


def test_a_held_version_that_a_person_redeploys_waits_no_more() -> None:
    held = dataclasses.replace(state(), held=Held("v1", 0, 3, "no checkpoint"))
    assert redeploy(held, "v1", ASKED, 5, "me", override=False).state.held is None
    assert redeploy(held, "v5", ASKED, 5, "me", override=False).state.held == held.held


def test_nobody_is_taken_back_while_a_copy_serves_for_the_champion() -> None:
    calm = dataclasses.replace(state(), rollout=None, drill=Drill("v6-drill", "v6", "v5", 4))
    with pytest.raises(Refused, match="is being rehearsed"):
        roll_back_by_hand(calm, ASKED, 5, "me")
    with pytest.raises(Refused, match="is being rehearsed"):
        redeploy(calm, "v1", ASKED, 5, "me", override=True)
    assert roll_back_by_limits(calm, ASKED, 5).state == calm


def test_a_variant_waits_for_the_version_that_is_held() -> None:
    held = dataclasses.replace(state(), rollout=None, held=Held("v1", 0, 3, "no checkpoint"))
    with pytest.raises(Refused, match="has v1 under way"):
        ask_variant(held, Variant("v6", "int8"), 5, "me")
