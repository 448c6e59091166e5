"""Copies of the routes on disk, and why there is none: serving starts from them when nothing else is up."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import msgspec

from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError, IntegrityError
from homeostat.serving.routing import Experiment, ExperimentArm, Route, Shadow
from homeostat.serving.waiting import Waiting

Signature = tuple[int, int, int]
"""Changes whenever a file is replaced; cheap enough to ask for many times a second."""


def route_path(folder: Path, loop: str) -> Path:
    """Where the copy of a loop's route lies."""
    return folder / f"{loop}.json"


def write_route(folder: Path, route: Route) -> None:
    """Replace the copy as a whole, durably: a reader sees the old route or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(route_path(folder, route.loop), msgspec.json.encode(_told(route)))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_route(folder: Path, loop: str) -> Route | None:
    """The copy; None before the first.

    Raises: IntegrityError when it is no route of this loop, or says something that this release does not know: a
    route is obeyed whole or not at all.
    """
    path = route_path(folder, loop)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    try:
        values = msgspec.json.decode(data)
        _refuse_unknown(values, Route)
        route = msgspec.convert(values, Route)
    except (msgspec.MsgspecError, HomeostatError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    if route.loop != loop:
        raise _unreadable(path, f"it is the route of {route.loop!r}")
    return route


def route_age(folder: Path, loop: str, now: Instant) -> float | None:
    """Seconds since control wrote the copy; None while there is none."""
    found = signature(folder, loop)
    return None if found is None else max(0.0, now / 1e6 - found[1] / 1e9)


def _told(route: Route) -> dict[str, Any]:
    """What a route says beyond the defaults: a replica of an older release obeys whatever it can."""
    told = {}
    for field in dataclasses.fields(Route):
        value = getattr(route, field.name)
        if field.default is dataclasses.MISSING or value != field.default:
            told[field.name] = value
    return told


def _refuse_unknown(values: object, kind: type) -> None:
    """Raises: ValueError naming the first key that this release gives no meaning."""
    known = {field.name for field in dataclasses.fields(kind)}
    for name, value in values.items() if isinstance(values, dict) else ():
        if name not in known:
            raise ValueError(f"it says {name!r}, which this release does not know")
        for part in value if name in _PARTS and isinstance(value, list) else ():
            _refuse_unknown(part, _PARTS[name])


_PARTS: dict[str, type] = {"shadows": Shadow, "experiments": Experiment, "arms": ExperimentArm}


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
