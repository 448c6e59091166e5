"""A loop's own functions keep and put back its state in a child process, within limits; what fails is told."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.known import remember_features
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.app.versioned_state import by_hand, replayed
from homeostat.app.versioned_state.keeper import StateKeeper
from homeostat.app.versioned_state.progress import Progress
from homeostat.app.versioned_state.replayed import Replayed
from homeostat.app.versioned_state.restorer import Restorer
from homeostat.app.versioned_state.runner import StateJob
from homeostat.control.loop import Loop
from homeostat.control.versioned_state import StateFailed
from tests.harness.grown import grown_home
from tests.harness.running import until
from tests.harness.served import ASKED, record, renamed, serve
from tests.harness.world import LOOP, LOOP_FILE, write_loop
from tests.unit.serving.parts import model, save_version

pytestmark = pytest.mark.service

TEXT = LOOP_FILE.replace(
    "loop = hs.Loop(",
    """
import json, os, pathlib, subprocess, sys, threading
BESIDE = pathlib.Path(__file__).parent / "beside.json"


def told():
    found = json.loads(BESIDE.read_text())
    if "fail" in found:
        raise ValueError(found["fail"])
    if "exit" in found:
        os._exit(found["exit"])
    if "hang" in found:
        started = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait(600)"])
        pathlib.Path(found["hang"]).write_text(f"{os.getpid()} {started.pid}")
        threading.Event().wait(600)
    return found


def keep(folder, version):
    print("kept for", version)
    (folder / "beside.json").write_text(json.dumps(told()))


def put_back(folder, version):
    BESIDE.write_text(json.dumps({**json.loads((folder / "beside.json").read_text()), "by": version}))


def replay(batches, version):
    BESIDE.with_name("replayed.json").write_text(json.dumps([[row["key"] for row in rows] for rows in batches]))


