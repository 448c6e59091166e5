"""What a person finds who asks a command for help."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from homeostat.cli.main import app
from tests.unit.cli.conftest import Command


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    if not hasattr(group, "list_commands"):
        yield path, group
        return
    for name in group.list_commands(None):
        yield from commands(group.get_command(None, name), (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
NAMES = [" ".join(path) for path in COMMANDS]


def test_the_commands_are_those_that_were_promised() -> None:
    assert sorted(NAMES) == sorted(
        [
            *(
                "demo",
                "init",
                "ci",
                "up",
                "status",
                "route",
                "latency",
                "decisions list",
                "decisions explain",
                "versions list",
                "versions show",
                "versions steps",
                "versions diff",
                "replay",
                "report",
                "economics",
                "performance",
                "slices",
                "diagnose",
                "backtest",
                "skew",
                "drift",
                "rollback",
                "shadow",
                "approvals",
                "approve",
                "reject",
                "retrain watch",
                "retrain now",
                "checkpoints",
                "drill rollback",
                "ledger verify",
                "ledger head",
            ),
            "explain",
            "why",
            "impact",
            *(f"alerts {name}" for name in ("list", "ack", "resolve", "silence", "silences", "rules", "test")),
            *("features audit", "features get", "features rebuild", "features review"),
            *("consumers add", "consumers list", "consumers remove"),
            *(f"versions {name}" for name in ("pin", "unpin", "delete", "prune")),
            *(f"keys {name}" for name in ("init", "rotate", "list", "trust", "revoke", "sign")),
            *("import", "tables show", "tables vacuum", "quantise", "quarantine list", "quarantine readmit"),
            *("contract show", "contract infer", "contract check"),
        ]
    )


@pytest.mark.parametrize("path", COMMANDS, ids=NAMES)
def test_every_command_and_each_of_its_options_is_described(command: Command, path: tuple[str, ...]) -> None:
    found = COMMANDS[path]
    assert found.help
    assert found.help.split("\n")[0].endswith(".")
    for option in found.params:
        assert getattr(option, "help", None), option.name
    shown = command(*path, "--help")
    assert shown.exit_code == 0
    assert "--json" in shown.stdout
    assert "--home DIR" in shown.stdout
    assert shown.stdout == command(*path, "-h").stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_the_overview_tells_each_command_in_one_whole_line_and_the_exit_codes(command: Command) -> None:
    shown = command("--help").stdout
    lines = {line.split()[0]: line for line in shown.splitlines() if line.startswith("  ") and line.split()}
    for path in COMMANDS:
        assert lines[path[0]].endswith("."), path
        assert not lines[path[0]].endswith("..."), path
    assert "Exit codes: 0 done" in shown


def test_the_overview_fits_a_terminal_of_80_columns_and_a_module_is_the_command(root: Path) -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    words = [sys.executable, "-m", "homeostat", "--help"]
    shown = subprocess.run(words, cwd=root, env=environment, check=True, capture_output=True, text=True).stdout
    first, *lines = shown.splitlines()
    assert "-m homeostat" in first
    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").stdout == f"homeostat {version('homeostat')}\n"


def test_a_misspelt_command_of_a_group_is_not_taken_for_a_loop(command: Command) -> None:
    done = command("decisions", "explian", "3")
    assert done.exit_code == 2
    assert "No such command 'explian'. Did you mean 'explain'?" in done.stderr


def test_a_report_of_checks_that_could_not_be_written_is_refused_before_any_check(command: Command) -> None:
    done = command("ci", "--junit", "nowhere/report.xml")
    assert (done.exit_code, done.stderr.splitlines()[0]) == (
        1,
        "error: nowhere/report.xml cannot be written: its folder is not there.",
    )


@pytest.mark.parametrize("path", [("versions", "diff"), ("replay",)])
def test_where_lines_of_code_are_cut_one_can_ask_for_more(command: Command, path: tuple[str, ...]) -> None:
    assert "--lines N" in command(*path, "--help").stdout


@pytest.mark.parametrize("words", [["frob"], ["status", "--frob"], ["decisions", "--after", "x"], ["ledger", "frob"]])
def test_wrong_usage_exits_with_2_and_says_where_help_is(command: Command, words: list[str]) -> None:
    done = command(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "-h' for help." in done.stderr


def test_a_command_that_is_stopped_while_it_is_loaded_shows_nothing(root: Path) -> None:
    stopped = (
        "import sys\n"
        "class Stopped:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'homeostat.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stopped())\n"
        "from homeostat.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", stopped], cwd=root, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
