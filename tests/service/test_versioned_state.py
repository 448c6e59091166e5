"""State that depends on the version goes back with it: put back or replayed, through kills, by real processes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.control import transitions
from homeostat.control.rollouts import Canary
from homeostat.control.state import LoopState, Retraining
from homeostat.kernel.verdicts import ACCEPT, PROMOTE, Reason, Verdict
from tests.harness.running import PATIENCE, Running, started, until
from tests.harness.world import DAY, LOOP, LOOP_FILE, day, write_loop
from tests.unit.serving.parts import model, save_version

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

FOLDER = 'state=hs.StateFolder("beside"),\n'
FUNCTIONS = """
import json, pathlib, shutil, threading
BESIDE = pathlib.Path(__file__).parent / "beside"


def put_back(folder, version):
    with open(BESIDE / "begun", "a") as begun:
        begun.write(version + "\\n")
    while not (BESIDE / "go").exists():
        threading.Event().wait(0.01)
    shutil.copy(folder / "seen.json", BESIDE / "seen.json")


def replay(batches, version):
    seen = json.loads((BESIDE / "seen.json").read_text())
    for rows in batches:
        for row in rows:
            seen[row["question"]["visit"]] = [version, row["answered_by"], row["probability"], row["prediction"]]
    (BESIDE / "seen.json").write_text(json.dumps(seen))


