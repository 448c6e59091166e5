"""A loop rehearses a rollback by itself: under live traffic, once in its hours, whatever is killed meanwhile."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import homeostat as hs
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.rehearsing import Rehearser
from homeostat.app.home import Home
from homeostat.control.drills import go_back
from homeostat.control.state import initial_state
from homeostat.control.transitions import draft_of
from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import ACCEPT, Verdict
from tests.harness.running import ROOT, until
from tests.service import test_drills
from tests.service.test_gateway import Gateway
from tests.service.test_replicas import Load

pair = test_drills.pair
pytestmark = pytest.mark.service

LOOKS = 13
"""As many as make a minute known."""
SERVES = draft_of(initial_state("late"), "late/retrain/v1", "promote", "v1 serves", Verdict(ACCEPT, ()), "v1", 0, {})
operations = test_drills.operations


def rehearsed(seconds: float = 0.5) -> hs.Loop:
    """A loop whose hours of rehearsal begin and end far from now."""
    hour = datetime.now(UTC).hour
    hours = f"{(hour + 12) % 24:02}:00-{(hour + 11) % 24:02}:00"
    plan = hs.Drills("90d", at=hours, seconds=seconds, min_requests=1)
    return dataclasses.replace(test_drills.LOOP, drills=plan)


@pytest.fixture(autouse=True)
def _served_since_long(operations: Operations) -> None:
    state = operations.state("late")
    operations.store.commit(state, state, (SERVES,), ())


def rehearser(operations: Operations, port: int, stop: threading.Event | None = None) -> Rehearser:
    """One whose doors were looked at for a minute, if quickly."""
    doors = DoorsWatch(f"http://127.0.0.1:{port}", SystemClock(), time.monotonic)
    for _ in range(LOOKS):
        doors.look()
    drain = test_drills.drill(operations, 0.0).flush
    return Rehearser(operations, doors, drain, stop or threading.Event())


def rehearse(home: str, port: int) -> None:
    """What a control process does, in a process of its own that may be killed."""
    rehearser(Operations.open(Home(Path(home))), port).look(rehearsed(60.0), SystemClock().now())


def kinds(operations: Operations) -> list[str]:
    return [entry.draft.kind for entry in operations.store.entries("late")[1:]]


def test_it_is_held_under_traffic_filed_and_not_held_again(operations: Operations, pair: list[Gateway]) -> None:
    now = SystemClock().now()
    idle = rehearser(operations, pair[0].port)
    idle.look(rehearsed(), now)
    assert kinds(operations) == [], "nobody asks: nothing would be proven"
    with Load(pair[0].port, headers={}) as load:
        until(lambda: len(load.seen) > 50)
        due = rehearser(operations, pair[0].port)
        due.look(rehearsed(), now)
        due.look(rehearsed(), SystemClock().now())
        rehearser(operations, pair[0].port).look(rehearsed(), SystemClock().now())
    assert {status for _, status, _ in load.seen} == {200}
    assert kinds(operations) == ["drill_begins", "drill"]
    began, report = (entry.draft for entry in operations.store.entries("late")[1:])
    assert (began.actor, report.actor, report.verdict) == ("schedule", "schedule", "ACCEPT")
    assert began.reasons[0].startswith("due every 90d, none has passed yet")
    assert report.evidence["seen"]["replicas"] == 2  # type: ignore[index]
    assert operations.state("late").route.champion == "v1"


def test_one_whose_process_is_killed_is_ended_and_not_begun_again_in_the_same_hours(
    operations: Operations, pair: list[Gateway]
) -> None:
    with Load(pair[0].port, headers={}) as load:
        until(lambda: len(load.seen) > 50)
        code = f"import sys; from {__name__} import rehearse; rehearse(sys.argv[1], int(sys.argv[2]))"
        words = [sys.executable, "-c", code, str(operations.home.root), str(pair[0].port)]
        control = subprocess.Popen(words, cwd=ROOT)
        try:
            until(lambda: operations.state("late").drill is not None)
        finally:
            control.kill()
            control.wait()
        state = operations.state("late")
        operations.store.commit(state, go_back(state), (), ())  # as control does when it starts
        operations.publish("late")
        again = rehearser(operations, pair[0].port)
        again.look(rehearsed(), SystemClock().now())
        assert kinds(operations) == ["drill_begins"]
        again.look(rehearsed(), SystemClock().now() + duration("1d"))
    assert kinds(operations) == ["drill_begins", "drill_begins", "drill"]
    assert operations.state("late").route.champion == "v1"


def test_a_control_that_ends_takes_everyone_back_at_once(operations: Operations, pair: list[Gateway]) -> None:
    stop = threading.Event()
    with Load(pair[0].port, headers={}) as load:
        until(lambda: len(load.seen) > 50)
        ours = rehearser(operations, pair[0].port, stop)
        held = threading.Thread(target=ours.look, args=(rehearsed(60.0), SystemClock().now()))
        held.start()
        until(lambda: operations.state("late").drill is not None)
        stop.set()
        held.join(30)
        assert not held.is_alive(), "it would have been held for a minute"
    assert operations.state("late").drill is None
    assert kinds(operations)[-1] == "drill"
