"""Who wrote a loop file, and who is asking: as git knows them."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def author_of(file: Path, took_part: Sequence[Path] = ()) -> str | None:
    """The address of the author of the last commit to the loop file or to another file that ``took_part``; where one of
    them was edited since, of whoever works here.

    None where the loop file is in no repository.
    """
    names = [str(one) for one in (file, *took_part)]
    if _git(file.parent, "--literal-pathspecs", "status", "--porcelain", "--", *names):
        return _git(file.parent, "config", "user.email")
    return _git(file.parent, "--literal-pathspecs", "log", "-1", "--format=%ae", "--", *names)


def person_here(folder: Path) -> str:
    """Whoever works here: by git's configuration, else by the name of the system's user, or its number."""
    try:
        return _git(folder, "config", "user.email") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _git(folder: Path, *words: str) -> str | None:
    try:
        told = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return told.stdout.strip() or None if told.returncode == 0 else None
