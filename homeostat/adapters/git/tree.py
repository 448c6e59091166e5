"""The state of a working tree, asked of the ``git`` command where there is one."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from homeostat.registry.legs import Tree

MOST_OF_DIFF = 4 << 20
"""A longer difference is known by its hash alone."""
Git = Callable[..., bytes | None]
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
_NAMED = 200
_SECONDS = 30.0
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "core.hooksPath=/dev/null")


def working_tree(
    project: Path, took_part: Collection[str], environment: Mapping[str, str]
) -> tuple[Tree | None, bytes | None]:
    """The tree of ``project`` and its difference from the commit; None where git does not keep or know it.

    ``took_part`` are files relative to the project: where git does not track one, no commit tells what it was, and
    the tree counts as dirty. Other files that are not tracked are only named. Nothing is written, no hook is run.
    """
    git = partial(_git, project, environment)
    if not (project / ".git").exists():
        return None, None
    told = git("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
    if told is None:
        return None, None
    lines = [line for line in told.decode(errors="replace").split("\0") if line]
    untracked = tuple(line[3:] for line in lines if line.startswith("??"))
    unknown = set(took_part) - _tracked(git, took_part)
    commit = git("rev-parse", "--verify", "-q", "HEAD")
    diff = git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--no-color") if commit else None
    dirty = bool(diff) or bool(unknown) or any(not line.startswith("??") for line in lines)
    name = commit.decode().strip() if commit else None
    if not diff:
        return Tree(name, dirty, untracked=untracked[:_NAMED]), None
    hashed, kept = hashlib.sha256(diff).hexdigest(), len(diff) <= MOST_OF_DIFF
    return Tree(name, dirty, hashed, kept, untracked[:_NAMED]), diff if kept else None


def _tracked(git: Git, files: Collection[str]) -> set[str]:
    told = git("ls-files", "-z", "--recurse-submodules", "--", *sorted(files)) if files else b""
    return set((told or b"").decode(errors="replace").split("\0"))


def _git(project: Path, environment: Mapping[str, str], *arguments: str) -> bytes | None:
    """What git says; None where it is not installed, refuses, or takes too long."""
    own = {name: value for name, value in environment.items() if name not in _ELSEWHERE}
    own |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "--literal-pathspecs", *_QUIET, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=project,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
