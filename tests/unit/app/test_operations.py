"""What people are shown of a loop, and what they may change, without anything running."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.replicas import write_replica
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.service import ControlService
from homeostat.app.gateway.fleet import PATIENCE_SECONDS
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.showing import Showing
from homeostat.control import transitions
from homeostat.control.loop import Loop
from homeostat.kernel.clock import Clock
from homeostat.kernel.errors import NotFound, Refused
from homeostat.kernel.verdicts import RETRAIN, ROLL_BACK, Reason, Verdict
from homeostat.serving.replicas import LoopServed, ReplicaState
from homeostat.training.jobs import JobFolder
from tests.harness.grown import BEGAN, grown_home
from tests.harness.world import DAY, LOOP
from tests.unit.serving.parts import model, save_version


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Version 3 is on trial at its second step, v1 stands by."""
    return grown_home(tmp_path)


@pytest.fixture
def operations(home: Home) -> Operations:
    """The use cases of that home."""
    return Operations.open(home)


@pytest.fixture
def loop(home: Home) -> Loop:
    """The loop of that home."""
    return load_loops(Settings.load(home.root).loop_file)[LOOP]


def service(home: Home, clock: Clock | None) -> ControlService:
    """Control without its clockwork, with nobody at the doors and at the recorder."""
    facts = Facts(BlockingRecorderClient(str(home.root / "nobody")), "http://127.0.0.1:1")
    loops = load_loops(Settings.load(home.root).loop_file)
    operations = Operations.open(home)
    showing = Showing(operations, loops)
    doors = DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    return ControlService(loops, {}, operations, facts, clock, 1.0, showing, doors)


def test_the_overview_tells_the_route_and_how_the_trial_goes(operations: Operations, loop: Loop) -> None:
    shown = operations.overview(loop, None)
    served = {"generation": 5, "champion": "v2", "canary": "v3", "share": 0.25, "standby": "v1"}
    assert shown["route"] == {**served, "shadows": [], "experiments": [], "halted": []}
    assert (shown["rollout"]["step"], shown["rollout"]["looks"], shown["rollout"]["max_looks"]) == (1, 1, 8)
    assert (shown["totals"]["served"], shown["totals"]["retrains"], shown["totals"]["promotions"]) == (2304, 2, 1)
    assert shown["last_decision"]["title"] == "v3 advances to 25%"


def test_windows_come_once_and_again_when_they_change(operations: Operations, loop: Loop) -> None:
    first = operations.windows(loop, 0)
    assert len(first["windows"]) == 8
    assert operations.windows(loop, first["cursor"]) == {"cursor": first["cursor"], "windows": []}
    state = operations.state(LOOP)
    ((_, oldest), *_) = operations.store.days(LOOP)
    operations.store.commit(state, state, (), [oldest])
    again = operations.windows(loop, first["cursor"])
    assert [window["day"] for window in again["windows"]] == ["2024-01-01"]


def test_the_activity_is_what_the_training_said_last_without_its_stopwatch(operations: Operations, home: Home) -> None:
    assert operations.activity(LOOP) is None
    state = operations.state(LOOP)
    asked = transitions.ask_retraining(state, Verdict(RETRAIN, (Reason("why", 1, 0, "because"),)), BEGAN + 9 * DAY, {})
    operations.store.commit(state, asked.state, asked.drafts, ())
    assert operations.activity(LOOP) == {
        "kind": "training",
        "step": "pinning the training set",
        "since": "2024-01-10T00:00:00Z",
        "version": "v4",
        "steps": [],
        "log": [],
    }
    job = JobFolder(home.jobs / LOOP / "v4")
    job.root.mkdir(parents=True)
    job.log.write_text("   0.1 s  reading tables\n   2.5 s  training on 800 rows of 4 features\n")
    assert (operations.activity(LOOP) or {})["step"] == "training on 800 rows of 4 features"


