"""What the import contracts cannot say: what the lowest layers stand on, and what serving loads."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ALLOWED = {
    "kernel": set[str](),
    "stats": {"numpy", "scipy"},
}


@pytest.mark.parametrize(("package", "allowed"), ALLOWED.items())
def test_a_low_layer_imports_no_other_third_party(
    package: str, allowed: set[str], imports: dict[Path, set[str]]
) -> None:
    own = {path: names for path, names in imports.items() if path.parts[:2] == ("homeostat", package)}
    assert own
    foreign = {str(path): extra for path, names in own.items() if (extra := names - allowed)}
    assert foreign == {}


def test_loading_serving_loads_nothing_heavy(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (heavy,) = (contract["forbidden_modules"] for contract in settings if contract["id"] == "light-serving")
    script = f"""
import importlib, pkgutil, sys, homeostat.serving as serving
import homeostat.app.gateway.process, homeostat.web.doors.wiring
for module in pkgutil.walk_packages(serving.__path__, "homeostat.serving."):
    importlib.import_module(module.name)
print(*sorted(set(sys.modules) & set({[*heavy, "scipy"]!r})))
"""
    loaded = subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []
