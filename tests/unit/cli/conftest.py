"""A home with a state in it, and a way to run commands on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from homeostat.app.home import Home
from homeostat.cli.main import app
from tests.harness.grown import grown_home

Command = Callable[..., Any]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process; nobody is at the keyboard."""
    monkeypatch.delenv("HOMEOSTAT_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: object, answer: str = "") -> Any:
        return CliRunner().invoke(app, [str(word) for word in words], input=answer)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose third version is on trial."""
    return grown_home(tmp_path)
