"""Names that stand in users' files and in signed versions: whatever moves, they lead where they led."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from homeostat.adapters.mlflow.flavour import LOADER
from homeostat.app.scaffold import loop_text

IN_VERSIONS = "homeostat.app.pyfunc"
IN_LOOP_FILES = ("homeostat.app.brought", "load_model")


def test_versions_are_loaded_by_the_module_that_they_name() -> None:
    assert LOADER == IN_VERSIONS
    assert callable(vars(import_module(IN_VERSIONS))["_load_pyfunc"])


def test_what_loop_files_of_before_import_is_there_and_new_ones_import_the_same() -> None:
    module, name = IN_LOOP_FILES
    assert callable(vars(import_module(module))[name])
    assert f"from {module} import {name}" in Path(loop_text.__file__).read_text()


@pytest.mark.parametrize("page", ["performance.md"])
def test_statistics_that_the_documentation_names_are_there(root: Path, page: str) -> None:
    said = (root / "docs" / page).read_text().partition("## In your own code")[2]
    named = re.findall(r"`((?:figures|estimates)\.\w+(?:\.\w+)?)`", said)
    assert len(named) >= 6
    for one in named:
        room, module, *parts = one.split(".")
        found = import_module(f"homeostat.stats.{room}.{module}")
        assert all(part in vars(found) for part in parts), one
