"""Commands on a home: stdout is data, stderr is talk, and every error says what to do."""

from __future__ import annotations

import dataclasses
import json
import socket
import sqlite3
import sys
from pathlib import Path

import pytest

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home, HomeLock
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.cli.context import person
from homeostat.control.drills import DrillSeen, filed
from homeostat.control.state import initial_state
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import duration, parse_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.serving.waiting import Waiting
from tests.harness.world import LOOP, LOOP_FILE, write_loop
from tests.unit.cli.conftest import Command
from tests.unit.serving.parts import save_version

READING = (
    *("status", "decisions", "versions", "report", "rollback", "ledger verify"),
    *("features audit", "features review", "consumers list"),
)


@pytest.mark.parametrize("words", READING)
def test_without_a_state_every_command_says_how_to_make_one(command: Command, tmp_path: Path, words: str) -> None:
    done = command(*words.split(), "--home", tmp_path / "none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no Homeostat state in" in done.stderr
    assert "mend:  Run 'homeostat up' or 'homeostat demo' first" in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("words", READING)
def test_with_json_an_error_is_data_too(command: Command, tmp_path: Path, words: str) -> None:
    done = command(*words.split(), "--home", tmp_path, "--json")
    assert done.exit_code == 1
    error = json.loads(done.stdout)["error"]
    assert (error["code"], set(error)) == ("not_found", {"code", "problem", "mend", "facts"})


@pytest.mark.parametrize("words", ["status", "decisions", "versions", "ledger verify"])
def test_with_json_stdout_is_data_and_nothing_else(command: Command, home: Home, words: str) -> None:
    done = command(*words.split(), "--home", home.root, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize("words", ["status", "decisions", "versions", "ledger verify"])
def test_text_fits_a_narrow_terminal(command: Command, home: Home, words: str) -> None:
    done = command(*words.split(), "--home", home.root)
    assert done.exit_code == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 90
    assert done.stdout.isascii()


def test_status_tells_what_serves_and_what_is_under_way(command: Command, home: Home) -> None:
    shown = command("status", "--home", home.root).stdout
    assert "decided until 2024-01-08 00:00 UTC" in shown
    assert "rollout        v3 at 25%, look 2 of at most" in shown
    assert "champion       v2" in shown
    assert "standby        v1" in shown
    assert "served 2,304" in shown
    assert "last decision\n" in shown


def test_status_and_alerts_tell_first_that_nothing_runs_and_how_it_is_started(command: Command, home: Home) -> None:
    shown = command("status", "--home", home.root)
    assert shown.stdout.splitlines()[0] == "running        no"
    assert f"Start it:  homeostat up {home.root.parent / 'loop.py'} --home {home.root}" in shown.stderr
    assert "Nothing runs: nothing is looked at." in command("alerts", "--home", home.root).stderr
    assert json.loads(command("status", "--home", home.root, "--json").stdout)["alive"]["running"] is False


def test_status_tells_what_serves_also_where_the_loop_file_is_broken(command: Command, home: Home) -> None:
    (home.root.parent / "loop.py").write_text("def (")
    done = command("status", "--home", home.root)
    assert done.exit_code == 1
    assert "champion       v2" in done.stdout
    assert "does not import: SyntaxError" in done.stderr


def test_status_tells_why_nothing_serves_and_when_it_is_tried_again(command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    Settings(home=home.root, loop_file=write_loop(tmp_path)).save()
    operations = Operations.open(home)
    assert "first version is trained once enough labels are mature" in command("status", "--home", home.root).stdout
    why = "v1 did not pass the gate (skill over the base rate may be -0.0213 <= 0)"
    operations.say_waiting(LOOP, Waiting("rejected", why, "v1", parse_instant("2024-01-08T00:00:00Z")))
    shown = command("status", "--home", home.root).stdout
    assert f"champion       none\nwaiting        {why};\n" in shown
    assert "tried again from 2024-01-08 00:00 UTC on; changed code at once" in " ".join(shown.split())
    told = json.loads(command("status", "--home", home.root, "--json").stdout)["waiting"]
    assert (told["code"], told["next_try"]) == ("rejected", "2024-01-08T00:00:00Z")


def test_status_names_versions_that_the_loop_file_cannot_feed_any_more(command: Command, home: Home) -> None:
    features = load_loops(Settings.load(home.root).loop_file)[LOOP].feature_set
    save_version(home.versions, "v2", b"", features=features, loop=LOOP)
    assert "problem" not in command("status", "--home", home.root).stdout
    write_loop(home.root.parent, text=LOOP_FILE.replace('"6h"', '"3h"'))
    shown = " ".join(command("status", "--home", home.root).stdout.split())
    assert "problem v2 was trained with other definitions than the loop file has: view purchases_window" in shown
    assert "over 6h became 3h" in shown


def test_status_tells_which_freshness_objectives_were_missed(command: Command, home: Home) -> None:
    operations = Operations.open(home)
    state = operations.state(LOOP)
    day = max((day for _, day in operations.store.days(LOOP)), key=lambda day: day.start)
    met = {"table weather": False, "view sky": None, "table planes": True}
    seen = dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, freshness=met))
    operations.store.commit(state, state, (), [seen])
    shown = command("status", "--home", home.root).stdout
    assert "freshness      missed: table weather   unknown: view sky (end of 2024-01-08)" in shown


def test_status_tells_of_a_drill_that_failed_and_of_one_that_is_overdue(command: Command, home: Home) -> None:
    operations = Operations.open(home)
    state = operations.state(LOOP)
    assert "drill" not in command("status", "--home", home.root).stdout
    at = parse_instant("2024-01-07T03:00:00Z")
    after, drafts = filed(state, "v2", DrillSeen(1, 0.1, 2.5, 9, 0.0, ()), at, "schedule")
    state = operations.store.commit(state, after, drafts, ())
    shown = command("status", "--home", home.root).stdout
    assert "drill          Rollback drill of v2: failed, 2024-01-07 03:00 UTC: 2.5 s until the last" in shown
    assert "overdue" not in shown
    late = dataclasses.replace(state, decided_until=at + duration("100d"))
    operations.store.commit(state, late, (), ())
    assert "overdue by 15.1 days: 'homeostat drill rollback'" in command("status", "--home", home.root).stdout
    loop = LOOP_FILE.replace("rollout=hs.Canary(", 'drills=hs.Drills("90d"),\n    rollout=hs.Canary(')
    write_loop(home.root.parent, text=loop)
    assert "overdue by 15.1 days: rehearsed at 03:00-05:00 UTC" in command("status", "--home", home.root).stdout


def test_decisions_come_with_their_reasons_in_order(command: Command, home: Home) -> None:
    shown = command("decisions", "--home", home.root).stdout.splitlines()
    assert shown[0].startswith("   1  2024-01-01 00:00  Train the first version, v1")
    assert shown[1] == "      retrained 21.0 days ago >= 20d"
    assert len(json.loads(command("decisions", "--home", home.root, "--json", "--after", 3).stdout)) == 8


def test_versions_come_newest_first_with_their_standing(command: Command, home: Home) -> None:
    shown = command("versions", "--home", home.root).stdout.splitlines()
    assert shown[0].split() == ["version", "standing", "as", "of", "(UTC)", "rows", "log-loss", "AUC", "Brier"]
    assert [line.split()[:2] for line in shown[1:]] == [["v3", "candidate"], ["v2", "champion"], ["v1", "standby"]]


def test_an_unknown_loop_is_told_the_known_ones(command: Command, home: Home) -> None:
    done = command("status", "visit", "--home", home.root)
    assert done.exit_code == 1
    assert "Did you mean 'visits'? Known: visits." in done.stderr


def test_a_report_before_the_first_prediction_says_so(command: Command, home: Home) -> None:
    done = command("report", "--home", home.root, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "not_enough_data"


def test_rollback_asks_first_and_changes_nothing_on_no(command: Command, home: Home) -> None:
    done = command("rollback", "--home", home.root, answer="n\n")
    assert done.exit_code == 1
    assert "Take v3 back? Then v2 serves all of visits." in done.stderr
    assert Operations.open(home).state(LOOP).rollout is not None


def test_rollback_ends_the_rollout_then_flips_then_has_nothing_left(command: Command, home: Home) -> None:
    routes = []
    for _ in range(2):
        done = command("rollback", "--home", home.root, "--json", "--yes", "--reason", "users complain")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["decision"]["reasons"] == [f"asked for by {person()}: users complain"]
        routes.append((told["route"]["champion"], told["route"]["canary"], told["route"]["standby"]))
    assert routes == [("v2", None, "v1"), ("v1", None, None)]
    last = command("rollback", "--home", home.root, "--json", "--yes")
    assert (last.exit_code, json.loads(last.stdout)["error"]["code"]) == (1, "refused")
    assert command("ledger", "verify", "--home", home.root).exit_code == 0


def test_a_decision_that_was_edited_is_found_with_exit_code_3(command: Command, home: Home) -> None:
    with sqlite3.connect(home.control_db) as database:
        database.execute("UPDATE ledger SET draft = replace(draft, 'Train', 'Skip') WHERE seq = 1")
    database.close()
    done = command("ledger", "verify", "--home", home.root)
    assert done.exit_code == 3
    assert done.stdout.startswith("problem: ")
    told = command("ledger", "verify", "--home", home.root, "--json")
    assert (told.exit_code, json.loads(told.stdout)["intact"]) == (3, False)


def test_the_ledgers_end_is_noted_elsewhere_and_tells_what_its_key_cannot(command: Command, home: Home) -> None:
    at = ("--home", home.root)
    noted, kept = command("ledger", "head", *at).stdout, home.root.parent / "ends"
    kept.write_text(noted)
    end = json.loads(command("ledger", "head", *at, "--json").stdout)
    assert f"{end['seq']} {end['hash']}\n" == noted
    intact = command("ledger", "verify", *at, "--noted", kept)
    assert (intact.exit_code, intact.stdout.split(", ")[-1]) == (0, "1 noted elsewhere.\n")
    assert command("rollback", *at, "--yes", "--reason", "users complain").exit_code == 0
    assert command("ledger", "verify", *at, "--noted", kept).exit_code == 0

    home.control_db.unlink()
    (home.ledger / "heads.jsonl").unlink()
    other = SqlControlStore(Database(home.control_db), HeadsFile(home.ledger))
    nothing = command("ledger", "head", *at)
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "Nothing is decided yet.\n")
    other.commit(initial_state(LOOP), initial_state(LOOP), [Draft("d", LOOP, 0, "note", "HOLD", "Another", ())], [])
    assert command("ledger", "verify", *at).exit_code == 0
    told = command("ledger", "verify", *at, "--noted", kept)
    cut = f"it ends at entry 1, but entry {end['seq']} was noted."
    assert (told.exit_code, told.stdout) == (3, f"problem: The ledger was cut: {cut}\n")
    kept.write_bytes(b"\xff\n")
    wrong = command("ledger", "verify", *at, "--noted", kept)
    assert (wrong.exit_code, wrong.stderr.splitlines()[0]) == (1, "error: Line 1 is no end of a ledger: '\ufffd'.")


def test_up_refuses_what_cannot_run_before_it_starts_anything(command: Command, tmp_path: Path) -> None:
    file, home = write_loop(tmp_path), Home(tmp_path / "home")
    home.prepare()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        busy = command("up", file, "--home", home.root, "--port", port, "--json")
    lock = HomeLock(home)
    locked = command("up", file, "--home", home.root, "--json")
    lock.release()
    absent = command("up", tmp_path / "no.py", "--home", home.root, "--json")
    odd = command("up", file, "--home", home.root, "--port", 80, "--json")
    told = [(done.exit_code, json.loads(done.stdout)["error"]["code"]) for done in (busy, locked, absent, odd)]
    assert told == [(1, "conflict"), (1, "conflict"), (1, "not_found"), (1, "invalid_input")]
    assert "dashboard" not in absent.stderr  # an address is told where something will answer


@pytest.mark.parametrize("until", ["2014-01-01", "soon", "2012-12-31"])
def test_the_demonstration_takes_days_of_2013_only(command: Command, tmp_path: Path, until: str) -> None:
    done = command("demo", "--until", until, "--home", tmp_path / "home")
    assert done.exit_code == 1
    assert "Write such as --until 2013-03-31." in done.stderr


def test_a_package_that_is_not_installed_is_named_without_a_stack_trace(
    command: Command, monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    monkeypatch.setitem(sys.modules, "homeostat.app.shown.economics", None)
    done = command("economics", "--home", home.root)
    assert done.exit_code == 1
    assert "A package that Homeostat needs is not installed: homeostat.app.shown.economics." in done.stderr
    assert "make setup" in done.stderr


def test_up_holds_trainings_to_what_it_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    def refused(settings: Settings, _notice: object) -> None:
        seen.append(settings)
        raise InvalidInput("Enough was seen.", mend="None is needed.")

    monkeypatch.setattr("homeostat.app.processes.installation.Installation", refused)
    limits = ("--train-seconds", 60, "--train-memory-mib", 512, "--train-threads", 2)
    assert command("up", write_loop(tmp_path), "--home", tmp_path / "home", *limits).exit_code == 1
    [found] = seen
    assert found == Settings.model_validate(found.model_dump(include=set(Settings.model_fields)))
    told = found.training_timeout_seconds, found.training_memory_bytes, found.training_threads
    assert told == (60.0, 512 << 20, 2)


@pytest.mark.parametrize("words", ["decisions", "versions", "route", "alerts", "retrain watch"])
def test_what_only_lists_needs_no_loop_file(command: Command, home: Home, words: str) -> None:
    as_it_was = command(*words.split(), "--home", home.root, "--json").stdout
    Settings.load(home.root).loop_file.write_text("import no_such_library")
    done = command(*words.split(), "--home", home.root, "--json")
    assert done.exit_code == 0, done.stderr
    if words != "route":  # which tells its age
        assert done.stdout == as_it_was


def test_a_loop_that_never_ran_is_told_with_those_that_did(command: Command, home: Home) -> None:
    done = command("decisions", "visit", "--home", home.root)
    assert done.exit_code == 1
    assert "No loop 'visit' was run in" in done.stderr
    assert "Did you mean 'visits'?" in done.stderr


def test_of_several_loops_one_must_be_named_and_one_that_is_gone_is_still_listed(command: Command, home: Home) -> None:
    settings = Settings.load(home.root)
    settings.model_copy(update={"definitions": {"early": "", "late": ""}}).save()
    done = command("decisions", "--home", home.root)
    assert done.exit_code == 1
    assert "Name one: early, late." in done.stderr
    assert command("decisions", "early", "--home", home.root).exit_code == 0
    assert "v2" in command("decisions", LOOP, "--home", home.root).stdout
