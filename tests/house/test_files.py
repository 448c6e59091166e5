"""What the repository may and may not contain."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from homeostat.app.pipeline.clock_reads import ClockReads

# Written with character classes, so that this file passes its own test.
REGISTRIES = re.compile(r"py[p]i\.org|python[h]osted|npm[j]s\.(org|com)|deb[i]an\.org")
PROMISES = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
PRODUCED = re.compile(r"(^|/)(\.venv|\.homeostat|__pycache__|\.[a-z_]+_cache|\.hypothesis)/|^(build|dist)/|\.pyc$")


def test_no_package_registry_is_named(texts: dict[Path, str]) -> None:
    assert [f"{path}: {hit[0]}" for path, text in texts.items() if (hit := REGISTRIES.search(text))] == []


def test_no_path_of_this_machine_is_named(root: Path, texts: dict[Path, str]) -> None:
    own = [str(path) for path in (root, Path.home()) if len(path.parts) > 2]
    assert [str(path) for path, text in texts.items() if any(place in text for place in own)] == []


def test_nothing_produced_is_kept(files: tuple[Path, ...]) -> None:
    assert [str(path) for path in files if PRODUCED.search(path.as_posix())] == []


def test_no_work_is_promised_in_place_of_done(texts: dict[Path, str]) -> None:
    source = {path: text for path, text in texts.items() if path.suffix in {".py", ".js", ".sh", ".md"}}
    assert [f"{path}: {hit[0]}" for path, text in source.items() if (hit := PROMISES.search(text))] == []


def test_no_module_is_empty(modules: dict[Path, str]) -> None:
    assert [str(path) for path, text in modules.items() if not ast.parse(text).body] == []


def test_every_package_says_in_at_most_ten_lines_what_it_is_for(modules: dict[Path, str]) -> None:
    docs = {path: ast.get_docstring(ast.parse(modules[path])) for path in modules if path.name == "__init__.py"}
    assert [str(path) for path, doc in docs.items() if not doc or len(doc.splitlines()) > 10] == []


def test_every_module_of_the_package_says_what_it_is_for(modules: dict[Path, str]) -> None:
    assert [str(path) for path, text in modules.items() if not ast.get_docstring(ast.parse(text))] == []


def test_every_layer_and_every_room_of_the_use_cases_is_told_to_newcomers(root: Path, modules: dict[Path, str]) -> None:
    told = (root / "CONTRIBUTING.md").read_text()
    layers = {path.parts[1] for path in modules if len(path.parts) > 2 and path.parts[0] == "homeostat"}
    app = {path.parts[2] for path in modules if path.parts[:2] == ("homeostat", "app") and len(path.parts) == 4}
    assert len(app) > 10
    assert {name for name in layers | app if f"`{name}`" not in told} == set()


def test_no_test_keeps_the_time_at_which_it_was_loaded(root: Path) -> None:
    """Trainings in the process of tests take what is loaded there for the user's code, and warn of it."""
    seen = ClockReads({str(path.resolve()) for path in (root / "tests").rglob("*.py")})
    seen.when_loaded()
    assert seen.places == []
