"""What a person is told of a loop's money: figures with their ground, and what nobody has said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.home import Home
from tests.harness.ageing import aged_home
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of which everything is known; nothing of it runs."""
    return aged_home(tmp_path_factory.mktemp("aged"))


def told(command: Command, home: Home, *words: str) -> Any:
    """The account as JSON."""
    return json.loads(command("economics", "--home", home.root, "--json", *words).stdout)


def test_the_table_has_each_figure_with_its_unit_and_ground(command: Command, aged: Home) -> None:
    shown = command("economics", "--home", aged.root).stdout
    for text in (
        "retraining: compute",
        "2 trainings of 18.0 s",
        "EUR/day",
        "retrain every, exactly",
        "lost to age, now",
    ):
        assert text in shown
    assert "A day costs least with a retraining every" in shown
    assert "queries per day" in shown.partition("were it")[2]
    assert "hs.Economics" not in shown


def test_json_is_all_of_it_and_nothing_else(command: Command, aged: Home) -> None:
    found = told(command, aged)
    assert found["loop"] == "visits"
    assert list(found["interval"]) == ["square_root", "exact", "curve", "cost_per_day", "used", "actual", "costs"]
    assert list(found["traffic"]) == ["value", "low", "high", "unit", "basis", "unknown", "asks"]


def test_a_price_on_the_command_line_stands_in_for_that_of_the_file(command: Command, aged: Home) -> None:
    dearer = told(command, aged, "--skill-value", "2", "--false-positive", "4")
    assert dearer["inputs"]["skill_value"] == 2
    assert dearer["interval"]["exact"]["value"] < told(command, aged)["interval"]["exact"]["value"]
    assert "0.500 if scores were true" in dearer["errors"]["threshold"]["basis"]


def test_another_currency_than_the_files_is_refused(command: Command, aged: Home) -> None:
    done = command("economics", "--home", aged.root, "--currency", "USD")
    assert done.exit_code == 1
    assert "counts in EUR, not in USD" in done.stderr


def test_an_amount_below_zero_is_wrong_usage(command: Command, aged: Home) -> None:
    assert command("economics", "--home", aged.root, "--skill-value", "-1").exit_code == 2


def test_without_prices_the_inputs_are_asked_for_with_what_they_are(command: Command, home: Home) -> None:
    shown = command("economics", "--home", home.root).stdout
    assert "add economics=hs.Economics(currency='USD', ...) with:" in shown
    assert "what one prediction is worth more with skill 1 than with skill 0" in shown
    assert "Decay: 0 weeks with labels are too few to see decay" in shown


def test_an_amount_without_a_currency_is_refused_and_with_one_it_counts(command: Command, home: Home) -> None:
    done = command("economics", "--home", home.root, "--skill-value", "1")
    assert done.exit_code == 1
    assert "An amount without a currency is no money." in done.stderr
    assert told(command, home, "--skill-value", "1", "--currency", "CHF")["inputs"] == {"skill_value": 1}


def test_a_loop_without_a_version_or_labels_says_so(command: Command, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    new = aged_home(tmp_path / "new", days=0, steps=0)
    assert "has no version yet" in command("economics", "--home", new.root).stderr
    (tmp_path / "young").mkdir()
    young = aged_home(tmp_path / "young", days=2, labelled=False)
    assert "No labels of visits are mature yet" in command("economics", "--home", young.root).stderr
