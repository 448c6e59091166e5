"""Who gives a command: as git knows them, else as the system does."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

import pytest

from homeostat.app.loops.authors import person_here


def test_whoever_works_here_is_named_by_git_else_by_the_system_else_by_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    assert person_here(tmp_path) == getpass.getuser()

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert person_here(tmp_path) == f"user {os.getuid()}"
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=tmp_path, check=True)
    assert person_here(tmp_path) == "ada@example.org"
