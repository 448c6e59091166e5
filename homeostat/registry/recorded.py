"""The recorded legs of a version, read from its folder."""

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

Leg = TypeVar("Leg")


def read_legs(folder: Path) -> Legs:
    """The legs in a version's folder; None for each that an older release did not keep. Raises: IntegrityError."""
    return Legs(
        _read(folder / CODE, CodeLeg.from_json),
        _read(folder / DATA, DataLeg.from_json),
        _read(folder / LOOP, ConfigLeg.from_json),
        _read(folder / ENVIRONMENT, EnvironmentLeg.from_json),
    )


def read_contents(folder: Path) -> dict[str, bytes]:
    """The contents of the code that was kept, by hash; none in versions of older releases. Raises: IntegrityError."""
    try:
        return contents_of((folder / SOURCES).read_bytes())
    except FileNotFoundError:
        return {}


def _read(path: Path, read: Callable[[Any], Leg]) -> Leg | None:
    try:
        return read(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        mend = "Restore the version's folder from the registry."
        raise IntegrityError(f"{path} is no record of a leg.", mend=mend, file=str(path)) from error
