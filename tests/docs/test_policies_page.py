"""What the page on policies shows can be run, and every kind of policy is on it."""

from __future__ import annotations

import re
from typing import Any

import homeostat as hs
from homeostat.control.policies.forms import KINDS, policies_of
from tests.harness.running import ROOT

PAGE = (ROOT / "docs" / "policies.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run() -> None:
    names: dict[str, Any] = {}
    for block in _blocks("python"):
        exec(block, names)
    assert names["careful"].budget == hs.Budget(trainings=4)


def test_the_file_is_read_as_it_stands_there() -> None:
    (file,) = _blocks("toml")
    found = policies_of(file, hs.Retrain())
    assert found["careful"].when == hs.Emergency() | hs.Sustained(hs.Drift(features=3), 2, of=3)


def test_every_kind_is_on_the_page() -> None:
    assert [
        kind.__name__ for name, kind in KINDS.items() if f"hs.{kind.__name__}(" not in PAGE and f"`{name}`" not in PAGE
    ] == []
