"""Lays a folder at its place whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeostat.kernel.errors import Unavailable


def lay(folder: Path, place: Path) -> None:
    """``place`` becomes a copy of ``folder``, on disk; one that is killed leaves no half of it.

    Raises: Unavailable where it cannot be written, such as on a full disk; nothing of it is left then.
    """
    with _told(place), _part_of(place) as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
        _flush(part)
        shutil.rmtree(place, ignore_errors=True)
        part.rename(place)
        _flush(place.parent)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.args[0][0][-1] if isinstance(error, shutil.Error) else error.strerror
        raise Unavailable(
            f"Version {place.name} of {place.parent.name} cannot be copied to {place}: {why}.",
            mend="Make room there, and see who may write there; what was asked may be asked again.",
            folder=str(place),
        ) from error


@contextmanager
def _part_of(place: Path) -> Iterator[Path]:
    """A folder beside ``place`` to be filled and renamed; what a killed process left of it is removed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _flush(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
