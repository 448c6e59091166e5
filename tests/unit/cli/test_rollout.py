"""A rollout that asks, as a person meets it on the command line: told with its evidence, answered once."""

from __future__ import annotations

import json

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.service import ControlService
from homeostat.app.home import Home
from homeostat.cli.context import person
from homeostat.control.approvals import ask
from homeostat.control.rollouts import Canary
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import ASK, Reason, Verdict
from tests.harness.grown import BEGAN
from tests.harness.world import DAY, LOOP
from tests.unit.app.test_operations import service
from tests.unit.cli.conftest import Command

WHY = Verdict(ASK, (Reason("never_proven", 8, 8, "undecided after 8 looks >= 8, at 25%"),))
SAID = ("--reason", "the agents agree", "--home")


@pytest.fixture
def asking(home: Home) -> Operations:
    """The rollout of version 3 asks whether it may go on."""
    operations = Operations.open(home)
    state = operations.state(LOOP)
    after, drafts = ask(state, WHY, BEGAN + 8 * DAY, {}, Canary())
    operations.store.commit(state, after, drafts, ())
    return operations


def test_status_asks_with_the_evidence_and_says_how_to_answer(command: Command, asking: Operations) -> None:
    shown = command("status", "--home", asking.home.root).stdout
    assert "rollout        v3 at 25%, asking\n" in shown
    assert "asks           may v3 advance to 50%? undecided after 8 looks >= 8, at 25%\n" in shown
    assert f"'homeostat approve' or 'reject' {LOOP}/rollout/v3/1\n" in shown
    assert "until 2024-01-16 00:00 UTC" in shown
    assert max(map(len, shown.splitlines())) <= 90
    told = json.loads(command("status", "--home", asking.home.root, "--json").stdout)["rollout"]
    assert (told["state"], told["asked"]["reasons"]) == ("asking", list(WHY.texts))


def test_approving_asks_first_and_changes_nothing_for_anyone_yet(command: Command, asking: Operations) -> None:
    words = ("approve", *SAID, asking.home.root)
    no = command(*words, answer="n\n")
    assert no.exit_code == 1
    assert "May v3 advance to 50%?" in no.stderr
    assert "undecided after 8 looks" in no.stderr
    before = asking.state(LOOP)
    done = command(*words, answer="y\n")
    assert done.exit_code == 0, done.stderr
    assert "v3 may advance to 50% (generation 5)." in done.stdout
    assert asking.state(LOOP).route == before.route
    shown = command("status", "--home", asking.home.root).stdout
    assert "approved       v3 advance to 50%, at the next look; by " in shown


def test_refusing_takes_it_back_and_tells_both_decisions(command: Command, asking: Operations) -> None:
    done = command("reject", f"{LOOP}/rollout/v3/1", *SAID, asking.home.root, "--yes", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["route"]["canary"] is None
    last = asking.store.entries()[-2:]
    assert [(one.draft.kind, one.draft.actor) for one in last] == [
        ("refuse", person()),
        ("rollback", person()),
    ]
    assert last[0].draft.reasons == (f"refused by {person()}: the agents agree",)


def test_with_nothing_asked_both_say_so(command: Command, home: Home) -> None:
    for said in ("approve", "reject"):
        done = command(said, *SAID, home.root, "--json")
        assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (1, "not_found")
        assert "homeostat decisions" in done.stderr


def test_an_answer_needs_a_reason(command: Command, asking: Operations) -> None:
    done = command("approve", "--home", asking.home.root)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--reason" in done.stderr


@pytest.mark.parametrize(("first", "told"), [(True, "v3 may advance to 50%"), (False, "v3 may not advance to 50%")])
def test_who_comes_second_is_told_who_was_faster_and_what_was_said(asking: Operations, first: bool, told: str) -> None:
    loop = service(asking.home, None).loops_by_name[LOOP]
    question = asking.overview(loop, None)["rollout"]["asked"]["question"]
    asking.answer(loop, question, "seen it", approved=first, actor="anna", now=None)
    written = asking.store.entries()
    with pytest.raises(Conflict, match="anna was faster") as found:
        asking.answer(loop, question, "too late", approved=not first, actor="ben", now=None)
    assert told in found.value.problem
    assert asking.store.entries() == written


def test_an_answer_on_the_dashboard_is_for_the_question_that_was_shown(asking: Operations) -> None:
    control: ControlService = service(asking.home, None)
    with pytest.raises(Conflict, match="something else"):
        control.answer(LOOP, f"{LOOP}/rollout/v3/0", "yes", approved=True)
    question = control.overview(LOOP)["rollout"]["asked"]["question"]
    done = control.answer(LOOP, question, "yes", approved=True)
    assert (done["decision"]["kind"], done["decision"]["actor"]) == ("approve", "dashboard")
    with pytest.raises(Conflict, match="dashboard was faster"):
        control.answer(LOOP, question, "no", approved=False)
    asking.rollback(LOOP, "enough", actor="me", now=None)
    with pytest.raises(Refused):
        control.answer(LOOP, None, "no", approved=False)
