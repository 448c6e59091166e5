"""Who gives a command: as git knows them, else as the system does."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

import pytest

from homeostat.app.loops.authors import author_of, person_here


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


def test_the_author_is_who_last_changed_anything_that_took_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)

    def git(who: str, *words: str) -> None:
        named = ("-c", f"user.email={who}@example.org", "-c", f"user.name={who}")
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)

    git("ana", "init")
    for who, name in (("ana", "loop.py"), ("ben", "helper.py"), ("cyd", "[x].py"), ("dan", "notes.txt")):
        (tmp_path / name).write_text(who)
        git(who, "add", "-A")
        git(who, "commit", "-m", name)
    loop, helper, odd = (tmp_path / name for name in ("loop.py", "helper.py", "[x].py"))
    assert author_of(loop) == "ana@example.org"
    assert author_of(loop, [helper]) == "ben@example.org"
    assert author_of(loop, [odd, helper]) == "cyd@example.org"
    git("eve", "config", "user.email", "eve@example.org")
    helper.write_text("changed")
    assert author_of(loop) == "ana@example.org"
    assert author_of(loop, [helper]) == "eve@example.org"
