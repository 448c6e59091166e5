"""What waits for a person: listed with its id, answered from the command line by name, kept through restarts."""

from __future__ import annotations

import json

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.control import transitions
from homeostat.control.gates import Gate
from homeostat.control.releasing import ask_release
from homeostat.control.state import initial_state
from homeostat.kernel.verdicts import ACCEPT, RETRAIN, Reason, Verdict
from tests.harness.grown import BEGAN
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command

QUESTION = f"{LOOP}/retrain/v4/release"


@pytest.fixture
def asking(home: Home) -> Operations:
    """The gate asks about version 4, whose author is ana."""
    file = home.root.parent / "loop.py"
    file.write_text(file.read_text().replace("hs.Gate(min_days=3,", 'hs.Gate(approval="900d", min_days=3,'))
    operations = Operations.open(home)
    before = operations.state(LOOP)
    ended = transitions.take_back(before, Verdict("ROLL_BACK", (Reason("x", None, None, "x"),)), BEGAN, {})
    state = operations.store.commit(before, ended.state, ended.drafts, ())
    why = Verdict(RETRAIN, (Reason("too_old", 21, 20, "retrained 21 days ago"),))
    passed = Verdict(ACCEPT, (Reason("better", 0.2, 0.0, "skill 0.2 > 0"),))
    for step in (
        lambda s: transitions.ask_retraining(s, why, BEGAN, {}),
        lambda s: ask_release(s, passed, BEGAN, {}, Gate(approval="900d"), "ana@example.org"),
    ):
        after, drafts = step(state)
        state = operations.store.commit(state, after, drafts, ())
    return Operations.open(home)


def test_what_waits_is_listed_with_its_evidence_and_in_status(command: Command, asking: Operations) -> None:
    (one,) = json.loads(command("approvals", "--home", asking.home.root, "--json").stdout)
    assert (one["question"], one["kind"], one["not_by"]) == (QUESTION, "release", "ana@example.org")
    assert one["reasons"][0] == "skill 0.2 > 0"
    assert QUESTION in command("approvals", "--home", asking.home.root).stdout
    assert f"'homeostat approve' or 'reject' {QUESTION}" in command("status", "--home", asking.home.root).stdout


def test_the_author_is_refused_and_somebody_else_approves_into_the_ledger(command: Command, asking: Operations) -> None:
    words = ("approve", QUESTION, "--reason", "seen", "--home", asking.home.root, "--yes", "--json")
    for author in ("ana", "Ana Lima <ANA@example.org>"):
        refused = command(*words, "--by", author)
        assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (1, "refused")
    done = command(*words, "--by", "ben@example.org")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["decision"]["actor"] == "ben@example.org"
    again = command(*words, "--by", "carl")
    assert json.loads(again.stdout)["error"]["code"] == "conflict"
    assert json.loads(command("approvals", "--home", asking.home.root, "--json").stdout) == []


def test_rejected_it_is_turned_away_whether_or_not_control_runs(command: Command, asking: Operations) -> None:
    done = command("reject", "--reason", "no", "--by", "ben", "--home", asking.home.root, "--yes")
    assert done.exit_code == 0, done.stderr
    state = asking.state(LOOP)
    assert (state.held, state.versions["v4"].name) == (None, "rejected")
    assert state != initial_state(LOOP)


def test_an_id_that_nobody_asked_is_told_so(command: Command, asking: Operations) -> None:
    done = command("approve", "visits/x", "--reason", "no", "--home", asking.home.root, "--yes", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "not_found"
    assert QUESTION in done.stderr
