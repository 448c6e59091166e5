"""What the page on contracts shows can be run, and what it lists is all there is."""

from __future__ import annotations

import re
from typing import Any

import homeostat as hs
from tests.harness.running import ROOT

PAGE = (ROOT / "docs" / "contracts.md").read_text()
SOURCES = [ROOT / "homeostat" / "data" / name for name in ("checks.py", "contracts.py")]


def test_the_example_runs() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert isinstance(names["arrivals"], hs.Table)
    assert len(names["arrivals"].rules) == 6


def test_every_reason_of_a_break_is_listed() -> None:
    text = "\n".join(path.read_text() for path in SOURCES)
    reasons = set(re.findall(r'Fault\(\s*"(\w+)"', text)) | set(re.findall(r'(?:None|name), "(\w+)"', text))
    assert {"wrong_type", "no_match", "unknown_column", "not_an_object"} <= reasons
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in PAGE] == []