class OneFolder:
    """A registry in which every version has the same files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, loop: str, version: str) -> Path:
        return self._folder


def test_what_gains_nothing_by_quantising_is_refused_before_anything_is_written(
    operations: Operations, loop: Loop, tmp_path: Path
) -> None:
    registry: Any = OneFolder(save_version(tmp_path / "other", "v2", model(-1.0), loop=LOOP))
    with pytest.raises(Refused, match="has v3 under way"):
        operations.quantise(loop, None, "int8", registry, actor="me")
    operations.rollback(LOOP, "calm", actor="me", now=None)
    before, decided = operations.state(LOOP), operations.decisions(LOOP)
    with pytest.raises(Refused, match="v2 cannot be quantised with any gain"):
        operations.quantise(loop, None, "int8", registry, actor="me")
    assert (operations.state(LOOP), operations.decisions(LOOP)) == (before, decided)


def test_control_shows_a_loop_while_recorder_and_doors_are_away(home: Home) -> None:
    shown = service(home, SystemClock()).overview(LOOP)
    assert (shown["clock"], shown["replay"]) == ("system", None)
    assert shown["quarantined"] == {}
    assert {table["table"]: table["rows"] for table in shown["freshness"]} == {"visits": 0, "purchases": 0}
    with pytest.raises(NotFound, match="Did you mean 'visits'"):
        service(home, None).overview("visit")


def test_serving_is_shown_as_unknown_and_with_its_route_while_the_doors_are_away(home: Home) -> None:
    control = service(home, SystemClock())
    control.doors.look()
    told = control.serving(LOOP)
    assert (told["champion"], told["canary"], told["share"], told["generation"]) == ("v2", "v3", 0.25, 5)
    assert [(one["arm"], one["share"], one["rows"]) for one in told["traffic"]["arms"]] == [
        ("champion", 0.75, None),
        ("canary", 0.25, None),
    ]
    assert (told["traffic"]["known"], told["traffic"]["points"]) == (False, [])
    assert "does not answer" in told["traffic"]["problem"]
    assert control.serving(LOOP)["traffic"] is told["traffic"], "told again without a new look"
    control.doors.look()
    assert control.serving(LOOP)["traffic"] is not told["traffic"]
    with pytest.raises(NotFound):
        control.serving("late-arival")


def test_there_is_no_barrier_on_the_system_clock(home: Home) -> None:
    with pytest.raises(Refused, match="no barrier on the system clock"):
        service(home, SystemClock()).barrier(BEGAN)


def test_a_replay_shows_where_it_is(home: Home) -> None:
    control = service(home, None)
    assert control.overview(LOOP)["now"] is None
    control.progress(BEGAN, BEGAN + 9 * DAY, BEGAN + DAY, "serving", False)
    shown = control.overview(LOOP)
    assert shown["now"] == "2024-01-02T00:00:00Z"
    assert shown["replay"] == {
        "start": "2024-01-01T00:00:00Z",
        "until": "2024-01-10T00:00:00Z",
        "at": "2024-01-02T00:00:00Z",
        "phase": "serving",
        "done": False,
    }


def test_what_came_in_is_unknown_and_not_nothing_while_the_recorder_is_away(home: Home) -> None:
    (told,) = (one for one in service(home, SystemClock()).tables() if one["table"] == "visits")
    assert (told["known"], told["rows"], told["kept"], told["ok"]) == (False, None, None, None)


def test_a_replica_that_cannot_serve_the_route_is_named_and_a_silent_one_is_not_counted_on(
    operations: Operations, loop: Loop
) -> None:
    now, lately, minute = SystemClock().now(), 4_000_000, 60_000_000
    old, new = LoopServed(4, "v2", "v3 is broken."), LoopServed(5, "v2")
    for name, at, served in (("r1", now + lately, new), ("r2", now + lately, old), ("r3", now - minute, old)):
        write_replica(operations.home.replicas, ReplicaState(name, 1, at, True, {LOOP: served}))
    told = operations.route(LOOP)
    assert [(one["id"], one["generation"], one["ready"]) for one in told["replicas"]] == [
        ("r1", 5, True),
        ("r2", 4, True),
        ("r3", 4, False),
    ]
    assert told["lagging"] == ["replica r2 serves generation 4, not 5: v3 is broken."]
    assert operations.overview(loop, None)["lagging"] == told["lagging"]
    followed = operations.fleet.follow(LOOP, 5)
    assert followed.lagging == tuple(told["lagging"])
    assert followed.seconds < PATIENCE_SECONDS, "what says why it does not follow is not waited for"


def test_a_limit_takes_back_the_candidate_then_the_champion_and_then_writes_nothing(
    operations: Operations, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict(ROLL_BACK, (Reason("failing", 0.5, 0.01, "half fail"),))
    assert operations.take_back(loop, verdict, BEGAN)
    assert operations.state(LOOP).route.canary is None
    assert operations.take_back(loop, verdict, BEGAN)
    before = operations.state(LOOP)
    assert (before.route.champion, before.route.standby) == ("v1", None)
    written = operations.decisions(LOOP, 0)
    monkeypatch.setattr(Operations, "publish", lambda *_: pytest.fail("nothing changed, nothing is published"))
    assert not operations.take_back(loop, verdict, BEGAN + DAY)
    assert (operations.state(LOOP), operations.decisions(LOOP, 0)) == (before, written)


def test_a_clock_that_was_set_back_behind_what_is_decided_is_a_problem(
    operations: Operations, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = operations.state(LOOP).decided_until or 0
    for back, hours in ((DAY // 2, "12.0"), (30 * DAY, "720.0")):
        monkeypatch.setattr(SystemClock, "now", lambda self, back=back: until - back)
        [problem] = operations.overview(loop, None)["problems"]
        assert f"{hours} h after the machine's clock: it was set back, or had been ahead" in problem
    for ahead in (0, 365 * DAY):
        monkeypatch.setattr(SystemClock, "now", lambda self, ahead=ahead: until + ahead)
        assert operations.overview(loop, None)["problems"] == []
