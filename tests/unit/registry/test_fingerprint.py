from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.kernel.errors import InvalidInput
from homeostat.registry.fingerprint import code_hash, config_hash, environment, fingerprint, source_files
from homeostat.registry.models import Fingerprint
from tests.contract.test_registry import PIN


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A user's folder with a loop file and a helper, both loaded."""
    before = set(sys.modules)
    (tmp_path / "helper_of_a_loop.py").write_text("LIMIT = 1\n")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "loop.py").write_text("def train(rows, config):\n    return config['x']\n")
    for name in ("helper_of_a_loop", "loop"):
        load(tmp_path / f"{name}.py", f"fingerprinted_{name}")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(path: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def mark(folder: Path, **parts: Any) -> Fingerprint:
    train = sys.modules["fingerprinted_loop"].train
    told = {"loop_file": folder / "loop.py", "train": train, "config": {"x": 1, "y": 2.5}, "pin": PIN, **parts}
    return fingerprint(**told)


def differing(one: Fingerprint, other: Fingerprint) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}


def test_nothing_changed_gives_the_same_fingerprint(folder: Path) -> None:
    assert mark(folder) == mark(folder, config={"y": 2.5, "x": 1})


def test_each_leg_shows_its_own_change(folder: Path) -> None:
    before = mark(folder)
    assert differing(before, mark(folder, config={"x": 2, "y": 2.5})) == {"config"}
    assert differing(before, mark(folder, pin=replace(PIN, sequence=42))) == {"data"}
    (folder / "helper_of_a_loop.py").write_text("LIMIT = 2\n")
    assert differing(before, mark(folder)) == {"code"}


def test_code_is_the_loops_file_and_the_modules_beside_it_that_it_loaded(folder: Path) -> None:
    assert [path.name for path in source_files(folder / "loop.py")] == ["helper_of_a_loop.py", "loop.py"]


def test_a_train_function_without_source_still_has_a_hash(folder: Path) -> None:
    assert len(code_hash(folder / "loop.py", len)) == 64


@pytest.mark.parametrize("config", [{"x": object()}, {"x": float("nan")}])
def test_a_config_that_cannot_be_kept_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="config"):
        config_hash(config)


def test_the_environment_names_versions_and_what_is_absent() -> None:
    found = environment(["numpy", "no-such-distribution"])
    assert list(found) == ["machine", "no-such-distribution", "numpy", "python"]
    assert found["no-such-distribution"] is None
    assert found["numpy"] is not None
