"""Consumers at the command line: who reads is known, and nobody is forgotten by accident."""

from __future__ import annotations

import json

from homeostat.app.home import Home
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command


def test_a_registration_is_listed_told_to_serving_and_in_the_ledger(command: Command, home: Home) -> None:
    before = len(json.loads(command("decisions", "--home", home.root, "--json").stdout))
    words = ("consumers", "add", LOOP, "board", "--contact", "shop floor", "--needs", "probability, prediction")
    done = command(*words, "--home", home.root)
    assert done.stdout == "board is registered for visits; it needs probability, prediction.\n"
    assert "Homeostat-Consumer: board" in done.stderr
    shown = command("consumers", "list", "--home", home.root)
    assert shown.stdout.startswith("board reads visits, since ")
    assert "    contact   shop floor\n    needs     probability, prediction\n" in shown.stdout
    assert "nobody counts requests now" in shown.stderr
    assert json.loads(home.consumers.read_text()) == {LOOP: ["board"]}
    entry = json.loads(command("decisions", "--home", home.root, "--json").stdout)[before]
    assert (entry["kind"], entry["title"]) == ("consumer", "board reads the predictions")
    assert command("ledger", "verify", "--home", home.root).exit_code == 0


def test_a_loop_that_there_is_not_is_told(command: Command, home: Home) -> None:
    assert "makes no loop 'nope'" in command("consumers", "list", "nope", "--home", home.root).stderr
    assert command("consumers", "list", LOOP, "--home", home.root).exit_code == 0


def test_with_json_a_registration_is_data(command: Command, home: Home) -> None:
    done = command("consumers", "add", LOOP, "board", "--contact", "x", "--home", home.root, "--json")
    (listed,) = json.loads(command("consumers", "list", LOOP, "--home", home.root, "--json").stdout)
    assert json.loads(done.stdout) == {
        name: listed[name] for name in ("loop", "consumer", "registered", "contact", "needs", "since")
    }
    assert listed["needs"] == ["prediction", "probability", "prediction_id", "version", "arm"]
    assert (listed["requests"], listed["last_seen"]) == (None, None)


def test_removing_asks_first_and_only_a_yes_removes(command: Command, home: Home) -> None:
    command("consumers", "add", LOOP, "board", "--contact", "x", "--home", home.root)
    kept = command("consumers", "remove", LOOP, "board", "--home", home.root, answer="n\n")
    assert kept.exit_code == 1
    assert "Let the outputs of visits change without asking board?" in kept.stderr
    assert "board" in command("consumers", "list", "--home", home.root).stdout
    done = command("consumers", "remove", LOOP, "board", "--yes", "--home", home.root)
    assert done.stdout == "board is no longer registered for visits.\n"
    empty = command("consumers", "list", "--home", home.root)
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "Nobody is registered." in empty.stderr
    assert json.loads(home.consumers.read_text()) == {}


def test_what_cannot_be_says_what_to_do(command: Command, home: Home) -> None:
    command("consumers", "add", LOOP, "board", "--contact", "x", "--home", home.root)
    for words, said in (
        (("add", LOOP, "board", "--contact", "y"), "homeostat consumers remove visits board"),
        (("add", LOOP, "Board", "--contact", "y"), "Use small letters"),
        (("add", LOOP, "other", "--contact", "y", "--needs", "probabilty"), "Did you mean 'probability'?"),
        (("add", "visit", "other", "--contact", "y"), "visits"),
        (("remove", LOOP, "bord", "--yes"), "board"),
    ):
        done = command("consumers", *words, "--home", home.root)
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr
