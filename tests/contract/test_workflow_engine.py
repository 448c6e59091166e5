"""What every workflow engine promises: finished steps stay finished, whatever happens to the process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.dbos.workflows import DbosEngine
from homeostat.kernel.errors import Conflict, NotFound, Refused, Unavailable
from homeostat.training.pipeline import Body, Json, Steps, WorkflowEngine

PATIENCE = 60.0
OpenEngine = Callable[..., WorkflowEngine]


@pytest.fixture
def open_engine(tmp_path: Path) -> Iterator[OpenEngine]:
    """Launches engines on one database, one after the other."""
    opened: list[WorkflowEngine] = []

    def launch(bodies: dict[str, Body], release: str = "r1") -> WorkflowEngine:
        for engine in opened:
            engine.close()
        engine = DbosEngine(tmp_path / "workflows.sqlite", release=release)
        opened.append(engine)
        for name, body in bodies.items():
            engine.register(name, body)
        engine.launch()
        return engine

    yield launch
    for engine in opened:
        engine.close()


def add_up(steps: Steps, arguments: Json) -> Json:
    one = steps.run("one", lambda: {"value": arguments["start"] + 1})
    two = steps.run("two", lambda: one["value"] + 1)
    return {"total": two, "pair": (one["value"], two)}


def test_a_workflow_runs_to_its_result(open_engine: OpenEngine) -> None:
    engine = open_engine({"add": add_up})
    engine.start("add", "w1", {"start": 40})
    state = engine.wait("w1", PATIENCE)
    assert (state.status, state.result, state.error) == ("DONE", {"total": 42, "pair": [41, 42]}, None)


def test_an_unknown_id_is_unknown(open_engine: OpenEngine) -> None:
    assert open_engine({"add": add_up}).state("nothing").status == "UNKNOWN"


def test_starting_again_changes_nothing(open_engine: OpenEngine) -> None:
    ran: list[Json] = []

    def count(steps: Steps, arguments: Json) -> Json:
        return steps.run("count", lambda: ran.append(arguments) or len(ran))

    engine = open_engine({"count": count})
    for argument in (1, 2, 3):
        engine.start("count", "w1", argument)
        engine.wait("w1", PATIENCE)
    assert (ran, engine.state("w1").result) == ([1], 1)


def test_starting_from_many_threads_starts_once(open_engine: OpenEngine) -> None:
    ran: list[Json] = []
    engine = open_engine({"count": lambda steps, arguments: steps.run("count", lambda: ran.append(arguments))})
    threads = [threading.Thread(target=engine.start, args=("count", "w1", n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.wait("w1", PATIENCE).status == "DONE"
    assert len(ran) == 1


def test_a_step_that_raises_fails_the_workflow_with_its_error(open_engine: OpenEngine) -> None:
    def refuse(steps: Steps, arguments: Json) -> Json:
        def effect() -> Json:
            raise Refused("Not today.", mend="Come back tomorrow.", path=Path("a"))

        return steps.run("refuse", effect)

    engine = open_engine({"refuse": refuse})
    engine.start("refuse", "w1", None)
    state = engine.wait("w1", PATIENCE)
    assert state.status == "FAILED"
    assert state.error == {
        "code": "refused",
        "problem": "Not today.",
        "mend": "Come back tomorrow.",
        "facts": {"path": "a"},
    }


@pytest.mark.parametrize("result", [float("nan"), object(), {1, 2}])
def test_a_result_that_is_no_json_fails_the_workflow(open_engine: OpenEngine, result: object) -> None:
    engine = open_engine({"odd": lambda steps, arguments: steps.run("odd", lambda: result)})
    engine.start("odd", "w1", None)
    state = engine.wait("w1", PATIENCE)
    assert (state.status, state.error["code"]) == ("FAILED", "homeostat_error")
    assert "'odd'" in state.error["problem"]


def test_waiting_ends_with_the_timeout(open_engine: OpenEngine) -> None:
    release = threading.Event()
    engine = open_engine({"wait": lambda steps, arguments: steps.run("wait", lambda: release.wait(PATIENCE))})
    engine.start("wait", "w1", None)
    assert engine.wait("w1", 0.05).status == "PENDING"
    release.set()
    assert engine.wait("w1", PATIENCE).status == "DONE"


def test_names_are_taken_once_and_before_launch(open_engine: OpenEngine) -> None:
    engine = open_engine({"add": add_up})
    with pytest.raises(Conflict):
        engine.register("late", add_up)
    with pytest.raises(NotFound, match="'none'"):
        engine.start("none", "w1", None)
    engine.close()
    with pytest.raises(Unavailable):
        engine.state("w1")


def test_a_duplicate_name_is_refused(tmp_path: Path) -> None:
    engine = DbosEngine(tmp_path / "workflows.sqlite", release="r1")
    engine.register("add", add_up)
    with pytest.raises(Conflict, match="'add'"):
        engine.register("add", add_up)


def test_what_was_under_way_when_closed_is_taken_up(open_engine: OpenEngine) -> None:
    began, go_on = threading.Event(), threading.Event()
    ran: list[str] = []

    def body(steps: Steps, arguments: Json) -> Json:
        steps.run("first", lambda: ran.append("first"))

        def second() -> Json:
            ran.append("second")
            began.set()
            go_on.wait(PATIENCE)
            return "done"

        return steps.run("second", second)

    engine = open_engine({"body": body})
    engine.start("body", "w1", None)
    assert began.wait(PATIENCE)
    engine.close()
    go_on.set()
    engine = open_engine({"body": body})
    assert engine.wait("w1", PATIENCE).result == "done"
    assert ran == ["first", "second", "second"]


def test_another_release_does_not_take_up_what_it_may_not_understand(open_engine: OpenEngine) -> None:
    began, go_on = threading.Event(), threading.Event()

    def body(steps: Steps, arguments: Json) -> Json:
        return steps.run("step", lambda: began.set() or go_on.wait(PATIENCE))

    engine = open_engine({"body": body})
    engine.start("body", "w1", None)
    assert began.wait(PATIENCE)
    engine = open_engine({"body": body}, release="r2")
    go_on.set()
    state = engine.state("w1")
    assert (state.status, state.error["code"]) == ("FAILED", "conflict")


CHILD = Path(__file__).with_name("workflow_child.py")
SPOTS = ["before 1", "inside 1", "after 1", "inside 2", "after 3"]


@pytest.mark.parametrize("spot", SPOTS)
def test_a_killed_process_goes_on_where_it_stopped(tmp_path: Path, spot: str) -> None:
    killed = run_child(tmp_path, spot)
    assert killed == -signal.SIGKILL
    assert run_child(tmp_path, "nowhere") == 0
    ended = [line for line in effects(tmp_path) if line.startswith("ended")]
    assert json.loads((tmp_path / "state.json").read_text()) == {"status": "DONE", "result": [1, 2, 3]}
    inside = int(spot.split()[1]) if spot.startswith("inside") else None
    for step in (1, 2, 3):
        began = effects(tmp_path).count(f"began {step}")
        assert began == (2 if step == inside else 1), effects(tmp_path)
    assert sorted(ended) == ["ended 1", "ended 2", "ended 3"]


def run_child(folder: Path, spot: str) -> int:
    """Run the child process until it ends or kills itself at ``spot``; its exit status."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error", str(CHILD), str(folder), spot]
    return subprocess.run(command, env=environment, timeout=100, check=False).returncode


def effects(folder: Path) -> list[str]:
    return (folder / "effects.txt").read_text().splitlines()


def test_nothing_pickled_is_stored_or_read(
    open_engine: OpenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = open_engine({"add": add_up})
    engine.start("add", "w1", {"start": 1})
    engine.wait("w1", PATIENCE)
    assert stored(tmp_path, "select distinct serialization from workflow_status") == [("homeostat_json",)]
    assert stored(tmp_path, "select distinct serialization from operation_outputs") == [("homeostat_json",)]
    stored(tmp_path, "update workflow_status set serialization = 'py_pickle', output = ?", EVIL)
    state = engine.state("w1")
    assert state.status == "FAILED"
    assert not (tmp_path / "pwned").exists()


# A pickle that runs "touch pwned" when it is loaded.
EVIL = "Y3Bvc2l4CnN5c3RlbQooUyd0b3VjaCBwd25lZCcKdFIu"


def stored(folder: Path, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(folder / "workflows.sqlite")) as connection, connection:
        return connection.execute(sql, values).fetchall()


def test_the_database_is_in_wal_mode(open_engine: OpenEngine, tmp_path: Path) -> None:
    open_engine({"add": add_up})
    assert stored(tmp_path, "pragma journal_mode") == [("wal",)]
