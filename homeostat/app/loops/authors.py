"""Who wrote a loop file, and who is asking: as git knows them."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path


def author_of(file: Path) -> str | None:
    """The address of the author of the file's last commit, or, where it was edited since, of whoever works here.

    None where the file is in no repository.
    """
    if _git(file.parent, "status", "--porcelain", "--", file.name):
        return _git(file.parent, "config", "user.email")
    return _git(file.parent, "log", "-1", "--format=%ae", "--", file.name)


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
