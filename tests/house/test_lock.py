"""The lock installs the same everywhere: exact, complete, verified, and from any mirror."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def entries(root: Path) -> dict[str, str]:
    """Each locked package's whole entry: the requirement, then its hashes."""
    text = re.sub(r"^#.*\n", "", (root / "requirements.lock").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return {_pin(line).name: line for line in lines}


def test_every_entry_is_an_exact_version_with_hashes(entries: dict[str, str]) -> None:
    assert entries
    for entry in entries.values():
        assert re.fullmatch(r"==[^*,]+", str(_pin(entry).specifier))
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)


def test_every_declared_dependency_is_locked_within_its_range(project: dict[str, Any], entries: dict[str, str]) -> None:
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    declared = [Requirement(r) for part in (project["project"]["dependencies"], *extras, *groups) for r in part]
    assert [str(need) for need in declared if not _satisfies(entries, need)] == []


def test_nothing_is_declared_without_a_lower_bound(project: dict[str, Any]) -> None:
    declared = [Requirement(r) for r in project["project"]["dependencies"]]
    assert [str(need) for need in declared if ">=" not in str(need.specifier)] == []


def test_the_lock_holds_no_address(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    assert "://" not in lock
    assert set(re.findall(r"^\s*(-[-a-z]+)", lock, flags=re.MULTILINE)) <= {"--hash"}


def test_the_uv_that_installs_is_the_uv_that_builds(project: dict[str, Any], entries: dict[str, str]) -> None:
    (backend,) = (Requirement(r) for r in project["build-system"]["requires"])
    (version,) = (s.version for s in _pin(entries["uv"]).specifier)
    assert backend.name == "uv_build"
    assert version in backend.specifier


def _pin(entry: str) -> Requirement:
    return Requirement(entry.split(" --hash", 1)[0].strip())


def _satisfies(entries: dict[str, str], need: Requirement) -> bool:
    entry = entries.get(canonicalize_name(need.name))
    return entry is not None and all(s.version in need.specifier for s in _pin(entry).specifier)
