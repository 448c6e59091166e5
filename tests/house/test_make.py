"""The doors of the repository itself: `make` and `.ci/run`."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PROMISED = {"demo", "test", "lint", "bench", "help"}


def test_make_alone_lists_every_target(root: Path, require_part: Callable[..., str]) -> None:
    make = require_part("make", "apt-get install make")
    shown = subprocess.run([make, "-C", str(root)], check=True, capture_output=True, text=True).stdout
    listed = set(re.findall(r"^ +make ([a-z]+)", shown, flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), flags=re.MULTILINE))
    assert listed == targets
    assert listed >= PROMISED


def test_scripts_can_be_run(root: Path) -> None:
    scripts = [root / ".ci" / "run", *(root / "scripts").glob("*.sh")]
    assert [str(script) for script in scripts if not os.access(script, os.X_OK)] == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")])
def test_a_missing_part_fails_in_ci_and_is_skipped_by_name_elsewhere(
    ci: str, outcome: str, root: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    pytester.makeconftest((root / "tests" / "conftest.py").read_text())
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def part(require_part):
            return require_part("no-such-program", "apt-get install it")

        def test_it(part):
            pass
        """
    )
    plugins = "--disable-plugin-autoload", "-p", "xdist.plugin", "-p", "no:cacheprovider"
    result = pytester.runpytest_subprocess("-rs", *plugins)
    result.stdout.fnmatch_lines(["*needs no-such-program*Run: apt-get install it*"])
    assert outcome in result.stdout.str()
    assert "passed" not in result.stdout.str()
