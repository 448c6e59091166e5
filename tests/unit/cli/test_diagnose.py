"""What a person is told of why a loop does worse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from tests.harness.ageing import aged_home
from tests.harness.world import write_loop
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with days and versions, of which no row was logged; nothing of it runs."""
    return aged_home(tmp_path_factory.mktemp("aged"))


def test_json_is_the_cause_what_to_do_and_every_step(command: Command, aged: Home) -> None:
    told = json.loads(command("diagnose", "--home", aged.root, "--json").stdout)
    assert {"cause", "intervention", "advice", "because", "steps", "version", "at"} <= set(told)
    assert all(set(step) == {"question", "answer", "evidence"} for step in told["steps"])


def test_the_text_leads_with_the_cause_and_says_as_of_when(command: Command, aged: Home) -> None:
    shown = command("diagnose", "--home", aged.root, "--at", "2024-02-15").stdout
    assert shown.startswith("visits  v1, as of 2024-02-15 00:00\nunknown: ")
    assert "1. Is the data broken?" in shown


def test_detectors_of_change_are_shown_where_they_are_asked_for(command: Command, aged: Home) -> None:
    shown = command("diagnose", "--home", aged.root, "--detectors").stdout
    assert "Detectors of change on the daily loss of" in shown
    told = json.loads(command("diagnose", "--home", aged.root, "--detectors", "--json").stdout)
    assert [one["name"] for one in told["detectors"]["detectors"]] == ["CUSUM", "Page-Hinkley", "ADWIN"]


def test_before_the_first_day_nothing_is_dated_and_no_version_is_made_up(command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    Settings(home=home.root, loop_file=write_loop(tmp_path)).save()
    Operations.open(home).store.state("visits")
    shown = command("diagnose", "--home", home.root, "--detectors").stdout
    assert ", as of the beginning\nunknown: " in shown
    assert "on the daily loss of no day yet (they decide nothing)" in shown


def test_what_is_no_date_is_an_error_with_its_mend(command: Command, aged: Home) -> None:
    done = command("diagnose", "--home", aged.root, "--at", "tomorrow")
    assert done.exit_code == 1
    assert "Write it as 2013-02-01" in done.stderr


def test_without_a_home_it_says_where_one_comes_from(command: Command, tmp_path: Path) -> None:
    done = command("diagnose", "--home", tmp_path)
    assert done.exit_code == 1
    assert "homeostat up" in done.stderr
