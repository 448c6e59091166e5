"""What git says of a project: commit and difference recorded whole, and nothing of it changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from homeostat.adapters.git.tree import working_tree
from homeostat.registry.legs import Tree

ENVIRONMENT = {
    **os.environ,
    **{f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean tree of one commit."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "loop.py").write_text("LIMIT = 1\n")
    (folder / "notes.txt").write_text("nothing\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def tree(project: Path, *files: str) -> tuple[Tree | None, bytes | None]:
    return working_tree(project, files, ENVIRONMENT)


def test_a_tree_is_clean_dirty_or_holds_what_git_does_not_know(project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    assert tree(project, "loop.py") == (Tree(commit, dirty=False), None)
    (project / "stray.py").write_text("")
    assert tree(project, "loop.py") == (Tree(commit, dirty=False, untracked=("stray.py",)), None)
    found, diff = tree(project, "loop.py", "stray.py")
    assert found is not None
    assert (found.dirty, diff) == (True, None), "it took part, and no commit tells what it was"
    (project / "stray.py").unlink()
    (project / "loop.py").write_text("LIMIT = 2\n")
    found, diff = tree(project, "loop.py")
    assert found is not None
    assert diff is not None
    assert (found.commit, found.dirty, found.kept) == (commit, True, True)
    assert b"-LIMIT = 1\n+LIMIT = 2\n" in diff
    git(project, "checkout", "-q", "loop.py")
    assert git(project, "status", "--porcelain") == ""


def test_a_folder_without_git_or_with_one_that_does_not_answer_has_no_tree(tmp_path: Path) -> None:
    assert tree(tmp_path) == (None, None)
    (tmp_path / ".git").mkdir()
    assert tree(tmp_path) == (None, None)
    assert working_tree(tmp_path, (), {"PATH": ""}) == (None, None)


def test_a_module_of_a_submodule_is_known_to_git(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "whole")
    git(tmp_path / "whole", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project), "part")
    git(tmp_path / "whole", "commit", "-q", "-m", "with a part")
    clean, _ = tree(tmp_path / "whole", "loop.py", "part/loop.py")
    assert clean is not None
    assert not clean.dirty
    (tmp_path / "whole" / "part" / "loop.py").write_text("LIMIT = 3\n")
    changed, _ = tree(tmp_path / "whole", "loop.py", "part/loop.py")
    assert changed is not None
    assert changed.dirty
