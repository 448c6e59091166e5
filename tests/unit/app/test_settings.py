"""Settings mean the folder in which they lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from homeostat.app.settings import Settings


def told(home: Path) -> Settings:
    home.mkdir()
    settings = Settings(home=home, loop_file=home / "loop.py", recorder_socket="/run/recorder")
    settings.save()
    return settings


def test_settings_come_back_as_they_were_told(tmp_path: Path) -> None:
    settings = told(tmp_path / "home")
    (tmp_path / "linked").symlink_to(tmp_path / "home")
    assert Settings.load(tmp_path / "home") == settings
    assert Settings.load(tmp_path / "linked") == settings


def test_a_copy_means_itself_and_nobody_records_for_it(tmp_path: Path) -> None:
    settings = told(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    copied = Settings.load(tmp_path / "copy")
    assert copied == settings.model_copy(update={"home": tmp_path / "copy", "recorder_socket": ""})


def test_a_home_that_was_moved_is_where_it_is(tmp_path: Path) -> None:
    told(tmp_path / "home")
    (tmp_path / "home").rename(tmp_path / "moved")
    assert Settings.load(tmp_path / "moved").paths.root == tmp_path / "moved"


def test_a_home_that_came_from_where_nobody_may_look_is_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")

    def refused(one: Path, other: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(one))

    monkeypatch.setattr(Path, "samefile", refused)
    assert Settings.load(tmp_path / "copy").home == tmp_path / "copy"
