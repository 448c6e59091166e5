"""One folder takes another's place in one step, and whoever died in the middle finds what is left to do."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sys
from pathlib import Path

from homeostat.adapters.files.folders import flush_folder
from homeostat.kernel.errors import Unavailable

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def intend_swap(place: Path, staged: Path, note: Path) -> None:
    """Write down which folder is to lie at ``place``: from now on ``swap`` may be repeated."""
    told = staged.stat()
    with note.open("w") as file:
        json.dump({"place": str(place), "inode": [told.st_dev, told.st_ino]}, file)
        file.flush()
        os.fsync(file.fileno())
    flush_folder(note.parent)


def swap(place: Path, staged: Path, note: Path) -> None:
    """Put ``staged`` at ``place``; what lay there, if anything did, is at ``staged`` then. Done once, however often.

    Raises: Unavailable when the file system does not allow it; then nothing has changed.
    """
    inode = json.loads(note.read_bytes())["inode"]
    aside = staged.with_name(f"{staged.name}.old")
    try:
        if _inode(place) != inode:
            _swap(place, staged, aside)
        if aside.exists() and not staged.exists():
            os.rename(aside, staged)
    except OSError as error:
        raise Unavailable(
            f"{place} cannot be replaced: {error.strerror}.",
            mend="It must be a folder of its own that may be renamed: no mount point, in a folder that may be written.",
            folder=str(place),
        ) from error
    flush_folder(place.parent)


def _swap(place: Path, staged: Path, aside: Path) -> None:
    if place.exists():
        if _exchange(place, staged):
            return
        os.rename(place, aside)
    os.rename(staged, place)


def _exchange(one: Path, other: Path) -> bool:
    """Both at once, where the system can."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    names = (os.fsencode(one), os.fsencode(other))
    if library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number))


def _inode(place: Path) -> list[int] | None:
    try:
        told = place.stat()
    except FileNotFoundError:
        return None
    return [told.st_dev, told.st_ino]
