"""Commands on tables: what they show, and what they say when there is nothing to show."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.world import World, write_loop
from tests.unit.cli.conftest import Command

READING = ("tables", "tables show visits", "tables vacuum", "quarantine visits", "quarantine readmit visits")
IMPORT = ("import", "visits", "visits.csv", "purchases", "purchases.jsonl", "--known-at", "at")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A loop file and a day of history, of which one visit breaks its contract."""
    write_loop(tmp_path)
    visits: list[dict[str, Any]] = []
    purchases: list[dict[str, Any]] = []
    for _, asked, bought in World().hours(0, 1):
        visits += asked
        purchases += bought
    visits[3]["x"] = 99
    with (tmp_path / "visits.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(visits[0]))
        writer.writeheader()
        writer.writerows(visits)
    (tmp_path / "purchases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in purchases))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def imported(folder: Path, command: Command) -> Path:
    """The day taken in."""
    done = command(*IMPORT, "--quarantine", "--home", "home")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "rows 563   duplicates 0   quarantined 1\nsequences 0 to 562\n"
    return folder


@pytest.mark.parametrize("words", READING)
def test_without_a_state_every_command_says_how_to_make_one(command: Command, tmp_path: Path, words: str) -> None:
    done = command(*words.split(), "--home", tmp_path / "none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no Homeostat state in" in done.stderr


@pytest.mark.parametrize("words", READING)
def test_text_fits_a_narrow_terminal_and_json_is_data(command: Command, imported: Path, words: str) -> None:
    done = command(*words.split(), "--home", "home")
    assert done.exit_code == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert json.loads(command(*words.split(), "--home", "home", "--json").stdout)


def test_an_import_with_a_broken_row_is_refused_whole_with_its_mend(command: Command, folder: Path) -> None:
    done = command(*IMPORT, "--home", "home")
    assert done.exit_code == 1
    assert "1 of 288 rows of visits.csv break the contract" in done.stderr
    assert "Row 3: Column 'x' is 99.0, above 50." in done.stderr
    assert "--quarantine" in done.stderr
    assert [one["rows"] for one in json.loads(command("tables", "--home", "home", "--json").stdout)] == [0, 0]


def test_the_same_import_again_says_so(command: Command, imported: Path) -> None:
    done = command(*IMPORT, "--quarantine", "--home", "home")
    assert (done.exit_code, "imported before; nothing was changed" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["visits", "--known-at", "at"], "Each table needs one file"),
        (["visits", "visits.csv", "visits", "visits.csv", "--known-at", "at"], "Each table needs one file"),
        (["visit", "visits.csv", "--known-at", "at"], "Did you mean 'visits'"),
        (["visits", "visits.csv", "--known-at", "purchases=at"], "'visits' has no --known-at"),
        (["visits", "none.csv", "--known-at", "at"], "There is no file none.csv"),
        (["visits", "visits.csv", "--known-at", "known"], "no column 'known'"),
    ],
)
def test_an_import_that_makes_no_sense_says_what_to_write(
    command: Command, folder: Path, words: list[str], says: str
) -> None:
    done = command("import", *words, "--home", "home")
    assert (done.exit_code, says in done.stderr.replace("\n", " ")) == (1, True)


def test_tables_are_listed_with_what_they_hold(command: Command, imported: Path) -> None:
    lines = command("tables", "--home", "home").stdout.splitlines()
    assert lines[0].split() == ["table", "rows", "newest", "event", "fresh", "kept", "apart", "size"]
    assert lines[1].split()[:4] == ["visits", "287", "2024-01-01", "23:55"]
    assert "imported 287" in lines[4]


def test_facts_are_shown_as_they_were_known(command: Command, imported: Path) -> None:
    words = ("tables", "show", "purchases", "--limit", "2", "--home", "home")
    shown = command(*words, "--as-of", "2024-01-01T05:00:00Z")
    assert shown.stdout.splitlines()[1].split()[:2] == ["4-0", "2024-01-01T05:00:00Z"]
    assert "2 of 49; --limit shows more." in shown.stderr
    none = command(*words, "--known-at", "2023-12-31T00:00:00Z")
    assert (none.stdout, "No such fact" in none.stderr) == ("", True)
    assert "has no offset" in command(*words, "--as-of", "2024-01-01T05:00:00").stderr
    told = json.loads(command("tables", "show", "visits", "--history", "0-1", "--home", "home", "--json").stdout)
    assert [fact["imported"] for fact in told["rows"]] == [True]


def test_kept_rows_are_listed_and_taken_back_in_after_a_fix(command: Command, imported: Path) -> None:
    listed = command("quarantine", "visits", "--home", "home").stdout
    assert "above_maximum" in listed
    assert "Column 'x' is 99.0, above 50." in listed
    readmit = ("quarantine", "readmit", "visits", "--home", "home")
    assert command(*readmit).stdout == "taken in 0   known before 0\nstill broken 1   outdated 0\n"
    loop = imported / "loop.py"
    loop.write_text(loop.read_text().replace("hs.number(-50, 50)", "hs.number(-50, 500)"))
    assert command(*readmit).stdout == "taken in 1   known before 0\nstill broken 0   outdated 0\n"
    assert "No row is kept apart" in command(*readmit).stderr
    assert "No row is kept apart" in command("quarantine", "visits", "--home", "home").stderr
