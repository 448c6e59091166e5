"""Completeness: whatever a person can meet in operation is in the documentation."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from homeostat.app.home import Home
from homeostat.cli.main import app
from tests.harness.running import ROOT
from tests.unit.serving.rig import Rig

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
README = (ROOT / "README.md").read_text()
PROTOCOLS = (ROOT / "docs" / "protocols.md").read_text()


def codes() -> dict[str, str]:
    """Every error code that a class declares, with the class."""
    found = {}
    for path in [*ROOT.glob("homeostat/**/*.py"), *ROOT.glob("examples/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                        found[str(ast.literal_eval(line.value))] = node.name
    return found


def commands(group: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Every command as it is typed."""
    if not hasattr(group, "list_commands"):
        return [" ".join(path)]
    return [name for key in group.list_commands(None) for name in commands(group.get_command(None, key), (*path, key))]


COMMANDS = commands(typer.main.get_command(app))


def test_every_error_code_is_explained_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \| (?:\d{3}|\N{EN DASH}) \|", OPERATIONS, re.MULTILINE))
    assert documented == set(codes())
    assert "contract_broken" in documented


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_in_operations(command: str) -> None:
    assert f"`homeostat {command}" in OPERATIONS
    assert command in README


@pytest.mark.parametrize("name", [name for name, value in vars(Home).items() if isinstance(value, property)])
def test_every_place_in_the_home_folder_is_described(name: str, tmp_path: Path) -> None:
    assert f"`{getattr(Home(tmp_path), name).name}" in OPERATIONS


def test_every_metric_is_described() -> None:
    source = (ROOT / "homeostat" / "web" / "doors" / "metrics.py").read_text()
    families = {"Tally": "homeostat_{}_total", "Reading": "homeostat_{}", "Seconds": "homeostat_{}_seconds"}
    made = re.findall(r'= (Tally|Reading|Seconds)\(\s*"(\w+)"', source)
    assert len(made) >= 12
    for family, name in made:
        assert families[family].format(name) in OPERATIONS, name


def test_every_door_is_in_the_readme_or_on_the_page_of_its_protocol(tmp_path: Path) -> None:
    async def doors() -> list[str]:
        rig = Rig(tmp_path)
        try:
            return [door.pattern for door in rig.doors._table.doors if door.methods]
        finally:
            await rig.close()

    told = README + PROTOCOLS
    readme = told.replace("`/health/live` · `/health/ready`", "/health/live /health/ready")
    assert [pattern for pattern in asyncio.run(doors()) if pattern not in readme] == []


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "docs" / page).read_text()):
        assert (ROOT / "docs" / target).exists(), target
    others = [ROOT / "CONTRIBUTING.md", *(one for one in (ROOT / "docs").glob("**/*.md") if one.name != page)]
    assert f"docs/{page}" in README or any(page in one.read_text() for one in others)
