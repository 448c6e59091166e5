"""What the system tells of files that are opened below a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from homeostat.app.pipeline.folder_watch import FolderWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def test_files_that_are_opened_or_written_are_told_once_but_not_where_nobody_looks(tmp_path: Path) -> None:
    for folder in ("near/far", ".hidden", "home", "site-packages"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "one.txt").write_text("1")
    watch = FolderWatch(tmp_path, but=[tmp_path / "home"])
    for file in tmp_path.rglob("*.txt"):
        file.read_text()
    (tmp_path / "near" / "made.txt").write_text("2")
    (tmp_path / "near" / "made.txt").read_text()
    assert watch.taken() == ([str(tmp_path / "near/far/one.txt")], [str(tmp_path / "near/made.txt")])
    assert watch.taken() == ([], [])
    watch.close()
    (tmp_path / "near" / "made.txt").read_text()
    assert watch.taken() == ([], [])


def test_where_it_was_closed_by_somebody_else_it_sees_nothing(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    os.close(watch._inotify)
    assert watch.taken() == ([], [])
    watch._inotify = -1
