"""Copies of the routes on disk, and why there is none: serving starts from them when nothing else is up."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from homeostat.kernel.errors import HomeostatError, IntegrityError
from homeostat.serving.routing import Route
from homeostat.serving.waiting import Waiting

Signature = tuple[int, int, int]
"""Changes whenever a file is replaced; cheap enough to ask for many times a second."""


def route_path(folder: Path, loop: str) -> Path:
    """Where the copy of a loop's route lies."""
    return folder / f"{loop}.json"


def write_route(folder: Path, route: Route) -> None:
    """Replace the copy as a whole, durably: a reader sees the old route or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(route_path(folder, route.loop), msgspec.json.encode(route))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_route(folder: Path, loop: str) -> Route | None:
    """The copy; None before the first. Raises: IntegrityError when it is no route of this loop."""
    path = route_path(folder, loop)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    try:
        route = msgspec.json.decode(data, type=Route)
    except (msgspec.MsgspecError, HomeostatError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    if route.loop != loop:
        raise _unreadable(path, f"it is the route of {route.loop!r}")
    return route


def signature(folder: Path, loop: str) -> Signature | None:
    """Tells a replaced copy from the one before; None while there is none."""
    return _signature(route_path(folder, loop))


def write_waiting(folder: Path, loop: str, waiting: Waiting | None) -> None:
    """Say why a loop has no version to answer with; None takes back what was said."""
    if waiting is None:
        _waiting_path(folder, loop).unlink(missing_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(_waiting_path(folder, loop), msgspec.json.encode(waiting))


def read_waiting(folder: Path, loop: str) -> Waiting | None:
    """What was said last; None when it is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(_waiting_path(folder, loop).read_bytes(), type=Waiting)
    except (OSError, msgspec.MsgspecError):
        return None


def waiting_signature(folder: Path, loop: str) -> Signature | None:
    """Tells what is said now from what was said before; None while nothing is."""
    return _signature(_waiting_path(folder, loop))


def _waiting_path(folder: Path, loop: str) -> Path:
    return folder / f"{loop}.waiting.json"


def _signature(path: Path) -> Signature | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _unreadable(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"{path} cannot be read as a route: {why}.",
        mend="Let control write it again; what was served before goes on being served.",
        file=str(path),
    )
