"""What is told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.app import installation
from tests.harness.world import LOOP, write_loop


@pytest.mark.parametrize(("limit", "told"), [(0.0, 1), (60.0, 0)])
def test_a_file_that_takes_long_to_import_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, told: int
) -> None:
    monkeypatch.setattr(installation, "LONG_IMPORT_SECONDS", limit)
    notices: list[str] = []
    assert list(installation.loops_of(write_loop(tmp_path), notices.append)) == [LOOP]
    assert len(notices) == told
    assert all("inside train()" in one for one in notices)
