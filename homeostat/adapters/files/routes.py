"""Copies of the routes on disk: serving starts from them when nothing else is up."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from homeostat.kernel.errors import HomeostatError, IntegrityError
from homeostat.serving.routing import Route

Signature = tuple[int, int, int]
"""Changes whenever a file is replaced; cheap enough to ask for many times a second."""


def route_path(folder: Path, loop: str) -> Path:
    """Where the copy of a loop's route lies."""
    return folder / f"{loop}.json"


def write_route(folder: Path, route: Route) -> None:
    """Replace the copy as a whole, durably: a reader sees the old route or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = route_path(folder, route.loop)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        file.write(msgspec.json.encode(route))
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
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
    try:
        found = os.stat(route_path(folder, loop))
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _unreadable(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"{path} cannot be read as a route: {why}.",
        mend="Let control write it again; what was served before goes on being served.",
        file=str(path),
    )
