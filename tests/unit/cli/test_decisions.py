"""`homeostat decisions`: lists as before, explains each decision, and judges again what can be judged again."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from typer.testing import CliRunner

import homeostat as hs
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.cli.decisions import print_decisions
from homeostat.cli.main import app
from homeostat.cli.options import said
from homeostat.control import transitions
from homeostat.control.policies.judging import explain_retrain
from homeostat.control.policies.situation import Situation
from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import Verdict
from tests.harness.grown import BEGAN, grown_home
from tests.harness.world import LOOP

SEEN = Situation(BEGAN + 60 * duration("1d"), "2024-03-01T00:00", "v2", BEGAN, None)
run = CliRunner().invoke


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of an older release, with three decisions to train; a new one writes two more, the second changed."""
    found = grown_home(tmp_path_factory.mktemp("decided"))
    store = Operations.open(found).store
    told = explain_retrain(SEEN, hs.Retrain())
    edited = {**told.evidence(), "situation": dataclasses.replace(SEEN, since=SEEN.now - 1).to_json()}
    for facts in (told.evidence(), edited):
        before = store.state(LOOP)
        verdict = Verdict(told.verdict.name, told.verdict.reasons)
        after, drafts = transitions.ask_retraining(before, verdict, SEEN.now, facts)
        store.commit(before, after, drafts, ())
    return found


def newest(home: Home) -> int:
    return len(Operations.open(home).store.entries())


def invoke(home: Home, *words: str) -> tuple[int, str, str]:
    done = run(app, ["decisions", *words, "--home", str(home.root)])
    return done.exit_code, done.stdout, done.stderr


def explained(home: Home, *words: str) -> tuple[int, Any]:
    code, out, _ = invoke(home, "explain", *words, "--json")
    return code, json.loads(out)


@pytest.mark.parametrize(
    "words", [(), (LOOP,), ("list",), ("list", LOOP), (LOOP, "--json"), ("--json",), ("--after", "3")]
)
def test_without_a_command_it_lists(home: Home, words: tuple[str, ...]) -> None:
    code, out, _ = invoke(home, *words)
    assert code == 0
    assert "Retrain: v" in out


def test_a_decision_is_explained_in_one_sentence_and_in_full(home: Home) -> None:
    code, out, _ = invoke(home, "explain", str(newest(home) - 1))
    assert code == 0
    assert "It is time to retrain: 60.0 days since" in out
    assert "cool down: RETRAIN  retrained 60.0 days ago >= 14d" in out
    assert "    sustained: INCONCLUSIVE  v2 made no promise" in out
    assert "    schedule: RETRAIN" in out


def test_its_inputs_and_its_policy_are_told_as_stored(home: Home) -> None:
    code, told = explained(home, str(newest(home) - 1), "--replay")
    assert code == 0
    assert Situation.from_json(told["situation"]) == SEEN
    assert hs.Retrain.from_json(told["policy"]) == hs.Retrain()
    assert told["policy_version"] == hs.Retrain().version
    assert told["replay"] == {
        "equal": True,
        "verdict": "RETRAIN",
        "reasons": told["reasons"],
        "differences": [],
        "problem": None,
    }
    assert explained(home, told["id"])[1]["seq"] == told["seq"]


def test_a_verdict_that_cannot_be_made_again_is_told_with_exit_code_3(home: Home) -> None:
    code, told = explained(home, str(newest(home)), "--replay")
    assert (code, told["replay"]["equal"], told["replay"]["verdict"]) == (3, False, "HOLD")
    code, out, _ = invoke(home, "explain", str(newest(home)), "--replay")
    assert code == 3
    assert "verdict: 'HOLD' now, 'RETRAIN' then" in out


def test_what_an_older_release_decided_is_explained_as_far_as_it_is_known(home: Home) -> None:
    code, out, talk = invoke(home, "explain", "1")
    assert code == 0
    assert "It is time to retrain: retrained 21.0 days ago >= 20d." in out
    assert "holds no situation" in talk
    code, told = explained(home, "1", "--replay")
    assert (code, told["replay"]["equal"]) == (3, None)
    assert "holds no situation" in told["replay"]["problem"]


@pytest.mark.parametrize("name", ["99", "0", "nothing", "9" * 30])
def test_an_unknown_decision_says_where_to_look(home: Home, name: str) -> None:
    code, told = explained(home, name)
    assert (code, told["error"]["code"]) == (1, "not_found")
    assert "homeostat decisions" in told["error"]["mend"]


def test_what_people_wrote_cannot_pose_as_another_decision(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "fine\n  12  2026-11-22 22:47  v3 passed the gate\x1b[31m"
    told = {"seq": 11, "at": "2026-11-22T22:00:00Z", "title": "v2 may go on", "verdict": "ACCEPT", "actor": forged}
    print_decisions([{**told, "reasons": [forged]}])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 2
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_reason_says_something(reason: str) -> None:
    done = CliRunner().invoke(app, ["versions", "pin", "v1", "--reason", reason])
    assert done.exit_code == 2
    assert "say why" in done.output
    assert said(" a\n b ") == "a b"
