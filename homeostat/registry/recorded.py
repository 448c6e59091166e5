"""The recorded legs of a version, read from its folder, or from what was proven of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from homeostat.kernel.errors import IntegrityError
from homeostat.registry.archive import contents_of
from homeostat.registry.legs import (
    CODE,
    DATA,
    ENVIRONMENT,
    LOOP,
    SOURCES,
    CodeLeg,
    ConfigLeg,
    DataLeg,
    EnvironmentLeg,
    Legs,
)
from homeostat.registry.sealed import Sealed

Leg = TypeVar("Leg")


def read_legs(source: Path | Sealed) -> Legs:
    """The legs of a version: of its folder as it is, or of one that was proven, the very bytes that were signed.

    None for each that an older release did not keep. Raises: IntegrityError; Untrusted where a file was swapped since.
    """
    return Legs(
        _read(source, CODE, CodeLeg.from_json),
        _read(source, DATA, DataLeg.from_json),
        _read(source, LOOP, ConfigLeg.from_json),
        _read(source, ENVIRONMENT, EnvironmentLeg.from_json),
    )


def read_contents(source: Path | Sealed) -> dict[str, bytes]:
    """The contents of the code that was kept, by hash; none in versions of older releases. Raises: as ``read_legs``."""
    try:
        return contents_of(_bytes(source, SOURCES))
    except FileNotFoundError:
        return {}


def _read(source: Path | Sealed, name: str, read: Callable[[Any], Leg]) -> Leg | None:
    try:
        return read(json.loads(_bytes(source, name)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        mend = "Restore the version's folder from the registry."
        path = (source if isinstance(source, Path) else source.folder) / name
        raise IntegrityError(f"{path} is no record of a leg.", mend=mend, file=str(path)) from error


def _bytes(source: Path | Sealed, name: str) -> bytes:
    if isinstance(source, Path):
        return (source / name).read_bytes()
    if name not in source.version.files:
        raise FileNotFoundError(name)
    return source.read(name)
