"""Which files a training function opens that no version keeps: a replay would not find them, or would find others."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from homeostat.app.provenance.gathering import of_the_user

Made = TypeVar("Made")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib", "/run/", f"{sys.prefix}/", f"{sys.base_prefix}/")


class FileReads:
    """Notes them while some work is done. ``kept`` are files that are on record; ``project`` is the user's folder.

    Below the project every file counts; elsewhere none of the system's, hidden ones, or temporary ones. Files that the
    work itself wrote before do not count. What a library reads past Python's own ``open`` is not seen.
    """

    def __init__(self, kept: Collection[str], project: Path) -> None:
        self._kept = {os.path.realpath(one) for one in kept}
        self._project, self._written, self._seen = project.resolve(), set[str](), dict[str, None]()

    def during(self, work: Callable[[], Made]) -> Made:
        """Do it, watched."""
        _watch()
        _WATCHING.append(self)
        try:
            return work()
        finally:
            _WATCHING.remove(self)

    @property
    def names(self) -> list[str]:
        """The files, by their place in the project where they lie there."""
        return [self._named(Path(path)) for path in self._seen if self._counts(path)]

    def note(self, path: str, flags: int) -> None:
        """Somebody opens a file."""
        place = os.path.realpath(path)
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._written.add(place)
        elif place not in self._written:
            self._seen.setdefault(place)

    def _counts(self, path: str) -> bool:
        file = Path(path)
        if path in self._kept or file.suffix == ".pyc" or of_the_user(path) is None:
            return False
        if file.is_relative_to(self._project):
            return True
        hidden = any(part.startswith(".") for part in file.parts)
        return not hidden and not path.startswith((*_SYSTEM, os.path.realpath(tempfile.gettempdir())))

    def _named(self, file: Path) -> str:
        return file.relative_to(self._project).as_posix() if file.is_relative_to(self._project) else str(file)


_WATCHING: list[FileReads] = []
_HOOKED: list[bool] = []


def _watch() -> None:
    """Once for a process: what Python is told to audit it is told for good."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _WATCHING and isinstance(arguments[0], str | bytes):
        for one in _WATCHING:
            one.note(os.fsdecode(arguments[0]), arguments[2])
