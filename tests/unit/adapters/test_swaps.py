"""A folder is replaced in one step; killed before any call, it is the old one or the new one, and is finished later."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from homeostat.adapters.files import swaps
from homeostat.adapters.files.swaps import intend_swap, swap
from homeostat.kernel.errors import Unavailable


class Died(BaseException):
    """The process ends here."""


def two(folder: Path) -> tuple[Path, Path, Path]:
    place, staged, note = folder / "state", folder / ".state.homeostat", folder / "note.json"
    for one, text in ((place, "old"), (staged, "new")):
        one.mkdir()
        (one / "what").write_text(text)
    return place, staged, note


@contextmanager
def no_exchange() -> Iterator[None]:
    with mock.patch.object(swaps, "_exchange", return_value=False):
        yield


@contextmanager
def dying_at(call: int) -> Iterator[None]:
    rename, seen = os.rename, [0]

    def mortal(one: Path, other: Path) -> None:
        seen[0] += 1
        if seen[0] == call:
            raise Died
        rename(one, other)

    with mock.patch.object(os, "rename", mortal):
        yield


def test_both_change_places_at_once_and_only_once(tmp_path: Path) -> None:
    place, staged, note = two(tmp_path)
    intend_swap(place, staged, note)
    for _ in range(3):
        swap(place, staged, note)
        assert ((place / "what").read_text(), (staged / "what").read_text()) == ("new", "old")


@pytest.mark.parametrize("call", [1, 2, 3])
def test_where_the_system_cannot_exchange_a_kill_before_any_rename_is_made_good(tmp_path: Path, call: int) -> None:
    place, staged, note = two(tmp_path)
    intend_swap(place, staged, note)
    with no_exchange():
        with dying_at(call), pytest.raises(Died):
            swap(place, staged, note)
        swap(place, staged, note)
    assert ((place / "what").read_text(), (staged / "what").read_text()) == ("new", "old")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".state.homeostat", "note.json", "state"]


def test_a_place_where_nothing_lay_is_filled(tmp_path: Path) -> None:
    place, staged, note = two(tmp_path)
    (place / "what").unlink()
    place.rmdir()
    intend_swap(place, staged, note)
    swap(place, staged, note)
    assert (place / "what").read_text() == "new"
    assert not staged.exists()


def test_a_folder_that_may_not_be_renamed_is_told_and_left(tmp_path: Path) -> None:
    place, staged, note = two(tmp_path)
    intend_swap(place, staged, note)
    ctypes.set_errno(0)
    with (
        mock.patch.object(swaps, "_exchange", side_effect=OSError(16, "Device or resource busy")),
        pytest.raises(Unavailable, match="busy") as error,
    ):
        swap(place, staged, note)
    assert "mount point" in error.value.mend
    assert (place / "what").read_text() == "old"
