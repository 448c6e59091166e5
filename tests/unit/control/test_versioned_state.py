"""State goes along with versions: which way, in which order, and what is held, written down, or left alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import homeostat as hs
from homeostat.control import transitions
from homeostat.control.approvals import refuse
from homeostat.control.by_hand import roll_back_by_hand, roll_back_by_limits
from homeostat.control.checkpoints import (
    LEAVE,
    REPLAY,
    RESTORE,
    Checkpoint,
    Plan,
    Return,
    along,
    judge_way,
    restore_by_hand,
    returning,
)
from homeostat.control.keeping import STATELESS
from homeostat.control.quality import leave_for_standby
from homeostat.control.reconcile import Reconciler
from homeostat.control.restoring import conclude, restoring_body, workflow_name
from homeostat.control.retraining import retraining_body
from homeostat.control.state import Flip, LoopState, Question, Restoring, Retraining, Rollout, Standing
from homeostat.control.transitions import Transition
from homeostat.kernel.errors import HomeostatError, InvalidInput, Refused, Unavailable
from homeostat.kernel.verdicts import ACCEPT, ROLL_BACK, Reason, Verdict
from homeostat.serving.routing import Route
from tests.unit.control.rig import DAY, Engine, Outside, Site, Workflows, loop_of

ASKED = Verdict(ROLL_BACK, (Reason("asked_for", "me", None, "asked for by me: it was wrong"),))
KEPT = Checkpoint("c4", "demo", "v1", 3, 7, "demo/retrain/v2", 2, 99, "ab" * 32)
BACK, PART = Return("v1", "v2", 1.0), Return("v1", "v2", 0.25)


def served(**route: Any) -> LoopState:
    """v2 is champion and v1 stands by."""
    versions = {"v1": Standing("standby", 0), "v2": Standing("champion", 0)}
    return LoopState("demo", 6, Route("demo", 5, "v2", standby="v1", **route), versions)


def plan(name: str, first: Any = "route") -> Plan:
    return Plan(Verdict(name, (Reason("why", None, None, "because"),)), KEPT, first, Flip())


def rolled_back(state: LoopState) -> Transition:
    return roll_back_by_hand(state, ASKED, 9, "me")


@pytest.mark.parametrize(
    ("asked", "back", "kept", "replays", "way"),
    [
        (None, BACK, KEPT, False, RESTORE),
        (None, BACK, KEPT, True, REPLAY),
        (None, PART, KEPT, False, LEAVE),
        (None, PART, KEPT, True, REPLAY),
        (None, BACK, None, True, LEAVE),
        ("leave", BACK, KEPT, True, LEAVE),
        ("restore", BACK, KEPT, True, RESTORE),
        ("restore", PART, KEPT, False, RESTORE),
        ("replay", PART, KEPT, True, REPLAY),
    ],
)
def test_the_way_is_what_was_asked_else_what_makes_the_state_that_of_the_version_that_returns(
    asked: Any, back: Return, kept: Checkpoint | None, replays: bool, way: str
) -> None:
    assert judge_way(asked, back, kept, replays=replays).name == way


@pytest.mark.parametrize(("asked", "kept"), [("replay", KEPT), ("restore", None)])
def test_what_cannot_be_done_is_refused_before_anything_changes(asked: Any, kept: Checkpoint | None) -> None:
    with pytest.raises(Refused):
        judge_way(asked, BACK, kept, replays=False)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (Route("d", 1, "v2", standby="v1"), Route("d", 2, "v1"), Return("v1", "v2", 1.0)),
        (Route("d", 1, "v1", canary="v2", share=0.05), Route("d", 2, "v1"), Return("v1", "v2", 0.05)),
        (Route("d", 1, "v1", canary="v2", share=1.0), Route("d", 2, "v0"), Return("v0", "v2", 1.0)),
        (Route("d", 1, "v1"), Route("d", 2, "v1", canary="v2", share=0.05), None),
        (Route("d", 1, None), Route("d", 2, "v1"), None),
    ],
)
def test_who_comes_back_is_read_from_the_route(before: Route, after: Route, found: Return | None) -> None:
    assert returning(before, after) == found


def test_by_default_the_route_changes_in_the_same_commit_and_the_state_follows() -> None:
    before = served()
    after, (draft,) = along(before, rolled_back(before), plan(RESTORE), 9, "me")
    assert (after.route.champion, after.route.generation) == ("v1", 6)
    assert after.restoring is not None
    assert (after.restoring.version, after.restoring.leaving, after.restoring.checkpoint) == ("v1", "v2", "c4")
    assert after.restoring.flip is None
    assert draft.kind == "rollback"
    assert draft.evidence["versioned_state"] == {"state": "restore", "because": ("because",)}


def test_where_the_state_goes_first_nobody_is_moved_before_it_is_right() -> None:
    before = served()
    after, (draft,) = along(before, rolled_back(before), plan(REPLAY, "state"), 9, "me")
    assert after.restoring is not None
    assert dataclasses.replace(after, restoring=None) == before
    assert (after.restoring.way, after.restoring.flip) == ("replay", Flip())
    assert draft.kind == "begin"


def test_state_that_is_left_is_left_on_record_and_ends_a_wait_for_it() -> None:
    waits = along(served(), rolled_back(served()), plan(RESTORE, "state"), 9, "me").state
    after, (draft,) = along(waits, rolled_back(waits), plan(LEAVE, "state"), 9, "me")
    assert (after.route.champion, after.restoring) == ("v1", None)
    assert draft.evidence["versioned_state"] == {"state": "leave", "because": ("because",)}


def test_a_second_way_back_is_refused_while_one_is_open() -> None:
    waits = along(served(), rolled_back(served()), plan(RESTORE, "state"), 9, "me").state
    with pytest.raises(Refused, match="is being put back"):
        restore_by_hand(waits, KEPT, 9, "me", replays=False)


WORSE = Verdict(ROLL_BACK, (Reason("worse_outcomes", 0.1, 0.01, "worse by 0.1"),))
ROLLING = Rollout("demo/rollout/6", "v3", "v2", 0, 1, 1, 2, asked=Question("demo/rollout/6/0", "advance", 1, ("why",)))


def trying() -> LoopState:
    """v3 is on trial at v2, v1 stands by, and a person is asked."""
    state = served(canary="v3", share=0.25).standing("v3", "candidate", 1)
    return dataclasses.replace(state, rollout=ROLLING)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (served(), lambda state: roll_back_by_hand(state, ASKED, 9, "me")),
        (trying(), lambda state: roll_back_by_hand(state, ASKED, 9, "me")),
        (served(), lambda state: roll_back_by_limits(state, WORSE, 9)),
        (trying(), lambda state: roll_back_by_limits(state, WORSE, 9)),
        (trying(), lambda state: transitions.take_back(state, WORSE, 9, {})),
        (trying(), lambda state: refuse(state, None, 9, "me", "no")),
        (served(), lambda state: leave_for_standby(state, WORSE, 9, {})),
        (trying(), lambda state: leave_for_standby(state, WORSE, 9, {})),
    ],
)
def test_whatever_takes_a_version_back_takes_the_same_one_back_once_its_state_is_right(
    tmp_path: Path, before: LoopState, change: Callable[[LoopState], Transition]
) -> None:
    store = Site(tmp_path).store
    begun = store.commit(LoopState("demo", 0, Route("demo", 0, None)), before, (), ())
    at_once = change(begun)
    back = returning(begun.route, at_once.state.route)
    assert back is not None
    kept = dataclasses.replace(KEPT, version=back.version)
    going = dataclasses.replace(plan(RESTORE, "state"), kept=kept)
    after, drafts = along(begun, at_once, going, 9, "me")
    waits = store.commit(begun, after, drafts, ())
    assert waits.restoring is not None
    assert waits.route == begun.route
    told = {"kept": None, "not_kept": "nothing was there"}
    conclude(store, {"loop": "demo", "id": waits.restoring.id}, told, lambda _: None)
    ended = store.state("demo")
    assert ended.route == at_once.state.route
    assert (ended.versions, ended.rollout, ended.restoring) == (at_once.state.versions, at_once.state.rollout, None)


class Work:
    """Puts state back in memory; fails as told."""

    def __init__(self, error: HomeostatError | None = None) -> None:
        self.error, self.done = error, [""]

    def restore(self, ask: dict[str, Any]) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        self.done.append(ask["checkpoint"])
        return {"kept": None, "not_kept": "nothing was there"}

    def replay(self, ask: dict[str, Any]) -> dict[str, Any]:
        self.done.append(f"since {ask['since']} at {ask['generation']}")
        return {"rows": 3, "of": 3}


class Along:
    """Sends the state first, and lets held versions go once ``kept`` is there."""

    kept: Checkpoint | None = None

    def along(self, before: LoopState, moved: Transition, now: int) -> Transition:
        return along(before, moved, plan(RESTORE, "state"), now, "policy")

    at_once = along

    def release(self, state: LoopState, now: int) -> Transition:
        if self.kept is None or state.held is None or self.kept.number <= state.held.after:
            return Transition(state, ())
        return transitions.release_held(state, state.held, Verdict(ACCEPT, ()), now, hs.Canary())


def reconciler(site: Site, work: Work, stateful: Any = STATELESS) -> Reconciler:
    """Control of the site's loop, with its way back registered."""
    engine = Engine(Workflows())
    found = Reconciler(
        site.loop, site.store, site.outside, engine, site.outside.publish, site.outside.wait, stateful=stateful
    )
    engine.register(found.workflow_name, retraining_body(site.loop, site.store, site.outside, site.outside.publish))
    engine.register(workflow_name("demo"), restoring_body(site.store, work, site.outside.publish))
    return found


