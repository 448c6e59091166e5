"""What training takes from outside that no version keeps: files, and what somebody answers over the network. A replay
would not find it, or would find something else."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from homeostat.app.pipeline.folder_watch import FolderWatch
from homeostat.app.provenance.gathering import of_the_user

Made = TypeVar("Made")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib", "/run/", f"{sys.prefix}/", f"{sys.base_prefix}/")


class Outside:
    """Notes it while some work is done. Past Python's own functions a library asks for nothing that is seen, and reads
    nothing but files of the watched ``folder``.
    """

    def __init__(self, folder: FolderWatch | None = None) -> None:
        self._folder = folder
        self._written, self._seen, self._opened = set[str](), dict[str, None](), dict[str, None]()
        self._asked, self._connected, self._started = dict[str, str](), dict[str, None](), dict[str, None]()

    def during(self, work: Callable[[], Made]) -> Made:
        """Do it, watched."""
        _watch()
        _WATCHING.append(self)
        self._look()
        try:
            return work()
        finally:
            _WATCHING.remove(self)
            opened, written = self._look()
            self._written.update(written)
            self._opened.update(dict.fromkeys(opened))

    def _look(self) -> tuple[list[str], list[str]]:
        return self._folder.taken() if self._folder is not None else ([], [])

    def files(self, kept: Collection[str], project: Path) -> list[str]:
        """Those that are not among the ``kept``, by their place in the user's ``project`` where they lie there.

        Below the project every file counts; elsewhere none of the system's, hidden ones, or temporary ones. Files that
        the work itself wrote before do not count. One that Python did not open may be another process's: it counts
        where the ``kept`` code names files that end as it does.
        """
        own, place = {os.path.realpath(one) for one in kept}, project.resolve()
        written = {os.path.realpath(one) for one in self._written}
        code = "".join(_code(one) for one in own)
        others = [one for one in self._opened if Path(one).suffix and Path(one).suffix in code]
        found = dict.fromkeys(os.path.realpath(one) for one in (*self._seen, *others))
        return [_named(Path(one), place) for one in found if one not in own | written and _counts(one, place)]

    @property
    def connections(self) -> list[str]:
        """Each host and port, by the name that it was asked for."""
        return list(self._connected)

    @property
    def programs(self) -> list[str]:
        """Each that the user's own code started, with the line."""
        return list(self._started)

    def opened(self, path: str, *, reads: bool) -> None:
        """Somebody opens a file."""
        file = os.path.abspath(path)
        if not reads:
            self._written.add(file)
        elif file not in self._written:
            self._seen.setdefault(file)

    def looked_up(self, host: object, port: object) -> None:
        """Somebody asks where a host is."""
        self._asked[str(port)] = _text(host)

    def connected(self, host: str, port: int) -> None:
        """Somebody opens a connection."""
        named = self._asked.get(str(port), host)
        self._connected.setdefault(f"[{named}]:{port}" if ":" in named else f"{named}:{port}")

    def started(self, program: str, frame: FrameType | None) -> None:
        """Somebody starts another program."""
        while frame is not None and frame.f_globals.get("__name__") in ("subprocess", "os", __name__):
            frame = frame.f_back
        if frame is not None and of_the_user(frame.f_code.co_filename) is not None:
            where = f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
            self._started.setdefault(f"{Path(program).name} ({where})")


def _counts(path: str, project: Path) -> bool:
    file = Path(path)
    if file.suffix == ".pyc" or of_the_user(path) is None:
        return False
    if file.is_relative_to(project):
        return True
    hidden = any(part.startswith(".") for part in file.parts)
    return not hidden and not path.startswith((*_SYSTEM, os.path.realpath(tempfile.gettempdir())))


def _code(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace") if path.endswith(".py") else ""
    except OSError:
        return ""


def _named(file: Path, project: Path) -> str:
    return file.relative_to(project).as_posix() if file.is_relative_to(project) else str(file)


_WATCHING: list[Outside] = []
_HOOKED: list[bool] = []


def _watch() -> None:
    """Once for a process: what Python is told to audit it is told for good."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _WATCHING or event not in _EVENTS:
        return
    for one in _WATCHING:
        _EVENTS[event](one, *arguments)


def _open(seen: Outside, path: object, mode: object, flags: int) -> None:
    if isinstance(path, str | bytes):
        seen.opened(os.fsdecode(path), reads=flags & os.O_ACCMODE == os.O_RDONLY)


def _database(seen: Outside, name: object) -> None:
    """One of SQLite; what is not there yet is made."""
    path = _text(name)
    path = unquote(urlsplit(path).path) if path.startswith("file:") else path
    if path and path != ":memory:":
        seen.opened(path, reads=os.path.exists(path))


def _look_up(seen: Outside, host: object, port: object, *more: object) -> None:
    if host is not None:
        seen.looked_up(host, port)


def _connect(seen: Outside, socket: object, address: object) -> None:
    if isinstance(address, tuple) and len(address) > 1:  # others lead to a process of this machine, by a file
        seen.connected(_text(address[0]), address[1])


def _start(seen: Outside, program: object, *more: object) -> None:
    seen.started(_text(program), sys._getframe(1))


def _shell(seen: Outside, command: object) -> None:
    """Its words are not told: they may begin with a secret, as in ``PGPASSWORD=... psql``."""
    seen.started("sh", sys._getframe(1))


def _text(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)


_EVENTS: dict[str, Callable[..., None]] = {
    "open": _open,
    "sqlite3.connect": _database,
    "socket.getaddrinfo": _look_up,
    "socket.connect": _connect,
    "subprocess.Popen": _start,
    "os.system": _shell,
}
