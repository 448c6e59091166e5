"""The command that tells what depends on data, definitions or a version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeostat.app.home import Home
from tests.harness.traced import traced_home
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return traced_home(tmp_path_factory.mktemp("traced"))


def test_versions_predictions_and_readers_are_told(command: Command, traced: Home) -> None:
    said = command("impact", "purchases", "--home", traced.root).stdout
    assert "v2 of visits, champion\n  trained on purchases@2: view purchases_window_by_shop, labels" in said
    assert "5 predictions, asked 2024-01-02 06:00 to 2024-01-02 06:04" in said
    assert "tills reads those of visits (the tills team): probability" in said
    told = json.loads(command("impact", "v2", "--home", traced.root, "--json").stdout)
    assert told["predictions"]["count"] == 5


def test_rows_of_a_file_are_told(command: Command, traced: Home, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("visit\nlong ago\n")
    done = command("impact", "purchases", "--rows", tmp_path / "rows.csv", "--home", traced.root)
    assert "Nothing depends on it." in done.stdout
    assert done.stderr == "1 row is named; known here: 1.\n"


@pytest.mark.parametrize("words", [[], ["purchase"], ["--rows", "nowhere.csv"]])
def test_what_cannot_be_told_is_an_error_with_its_mend(command: Command, traced: Home, words: list[str]) -> None:
    done = command("impact", *words, "--home", traced.root)
    assert done.exit_code == 1
    assert "mend" in done.stderr