def begun(site: Site, name: str = REPLAY, first: str = "state") -> Restoring:
    """A person rolled back."""
    empty = site.store.state("demo")
    state = site.store.commit(empty, dataclasses.replace(served(), revision=empty.revision), (), ())
    after, drafts = along(state, rolled_back(state), plan(name, first), 9, "me")
    found = site.store.commit(state, after, drafts, ()).restoring
    assert found is not None
    return found


@pytest.mark.parametrize("first", ["route", "state"])
def test_the_state_comes_back_once_and_what_waited_for_it_follows(tmp_path: Path, first: str) -> None:
    site, work = Site(tmp_path), Work()
    asked = begun(site, first=first)
    control = reconciler(site, work)
    control.carry_on()
    control.engine.wait(asked.id, 1.0)
    control.carry_on()
    state = site.store.state("demo")
    assert (state.route.champion, state.route.generation, state.restoring) == ("v1", 6, None)
    assert work.done == ["", "c4", "since 7 at 3"]
    told = [entry.draft for entry in site.store.entries("demo")]
    assert sorted(draft.kind for draft in told if draft.kind != "begin") == ["restore", "rollback"]
    (restored,) = [draft for draft in told if draft.kind == "restore"]
    assert "3 of 3 predictions" in restored.title
    assert site.outside.served[-1].champion == "v1"


