"""The home folder: one instance at a time, found by commands, whole at every moment."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from homeostat.app.home import Home, HomeLock, Running, write_whole
from homeostat.app.processes.ports import check_ports_free
from homeostat.app.settings import Settings
from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput, NotFound, Unavailable


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that was prepared."""
    found = Home(tmp_path / "home")
    found.prepare()
    return found


def test_a_second_instance_is_refused_and_told_who_holds_the_home(home: Home) -> None:
    lock = HomeLock(home)
    with pytest.raises(Conflict, match=rf"in use by a running Homeostat \(process {os.getpid()}\)"):
        HomeLock(home)
    lock.release()
    HomeLock(home).release()


def test_a_new_home_is_open_to_its_owner_only(home: Home) -> None:
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_says_how_to_name_another(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="--home"):
        Home(tmp_path / "file" / "home").prepare()


def test_a_home_that_delta_lake_could_not_read_is_refused_before_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="reads '%20' as another sign"):
        Home(tmp_path / "my%20home").prepare()
    assert not (tmp_path / "my%20home").exists()


@pytest.mark.parametrize("content", [b"", b"\x80", b"[]"])
def test_damaged_settings_are_told_with_what_to_do(home: Home, content: bytes) -> None:
    home.settings_file.write_bytes(content)
    for read in (home.told, lambda: Settings.load(home.root)):
        with pytest.raises(IntegrityError, match=r"settings\.json is damaged, or of a newer release"):
            read()


def test_settings_that_lack_what_is_asked_of_them_are_told(home: Home) -> None:
    home.settings_file.write_text('{"clock": "replay"}')
    assert home.replayed()
    with pytest.raises(IntegrityError, match=r"settings\.json is damaged, or of a newer release: it lacks loop_file"):
        _ = home.loop_file()


def test_settings_that_may_not_be_read_are_told(home: Home) -> None:
    home.settings_file.mkdir()
    with pytest.raises(Unavailable, match="cannot be read: Is a directory"):
        home.told()


def test_a_lock_that_cannot_be_opened_is_told(home: Home) -> None:
    (home.root / "lock").mkdir()
    with pytest.raises(Unavailable, match="lock cannot be used: Is a directory"):
        HomeLock(home)


def test_commands_find_the_running_instance_and_no_dead_one(home: Home) -> None:
    with pytest.raises(NotFound, match="No Homeostat is running"):
        home.running()
    told = Running(os.getpid(), "http://a", "http://b", "socket", "loop.py", "system")
    home.announce(told)
    assert home.running() == told
    home.announce(Running(2**22 + 1, "http://a", "http://b", "socket", "loop.py", "system"))
    with pytest.raises(NotFound):
        home.running()


def test_a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_whole(tmp_path / "file", content)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


def test_settings_are_read_as_they_were_written(home: Home) -> None:
    settings = Settings(home=home.root, loop_file=home.root / "loop.py", port=9000, clock="replay")
    settings.save()
    assert Settings.load(home.root) == settings
    assert (settings.doors_url, settings.control_url) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")


@pytest.mark.parametrize("change", [{"port": 80}, {"clock": "sun"}, {"tick_seconds": 0}, {"frob": 1}])
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"home": tmp_path, "loop_file": tmp_path / "loop.py", **change})


@pytest.mark.parametrize("offset", [0, 1])
def test_either_port_in_use_is_named(offset: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"Port {port} on 127.0.0.1 is in use"):
            check_ports_free(port - offset)
    with pytest.raises(InvalidInput):
        check_ports_free(65_535)