loop = hs.Loop(""",
).replace('    name="visits",\n', '    name="visits",\n    state=hs.State(keep, put_back, replay, timeout="60s"),\n')


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """v2 serves, v3 is on trial."""
    found = grown_home(tmp_path)
    write_loop(tmp_path, text=TEXT)
    return found


@pytest.fixture
def operations(home: Home) -> Operations:
    return Operations.open(home)


@pytest.fixture
def loop(home: Home) -> Loop:
    return load_loops(Settings.load(home.root).loop_file)[LOOP]


@pytest.fixture
def keeper(operations: Operations, loop: Loop) -> StateKeeper:
    found = operations.keeper(loop)
    assert found is not None
    return found


def beside(home: Home, **state: Any) -> Path:
    place = home.root.parent / "beside.json"
    if state:
        place.write_text(json.dumps(state))
    return place


def test_state_is_put_back_by_the_loop_itself_from_a_copy_and_what_was_there_is_kept(
    home: Home, operations: Operations, loop: Loop, keeper: StateKeeper
) -> None:
    beside(home, users=1)
    taken = by_hand.take(operations, loop, actor="me")
    assert (taken["id"], taken["version"], taken["files"]) == ("c1", "v2", 1)
    beside(home, users=2)
    ask = {**by_hand.put_back(operations, loop, "c1", actor="me")["restoring"], "loop": LOOP}
    done = Restorer(keeper, lambda: -1).restore(ask)
    assert json.loads(beside(home).read_text()) == {"users": 1, "by": "v2"}
    kept = keeper.folder / done["kept"]["id"] / "files" / "beside.json"
    assert json.loads(kept.read_text()) == {"users": 2}
    assert "kept for v2" in (keeper.folder / "work" / "state.log").read_text()
    assert keeper.kept.problems("c1", taken["hash"]) == [], "functions get a copy"
    assert Restorer(keeper, lambda: -1).replay(ask) == {"rows": 0, "of": 0}


@pytest.mark.parametrize(("state", "told"), [({"fail": "no room"}, "ValueError: no room"), ({"exit": 7}, "status 7")])
def test_a_checkpoint_that_fails_is_told_and_nothing_is_kept(
    home: Home, operations: Operations, loop: Loop, keeper: StateKeeper, state: Any, told: str
) -> None:
    beside(home, **state)
    with pytest.raises(StateFailed, match=told):
        by_hand.take(operations, loop, actor="me")
    assert keeper.kept.all() == []
    assert [entry for entry in operations.store.entries(LOOP) if entry.draft.kind == "checkpoint"] == []


def test_a_function_that_takes_too_long_is_ended_with_all_that_it_started(home: Home, operations: Operations) -> None:
    write_loop(home.root.parent, text=TEXT.replace('"60s"', '"10s"'))
    keeper = operations.keeper(load_loops(Settings.load(home.root).loop_file)[LOOP])
    assert keeper is not None
    note = home.root.parent / "pids"
    beside(home, hang=str(note))
    with pytest.raises(StateFailed, match="longer than 10 s"):
        keeper.take("v2", 1, 0, "test")
    for pid in note.read_text().split() if note.exists() else ():  # a busy machine may not have come so far
        until(lambda pid=pid: not _alive(int(pid)))
    assert keeper.kept.all() == []


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_restore_goes_on_where_the_state_that_leaves_cannot_be_kept(
    home: Home, operations: Operations, loop: Loop, keeper: StateKeeper
) -> None:
    beside(home, users=1)
    by_hand.take(operations, loop, actor="me")
    beside(home, fail="v3 broke it")
    ask = {**by_hand.put_back(operations, loop, "c1", actor="me")["restoring"], "loop": LOOP}
    done = Restorer(keeper, lambda: -1).restore(ask)
    assert done["kept"] is None
    assert "v3 broke it" in done["not_kept"]
    assert json.loads(beside(home).read_text()) == {"users": 1, "by": "v2"}


def test_every_row_since_is_replayed_once_in_order_by_the_eyes_of_the_version_that_returns(
    home: Home, loop: Loop, keeper: StateKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replayed, "READ", 3)
    monkeypatch.setattr(replayed, "BATCH", 2)
    inputs: Any = tuple(loop.feature_set.kinds.items())
    save_version(home.versions, "v1", model(-1.0, inputs=inputs), inputs=inputs, features=loop.feature_set, loop=LOOP)
    rows = [record(number, loop) for number in range(9)]
    before = renamed(rows[0], generation=1)
    own = renamed(rows[4], version="v1", probability=0.125)
    shadow = renamed(rows[5], arm="shadow")
    at_once = [renamed(one, served_at=rows[6].served_at) for one in rows[6:8]]
    serve(home, before, *rows[1:4], own, shadow, *at_once, rows[8])
    job = StateJob("", LOOP, "replay", "v1", "", str(home.root), since=ASKED, generation=2, log_version=1)
    with pytest.raises(StateFailed, match="other definitions"):
        Replayed.of(job, loop, Progress(home.checkpoints / LOOP))
    remember_features(home, {LOOP: loop.feature_set})
    found = Replayed.of(job, loop, Progress(home.checkpoints / LOOP))
    cuts, total = found._cuts()
    batches = list(found._batches(cuts, total))
    told = [row for batch in batches for row in batch]
    assert (total, found.given, max(len(batch) for batch in batches)) == (7, 7, 2)
    assert [row["question"]["visit"] for row in told] == ["v1", "v2", "v3", "v4", "v6", "v7", "v8"]
    answers = {row["question"]["visit"]: row for row in told}
    assert (answers["v4"]["probability"], answers["v4"]["answered_by"]) == (0.125, "v1")
    others = [row["probability"] for row in told if row["answered_by"] == "v2"]
    expected = 1 / (1 + 2.718281828 ** (1 - (0.5 + 20 + 3) / 100))
    assert others == pytest.approx([expected] * 6, abs=1e-5)
    assert {row["prediction"] for row in told} == {False}
    assert told[0]["features"]["shop_spent_6h"] == 20.0


def test_a_child_dies_with_the_process_that_asked_for_it(home: Home, keeper: StateKeeper) -> None:
    note = home.root.parent / "pids"
    beside(home, hang=str(note))
    parent = os.fork()
    if parent == 0:
        try:
            keeper.take("v2", 1, 0, "test")
        finally:
            os._exit(0)
    until(lambda: note.exists() and note.read_text().count(" ") == 1)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    child, started = (int(pid) for pid in note.read_text().split())
    until(lambda: not _alive(child))
    if _alive(started):
        os.kill(started, signal.SIGKILL)
