"""Small rooms: what is too large to read is split."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median, quantiles

WRITTEN_BY_HAND = {".py", ".js", ".css", ".html", ".sh"}


def test_no_file_is_over_400_lines(texts: dict[Path, str]) -> None:
    too_long = {
        str(path): lines
        for path, text in texts.items()
        if path.suffix in WRITTEN_BY_HAND and ".min." not in path.name and (lines := len(text.splitlines())) > 400
    }
    assert too_long == {}


def test_the_middle_file_is_short(modules: dict[Path, str]) -> None:
    assert median(len(text.splitlines()) for text in modules.values()) <= 130


def test_the_middle_function_is_short_and_nine_in_ten_are_under_30_lines(modules: dict[Path, str]) -> None:
    lengths = [_lines(node) for text in modules.values() for node in _functions(text)]
    deciles = quantiles(lengths, n=10)
    assert deciles[4] <= 14
    assert deciles[8] <= 30


def test_no_file_of_the_repository_is_over_a_megabyte(root: Path, files: tuple[Path, ...]) -> None:
    assert [str(path) for path in files if (root / path).stat().st_size > 1_000_000] == []


def _functions(text: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body: a docstring makes a function clearer, not longer."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return sum((statement.end_lineno or statement.lineno) - statement.lineno + 1 for statement in body)
