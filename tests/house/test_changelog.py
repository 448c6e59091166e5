"""The changelog follows its format, so that tools and people can read it."""

from __future__ import annotations

import re
from pathlib import Path

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_unreleased_changes_come_first(root: Path) -> None:
    headings = re.findall(r"^## (.+)$", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])


def test_every_change_is_of_a_known_kind(root: Path) -> None:
    kinds = re.findall(r"^### (.+)$", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert kinds
    assert set(kinds) <= KINDS
