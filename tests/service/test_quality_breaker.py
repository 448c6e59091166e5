"""A verdict on quality ends the asking at once: of a canary, which leaves, and of an arm, whose breaker opens."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.control.approvals import ask, refuse
from homeostat.control.quality import halt
from homeostat.control.rollouts import Canary
from homeostat.control.state import LoopState, Rollout
from homeostat.control.transitions import Transition, take_back
from homeostat.kernel.verdicts import ASK, ROLL_BACK, Reason, Verdict
from homeostat.serving.routing import Experiment, ExperimentArm, Route
from tests.harness.running import PATIENCE, until
from tests.service.test_candidates import processes_of
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import question
from tests.unit.serving.parts import two_versions

pytestmark = pytest.mark.service
WORSE = Verdict(ROLL_BACK, (Reason("worse_outcomes", 0.02, 0.0, "0.02 > 0"),))
ARM = Route("late", 1, "v1", experiments=(Experiment("e", (ExperimentArm("b", "v2", 1.0),)),))
CANARY = Route("late", 1, "v1", canary="v2", share=1.0, salt="r")


@pytest.fixture
def operations(tmp_path: Path) -> Operations:
    """A home of two versions that nobody is routed to yet."""
    return Operations.open(Home(two_versions(tmp_path)))


@pytest.fixture
def running(operations: Operations) -> Iterator[Gateway]:
    """A gateway of that home."""
    with gateway(operations.home.root) as found:
        yield found


def publish(operations: Operations, step: Transition) -> LoopState:
    before = operations.state("late")
    state = operations.store.commit(before, step.state, step.drafts, ())
    operations.publish("late")
    assert operations.fleet.follow("late", state.route.generation, PATIENCE).lagging == ()
    return state


def begin(operations: Operations, running: Gateway, route: Route) -> LoopState:
    state = dataclasses.replace(operations.state("late"), route=route).standing("v1", "champion", 0)
    if route.canary:
        state = state.standing("v2", "candidate", 0)
        state = dataclasses.replace(state, rollout=Rollout("late/rollout/v2", "v2", "v1", 0, 0, 0, 0))
    until(lambda: bool(operations.fleet.replicas()))
    state = publish(operations, Transition(state, ()))
    assert answered(running) == ("v2", "e/b" if route.experiments else "canary", False)
    return state


def answered(running: Gateway) -> tuple[str, str, bool]:
    """Who answers a row that the arm's units hold."""
    one = running.predict(question(8)).raise_for_status().json()["predictions"][0]
    return one["version"], one["arm"], "homeostat_arm_failures_total{" in running.client.get("/metrics").text


def test_an_arm_that_is_proven_worse_is_not_asked_any_more_nor_blamed_and_its_process_ends(
    operations: Operations, running: Gateway
) -> None:
    state = begin(operations, running, ARM)
    assert len(processes_of(running, "homeostat.app.arms.host")) == 1
    state = publish(operations, halt(state, "v2", WORSE, 5, {}))
    assert answered(running) == ("v1", "champion", False)
    until(lambda: not processes_of(running, "homeostat.app.arms.host"))
    assert state.route.experiments == ARM.experiments


def test_a_canary_that_is_proven_worse_leaves_the_route_in_the_same_decision(
    operations: Operations, running: Gateway
) -> None:
    state = begin(operations, running, CANARY)
    publish(operations, take_back(state, WORSE, 5, {}))
    assert answered(running) == ("v1", "champion", False)
    until(lambda: not processes_of(running, "homeostat.app.arms.host"))


def test_a_refusal_is_served_as_soon_as_it_is_said(operations: Operations, running: Gateway) -> None:
    state = begin(operations, running, CANARY)
    state = publish(operations, ask(state, dataclasses.replace(WORSE, name=ASK), 5, {}, Canary()))
    assert answered(running) == ("v2", "canary", False)
    publish(operations, refuse(state, None, 6, "me", "no"))
    assert answered(running) == ("v1", "champion", False)
