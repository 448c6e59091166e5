"""Which files of a folder are opened, as the system tells: readers in C, such as those of Parquet, pass Python's by."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_MOST_FOLDERS = 1_000
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages"})
_MODIFY, _OPEN, _MOVED_TO, _CREATE, _ONLY_FOLDERS, _IS_FOLDER = 0x02, 0x20, 0x80, 0x100, 0x01000000, 0x40000000
_WRITTEN = _MODIFY | _MOVED_TO | _CREATE
_HEAD = struct.Struct("iIII")
_AT_ONCE = 1 << 20


@dataclass(slots=True)
class FolderWatch:
    """Watches a folder and those below it, but for hidden ones, installed packages and ``but``, by inotify of Linux.

    Whoever opens a file is not told: other processes' files are among them. It sees nothing where the system has no
    such watch, or no more to give.
    """

    folder: Path
    but: Collection[Path] = ()
    _inotify: int = field(init=False, default=-1)
    _places: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if sys.platform != "linux":
            return
        system = ctypes.CDLL(None, use_errno=True)
        self._inotify = system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for place in self._folders() if self._inotify >= 0 else ():
            number = system.inotify_add_watch(self._inotify, os.fsencode(place), _OPEN | _WRITTEN | _ONLY_FOLDERS)
            if number < 0:
                return
            self._places[number] = place

    def taken(self) -> tuple[list[str], list[str]]:
        """The files that were only opened since the last time, and those that were written."""
        opened, written = dict[str, None](), dict[str, None]()
        for mask, path in self._events():
            (written if mask & _WRITTEN else opened).setdefault(path)
        return [path for path in opened if path not in written], list(written)

    def close(self) -> None:
        """Watch no longer."""
        if self._inotify >= 0:
            os.close(self._inotify)
            self._inotify = -1

    def _folders(self) -> Iterator[str]:
        """The nearest first."""
        left_out = {one.resolve() for one in self.but}
        waiting, found = deque([self.folder.resolve()]), 0
        while waiting and found < _MOST_FOLDERS:
            place = waiting.popleft()
            found += 1
            yield str(place)
            with suppress(OSError), os.scandir(place) as inside:
                names = sorted(one.name for one in inside if one.is_dir(follow_symlinks=False))
                below = [place / name for name in names if not name.startswith(".") and name not in _LEFT_OUT]
                waiting.extend(one for one in below if one not in left_out)

    def _events(self) -> Iterator[tuple[int, str]]:
        while self._inotify >= 0:
            try:
                told = os.read(self._inotify, _AT_ONCE)
            except OSError:  # nothing more is there; or a user's function has closed it with all the others
                return
            at = 0
            while at < len(told):
                number, mask, _, length = _HEAD.unpack_from(told, at)
                name = told[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
                at += _HEAD.size + length
                if number in self._places and name and not mask & _IS_FOLDER:
                    yield mask, os.path.join(self._places[number], os.fsdecode(name))