@pytest.mark.parametrize(("first", "champion"), [("route", "v1"), ("state", "v2")])
def test_state_that_cannot_be_put_back_leaves_the_route_and_is_told_with_what_to_do_and_not_tried_again(
    tmp_path: Path, first: str, champion: str
) -> None:
    site, work = Site(tmp_path), Work(Unavailable("The disk is gone.", mend="Put it back."))
    asked = begun(site, first=first)
    control = reconciler(site, work)
    control.carry_on()
    control.engine.wait(asked.id, 1.0)
    for _ in range(3):
        control.carry_on()
    state = site.store.state("demo")
    assert (state.route.champion, state.restoring) == (champion, None)
    (failed,) = [one.draft for one in site.store.entries("demo") if one.draft.kind == "restore_failed"]
    assert "The disk is gone." in failed.reasons[0]
    assert ("--restore c4" if first == "route" else "--state leave") in failed.reasons[1]


def test_nothing_is_decided_while_state_is_on_its_way(tmp_path: Path) -> None:
    site = Site(tmp_path)
    begun(site)
    before = site.store.state("demo")
    assert reconciler(site, Work()).tick(50 * DAY) == before


def test_a_barrier_waits_until_the_state_is_back(tmp_path: Path) -> None:
    site, work = Site(tmp_path), Work()
    begun(site)
    state = reconciler(site, work).settle(1 * DAY, 1.0)
    assert (state.route.champion, state.restoring) == ("v1", None)


class Keeping:
    """Keeps the champion's state, or fails as told."""

    def __init__(self, site: Site, error: HomeostatError | None = None) -> None:
        self.site, self.error, self.asked = site, error, [""]

    def keep(self, ask: dict[str, Any]) -> Checkpoint:
        self.asked.append(ask["workflow"])
        if self.error is not None:
            raise self.error
        route = self.site.store.state("demo").route
        return dataclasses.replace(KEPT, version=str(route.champion), generation=route.generation)

    def newest(self) -> int:
        return 4


