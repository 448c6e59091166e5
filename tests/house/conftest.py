"""The files that make up the repository: tracked, or new and not ignored."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def files(root: Path, require_part: Callable[..., str]) -> tuple[Path, ...]:
    """Every file of the repository, relative to its root."""
    git = require_part("git", "apt-get install git")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted({Path(name) for name in listed.split("\0") if name})
    return tuple(path for path in paths if (root / path).is_file())


@pytest.fixture(scope="session")
def texts(root: Path, files: tuple[Path, ...]) -> dict[Path, str]:
    """The text of every file that is text."""
    found: dict[Path, str] = {}
    for path in files:
        raw = (root / path).read_bytes()
        if b"\0" not in raw:
            found[path] = raw.decode()
    return found


@pytest.fixture(scope="session")
def modules(texts: dict[Path, str]) -> dict[Path, str]:
    """The source of every Python file of the package and the examples."""
    return {path: text for path, text in texts.items() if path.suffix == ".py" and path.parts[0] in _PRODUCT}


@pytest.fixture(scope="session")
def imports(modules: dict[Path, str]) -> dict[Path, set[str]]:
    """The third-party packages that each of these files imports, wherever in it."""
    return {path: _top_level_imports(text) - set(sys.stdlib_module_names) - _PRODUCT for path, text in modules.items()}


def _top_level_imports(text: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


_PRODUCT = {"homeostat", "examples"}