loop = hs.Loop("""
STATE = """state=hs.State(
    checkpoint=lambda folder, version: shutil.copy(BESIDE / "seen.json", folder / "seen.json"),
    restore=put_back, replay=replay, first="state"),
"""


def verdict(name: str) -> Verdict:
    return Verdict(name, (Reason("test", None, None, "the test says so"),))


@contextmanager
def serving(folder: Path, state: str, before: str = "loop = hs.Loop(") -> Iterator[Running]:
    """v1 serves; v2 is registered and asked for nothing yet."""
    text = LOOP_FILE.replace("loop = hs.Loop(", before).replace(
        '    name="visits",\n', f'    name="visits",\n    {state}'
    )
    path, home = write_loop(folder, text=text), Home(folder / "home")
    home.prepare()
    Settings(home=home.root, loop_file=path).save()
    features = load_loops(path)[LOOP].feature_set
    inputs: Any = tuple(features.kinds.items())
    for version, bias in (("v1", -1.0), ("v2", 1.0)):
        data = model(bias, inputs=inputs)
        save_version(home.versions, version, data, inputs=inputs, features=features, loop=LOOP)
    operations = Operations.open(home)
    state_now = operations.state(LOOP)
    for change in (first_champion, training_of_the_second):
        state_now = operations.store.commit(state_now, change(state_now), (), ())
    (folder / "beside").mkdir()
    with started(home.root, path) as running:
        until(lambda: running.doors.get("/health/ready").status_code == 200)
        yield running


def first_champion(state: LoopState) -> LoopState:
    asked = Retraining("visits/retrain/v1", "v1", 0, "test")
    asking = replace(state, retraining=asked, next_version=2, retrained_at=day(0))
    return transitions.first_champion(asking, verdict(ACCEPT), day(0), {}).state


def training_of_the_second(state: LoopState) -> LoopState:
    return state.standing("v2", "candidate", day(0))


def promote(running: Running) -> None:
    """What happens after a checkpoint was taken: v2 is rolled out and becomes champion."""
    operations = Operations.open(Home(running.home))
    state = operations.state(LOOP)
    asking = replace(state, retraining=Retraining("visits/retrain/v2", "v2", 0, "test"), next_version=3)
    opened = transitions.open_rollout(asking, verdict(ACCEPT), day(0), {}, Canary())
    done = transitions.promote(opened.state, verdict(PROMOTE), day(0), {})
    state = operations.store.commit(state, done.state, (*opened.drafts, *done.drafts), ())
    operations.publish(LOOP)
    assert operations.fleet.follow(LOOP, state.route.generation, PATIENCE).lagging == ()


def ask(running: Running, visit: str) -> dict[str, Any]:
    at = "2024-01-02T00:00:00Z"
    row = {"visit": visit, "at": at, "due": "2024-01-02T01:00:00Z", "x": 0.5, "shop": "north"}
    reply = running.ask([row], day(0) + DAY)
    found: dict[str, Any] = reply.json()["predictions"][0]
    return found


def kinds(running: Running) -> list[str]:
    return [one["kind"] for one in running.decisions()]


def test_a_folder_is_what_it_was_before_the_version_that_is_taken_back(tmp_path: Path) -> None:
    beside = tmp_path / "beside"

    def remember(found: dict[str, Any]) -> None:
        """The user's own service, which opens its database anew for each reply."""
        with closing(sqlite3.connect(beside / "users.db")) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS seen (version TEXT, probability REAL)")
            database.execute("INSERT INTO seen VALUES (?, ?)", (found["version"], found["probability"]))

    def remembered() -> list[str]:
        with closing(sqlite3.connect(beside / "users.db")) as database:
            return [version for (version,) in database.execute("SELECT version FROM seen")]

    with serving(tmp_path, FOLDER) as running:
        remember(ask(running, "a"))
        taken = running.command("checkpoints", LOOP, "--take")
        assert (taken["id"], taken["version"], taken["files"]) == ("c1", "v1", 1)
        promote(running)
        remember(ask(running, "b"))
        (beside / "index-of-v2").write_text("what only v2 reads")
        assert remembered() == ["v1", "v2"]
        done = running.command("rollback", LOOP, "--yes", "--reason", "it was wrong")
        assert done["route"]["champion"] == "v1"
        assert done["state"]["decision"]["kind"] == "restore", done
        assert ask(running, "c")["version"] == "v1"
        assert [one.name for one in beside.iterdir()] == ["users.db"]
        assert remembered() == ["v1"]
        assert not (tmp_path / ".beside.homeostat").exists()
        listed = running.command("checkpoints", LOOP)
        assert [(one["id"], one["version"], one["problems"]) for one in listed] == [("c2", "v2", []), ("c1", "v1", [])]
        running.command("checkpoints", LOOP, "--restore", "c2", "--yes")
        assert remembered() == ["v1", "v2"], "what was replaced was kept"
        assert kinds(running)[-6:] == ["rollback", "checkpoint", "restore", "begin", "checkpoint", "restore"]
        (running.home / "checkpoints" / LOOP / "c1" / "files" / "users.db").write_bytes(b"!")
        running.command("checkpoints", LOOP, code=3)
        error = running.command("checkpoints", LOOP, "--restore", "c1", "--yes", code=1)["error"]
        assert (error["code"], "damaged" in error["problem"]) == ("integrity_error", True)
        assert remembered() == ["v1", "v2"], "nothing of a damaged one is put back"
        assert running.command("ledger", "verify")["intact"]


def test_state_that_must_be_right_first_is_put_back_and_replayed_though_control_is_killed_in_the_middle(
    tmp_path: Path,
) -> None:
    beside = tmp_path / "beside"

    def remember(found: dict[str, Any], visit: str) -> None:
        place = beside / "seen.json"
        known = json.loads(place.read_text()) if place.exists() else {}
        place.write_text(json.dumps({**known, visit: [found["version"], "live", found["probability"], None]}))

    with serving(tmp_path, STATE, FUNCTIONS) as running:
        remember(ask(running, "a"), "a")
        own = ask(running, "same question")["probability"]
        running.command("checkpoints", LOOP, "--take")
        promote(running)
        other = ask(running, "b")
        remember(other, "b")
        assert other["probability"] != own
        asked = running.control.post(f"/api/loops/{LOOP}/rollback", json={"reason": "it was wrong"})
        assert asked.json()["restoring"]["way"] == "replay"
        until(lambda: (beside / "begun").exists())
        shown = running.overview()
        assert (shown["route"]["champion"], shown["state"]["restoring"]["waits"]) == ("v2", True)
        assert shown["activity"]["kind"] == "state"
        refused = running.control.post(f"/api/loops/{LOOP}/rollback", json={"reason": "again"})
        assert refused.status_code == 403
        running.kill("control")
        until(lambda: (beside / "begun").read_text().count("v1") == 2)
        assert ask(running, "c")["version"] == "v2", "users stay where they are until the state is right"
        (beside / "go").touch()
        until(lambda: (told := running.overview())["route"]["champion"] == "v1" and not told["lagging"])
        assert ask(running, "d")["version"] == "v1"
        seen = json.loads((beside / "seen.json").read_text())
        assert seen["a"][0] == "v1"
        assert set(seen) == {"a", "same question", "b", "c"}
        for visit in ("b", "c"):
            version, answered_by, probability, prediction = seen[visit]
            assert (version, answered_by, prediction) == ("v1", "v2", False), "rebuilt by the eyes of v1"
            assert probability == pytest.approx(own, abs=1e-6)
        assert kinds(running).count("restore") == kinds(running).count("rollback") == 1
        assert running.overview()["state"]["restoring"] is None
        assert running.command("ledger", "verify")["intact"]