def retrained(site: Site, keeping: Keeping) -> LoopState:
    """v1 serves; v2 was trained and is judged."""
    asked = Retraining("demo/retrain/v2", "v2", 5 * DAY, "too_old")
    now = LoopState(
        "demo",
        0,
        Route("demo", 1, "v1"),
        {"v1": Standing("champion", 0)},
        retraining=asked,
        next_version=3,
        retrained_at=5 * DAY,
    )
    site.store.commit(site.store.state("demo"), now, (), ())
    engine = Engine(Workflows())
    engine.register("retrain", retraining_body(site.loop, site.store, site.outside, site.outside.publish, keeping))
    ask = {"workflow": asked.workflow, "version": "v2", "asked_at": asked.asked_at, "champion": "v1"}
    engine.start("retrain", asked.workflow, ask)
    engine.wait(asked.workflow, 1.0)
    return site.store.state("demo")


def test_a_checkpoint_is_on_record_in_the_commit_that_lets_a_candidate_answer(tmp_path: Path) -> None:
    site = Site(tmp_path, state=hs.StateFolder("beside"))
    state = retrained(site, Keeping(site))
    assert state.route.canary == "v2"
    drafts = [entry.draft for entry in site.store.entries("demo")]
    assert [draft.kind for draft in drafts] == ["checkpoint", "gate", "canary"]
    told: Any = drafts[0].evidence["checkpoint"]
    assert (told["id"], told["version"], told["generation"], told["hash"]) == ("c4", "v1", 1, KEPT.hash)


def test_without_a_checkpoint_the_release_is_held_says_so_and_is_not_tried_again_by_itself(tmp_path: Path) -> None:
    site = Site(tmp_path, state=hs.StateFolder("beside"))
    keeping = Keeping(site, Unavailable("The folder is gone.", mend="Put it back."))
    state = retrained(site, keeping)
    assert (state.route, state.versions["v2"].name) == (Route("demo", 1, "v1"), "held")
    assert state.held is not None
    assert "The folder is gone." in state.held.problem
    held = site.store.entries("demo")[-1].draft
    assert (held.kind, held.verdict) == ("hold", "HOLD")
    assert "--take" in held.reasons[1]
    stateful = Along()
    control = reconciler(site, Work(), stateful)
    assert control.tick(5 * DAY).route.canary is None
    assert keeping.asked == ["", "demo/retrain/v2"]
    stateful.kept = dataclasses.replace(KEPT, id="c5")
    state = control.tick(5 * DAY)
    assert (state.route.canary, state.held) == ("v2", None)
    assert state.rollout is not None


def test_a_rejected_candidate_costs_no_checkpoint(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(offline={"v2": 1.0}), state=hs.StateFolder("beside"))
    keeping = Keeping(site)
    assert retrained(site, keeping).versions["v2"].name == "rejected"
    assert keeping.asked == [""]


def test_a_candidate_taken_back_by_its_judge_takes_the_state_along(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(faults={"v2"}), state=hs.StateFolder("beside"))
    rollout = Rollout("demo/rollout/v2", "v2", "v1", 0, 0, 0, 4 * DAY)
    route = Route("demo", 2, "v1", canary="v2", share=0.05, salt=rollout.id)
    versions = {"v1": Standing("champion", 0), "v2": Standing("candidate", 0)}
    site.store.commit(
        site.store.state("demo"), LoopState("demo", 0, route, versions, rollout, first_version="v1"), (), ()
    )
    work = Work()
    control = reconciler(site, work, Along())
    state = control.settle(2 * DAY, 1.0)
    assert (state.route.canary, state.versions["v2"].name) == (None, "rolled_back")
    assert work.done == ["", "c4"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: hs.StateFolder(""),
        lambda: hs.StateFolder(".."),
        lambda: hs.StateFolder("beside", first="flip"),  # type: ignore[arg-type]
        lambda: hs.StateFolder("beside", keep=0),
        lambda: hs.StateFolder("beside", replay="no"),  # type: ignore[arg-type]
        lambda: hs.State(checkpoint=None, restore=print),  # type: ignore[arg-type]
        lambda: hs.State(checkpoint=print, restore=print, timeout="0s"),
        lambda: loop_of(state="beside"),
    ],
)
def test_what_is_declared_wrongly_is_told_as_the_file_is_read(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()
