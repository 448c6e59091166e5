"""What the commands tell of a loop's state: its checkpoints, what is on its way, a release that waits."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from homeostat.app.versioned_state.progress import Progress
from homeostat.control.state import Flip, Held, Restoring
from tests.harness.world import LOOP, LOOP_FILE, write_loop
from tests.unit.cli.conftest import Command

TEXT = LOOP_FILE.replace('    name="visits",\n', '    name="visits",\n    state=hs.StateFolder("beside"),\n')


@pytest.fixture
def beside(home: Home) -> Path:
    """The loop's folder of state; v2 serves and v3 has a quarter."""
    folder = Settings.load(home.root).loop_file.parent
    write_loop(folder, text=TEXT)
    (folder / "beside").mkdir()
    (folder / "beside" / "users").write_text("of v2")
    return folder / "beside"


def test_a_loop_without_state_is_told_how_to_declare_some(command: Command, home: Home) -> None:
    for words in (["checkpoints"], ["checkpoints", "--take"], ["rollback", "--yes", "--state", "restore"]):
        done = command(*words, "--home", home.root)
        assert done.exit_code == 1
        assert "declares no state" in done.stderr
        assert "hs.StateFolder" in done.stderr


def test_checkpoints_are_taken_listed_and_found_damaged(command: Command, home: Home, beside: Path) -> None:
    done = command("checkpoints", "--home", home.root)
    assert (done.exit_code, "No checkpoint yet" in done.stderr) == (0, True)
    assert command("checkpoints", "--take", "--home", home.root).stdout == "c1 holds the state of v2: 1 file, 5 B.\n"
    assert "intact" in command("checkpoints", "--home", home.root).stdout
    assert "not verified" in command("checkpoints", "--no-verify", "--home", home.root).stdout
    (home.checkpoints / LOOP / "c1" / "files" / "users").write_text("!")
    done = command("checkpoints", "--home", home.root)
    assert (done.exit_code, "c1 is damaged: 'users' was changed" in done.stdout) == (3, True)
    told = json.loads(command("checkpoints", "--home", home.root, "--json").stdout)
    assert [(one["id"], one["recorded"], one["problems"]) for one in told] == [("c1", True, ["'users' was changed"])]
    done = command("checkpoints", "--restore", "c1", "--yes", "--home", home.root)
    assert (done.exit_code, "which are intact" in done.stderr) == (1, True)
    assert os.listdir(beside) == ["users"]


def test_while_nothing_runs_a_restore_is_written_down_and_waits(command: Command, home: Home, beside: Path) -> None:
    command("checkpoints", "--take", "--home", home.root)
    done = command("checkpoints", "--restore", "c1", "--yes", "--home", home.root)
    assert (done.exit_code, "Nothing runs here" in done.stderr) == (0, True)
    done = command("status", "--home", home.root)
    assert "that of v2 is put back from c1: waiting for control" in " ".join(done.stdout.split())
    assert command("rollback", "--yes", "--home", home.root).exit_code == 1
    done = command("rollback", "--yes", "--state", "leave", "--home", home.root)
    assert (done.exit_code, Operations.open(home).state(LOOP).restoring) == (0, None)


def test_status_tells_how_far_state_is_who_answers_until_then_and_what_a_release_waits_for(
    command: Command, home: Home, beside: Path
) -> None:
    store = Operations.open(home).store
    state = store.state(LOOP)
    moving = Restoring("visits/state/9", "restore", "v1", "v2", "c4", "ab", 0, 0, "me", (), 3, Flip())
    held = Held("v9", 0, 3, "the folder is gone.")
    store.commit(state, dataclasses.replace(state, restoring=moving, held=held), (), ())
    Progress(home.checkpoints / LOOP).say("putting c4 back", 1, 4)
    told = " ".join(command("status", "--home", home.root).stdout.split())
    assert "that of v1 is put back from c4: putting c4 back, 25%; v2 answers until then" in told
    assert "v9 waits for a checkpoint: the folder is gone." in told
