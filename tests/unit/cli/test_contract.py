"""Commands about contracts: stdout is what was asked for, and nothing is put in force by looking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.app.tables.contracts import judge_contracts
from homeostat.data.contracts import Break
from homeostat.data.journal import Entry, RefusedRow
from tests.harness.world import LOOP_FILE, World, write_loop
from tests.unit.cli.conftest import Command

SINCE = 1_704_067_200_000_000
VISITS = [row for _, visits, _ in World().hours(0, 5) for row in visits]


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Five days of visits, one row a line."""
    path = tmp_path / "visits.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in VISITS))
    return path


@pytest.fixture
def broken(home: Home) -> Home:
    """A home in which two rows broke the contract lately, one long ago, and one only warned."""
    judge_contracts(home, load_loops(Settings.load(home.root).loop_file)).record(SINCE)
    journal = SqliteJournal(home.root / "journal.sqlite")
    week = 8 * 24 * 3_600_000_000
    for place, at in enumerate((SINCE, SINCE + week, SINCE + week + 1)):
        found = Break(0, "x", "above_maximum", "Column 'x' is 99, above 50.", "Send at most 50.")
        kept = RefusedRow("{}", bytes([place]) * 16, (found,))
        warned = {"shop: new_category": 3} if at > SINCE else {}
        journal.record([Entry("visits", at, (), (), (), refused=(kept,), warned=warned)])
    journal.close()
    return home


def test_show_tells_promises_versions_and_what_broke_lately(command: Command, broken: Home) -> None:
    done = command("contract", "show", "visits", "--home", broken.root)
    assert done.exit_code == 0, done.stderr
    assert "visits  contract 1   key visit   event time at" in done.stdout
    assert "-50 to 50" in done.stdout
    assert "one of: north, south" in done.stdout
    shown = json.loads(command("contract", "show", "visits", "--home", broken.root, "--json").stdout)
    told = [(one["promise"], one["kept_apart"], one["warned"]) for one in shown["broken"]]
    assert told == [("x: above_maximum", 2, 0), ("shop: new_category", 0, 6)]


def test_show_tells_what_the_next_start_would_change(command: Command, broken: Home, tmp_path: Path) -> None:
    write_loop(tmp_path, text=LOOP_FILE.replace("hs.number(-50, 50)", "hs.number(-5, 5)"))
    done = command("contract", "show", "visits", "--home", broken.root)
    assert "at the next start: column 'x' has -5 as its least value; it was -50" in done.stdout


def test_show_of_a_home_that_never_started_is_clear(command: Command, home: Home) -> None:
    done = command("contract", "show", "purchases", "--home", home.root)
    assert "purchases  not in force yet" in done.stdout
    assert "Nothing broke it lately." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 90


def test_a_table_that_is_not_there_is_told_the_nearest(command: Command, home: Home) -> None:
    done = command("contract", "show", "visit", "--home", home.root)
    assert done.exit_code == 1
    assert "Did you mean 'visits'?" in done.stderr


def test_infer_prints_python_and_says_that_it_is_not_in_force(command: Command, visits: Path, tmp_path: Path) -> None:
    done = command("contract", "infer", visits, "--home", tmp_path / "none")
    assert done.exit_code == 0, done.stderr
    compile(done.stdout, "proposal", "exec")
    assert 'key="visit",' in done.stdout
    assert '"shop": hs.text(categories=["north", "south"], open=True)' in done.stdout
    assert "Proposed, not in force" in done.stderr
    assert not (tmp_path / "none").exists()
    told = json.loads(command("contract", "infer", visits, "--home", tmp_path / "none", "--json").stdout)
    assert (told["in_force"], told["key"], told["rows"]) == (False, ["visit"], len(VISITS))


def test_infer_of_what_is_not_there_says_so(command: Command, home: Home) -> None:
    assert "Nothing is stored for 'visits'" in command("contract", "infer", "visits", "--home", home.root).stderr
    assert "There is no file none.csv" in command("contract", "infer", "none.csv").stderr


def test_check_says_what_would_follow_and_takes_nothing_in(command: Command, home: Home, visits: Path) -> None:
    words = ("contract", "check", "visits", visits, "--home", home.root)
    done = command(*words)
    assert (done.exit_code, done.stdout) == (
        0,
        f"{len(VISITS):,} rows of {visits}: {len(VISITS):,} would be taken in.\n",
    )
    odd = [{**VISITS[0], "x": 99}, {**VISITS[1], "shop": "west"}, {**VISITS[2], "at": "yesterday"}]
    visits.write_text("".join(json.dumps(row) + "\n" for row in [*odd, VISITS[3]]))
    found = command(*words, "--json")
    assert found.exit_code == 3
    told = json.loads(found.stdout)
    assert (told["rows"], told["taken"], told["refused"]) == (4, 1, False)
    assert sorted((one["promise"], one["verdict"], one["rows"]) for one in told["promises"]) == [
        ("at: wrong_type", "quarantine", 1),
        ("shop: not_a_category", "quarantine", 1),
        ("x: above_maximum", "quarantine", 1),
    ]
    assert "row 1: Column 'shop' is 'west'." in command(*words).stdout
    assert not (home.root / "journal.sqlite").exists()


def test_a_file_without_rows_or_of_another_kind_is_told(command: Command, home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("hello\n")
    (tmp_path / "odd.parquet").write_text("no such thing")
    done = command("contract", "check", "visits", tmp_path / "empty.csv", "--home", home.root)
    assert (done.exit_code, "has no rows" in done.stderr) == (1, True)
    for words in (("contract", "infer"), ("contract", "check", "visits")):
        done = command(*words, tmp_path / "odd.parquet", "--home", home.root)
        assert (done.exit_code, "is what its name says" in done.stderr) == (1, True)


def test_check_asks_the_rules_of_the_batch_too(command: Command, home: Home, visits: Path, tmp_path: Path) -> None:
    rules = 'event_time="at",\n    rules=[hs.batch_mean("x", 5, 9), hs.unique("shop", verdict="warn")],'
    file = write_loop(tmp_path, text=LOOP_FILE.replace('event_time="at",', rules, 1))
    done = command("contract", "check", "visits", visits, "--home", home.root, "--loop-file", file)
    assert done.exit_code == 3
    assert "the whole file would be refused" in done.stdout
    assert "below 5" in done.stdout
    assert "rule:unique shop" in done.stdout
