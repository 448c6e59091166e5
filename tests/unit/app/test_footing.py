"""A process that writes to a file which is gone notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from homeostat.app.recorder import footing
from homeostat.app.recorder.footing import Footing


def _removed(path: Path) -> None:
    path.unlink()


def _moved(path: Path) -> None:
    path.rename(path.with_name("away"))


def _replaced(path: Path) -> None:
    path.with_name("copy").write_bytes(path.read_bytes())
    path.with_name("copy").rename(path)


@pytest.mark.parametrize("harm", [_removed, _moved, _replaced])
def test_a_file_that_is_no_longer_there_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: object
) -> None:
    monkeypatch.setattr(footing, "_EVERY_SECONDS", 0.001)
    files = [tmp_path / "journal", tmp_path / "online"]
    for file in files:
        file.write_text("x")
    stood = Footing(files)
    assert stood.lost() == []
    files[0].write_text("written to")
    harm(files[1])  # type: ignore[operator]
    assert asyncio.run(stood.until_lost()) == [files[1]]
