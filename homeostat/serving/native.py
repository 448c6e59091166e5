"""Native libraries by their documented C interfaces: their Python packages load pandas and scikit-learn, and more
than a hundred megabytes with them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import IntegrityError, Unavailable
from homeostat.registry.layout import Layout


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each feature adds to the log-odds of one row: with ``base``, that of no row in particular, their sum."""

    base: float
    values: dict[str, float]


def by_feature(layout: Layout, found: NDArray[np.float64]) -> Contributions:
    """From one row of a native model's contributions, the base last: columns made of one feature count together."""
    values = dict.fromkeys((one.feature for one in layout.columns), 0.0)
    for one, value in zip(layout.columns, found[0], strict=False):
        values[one.feature] += float(value)
    return Contributions(float(found[0, -1]), values)


@cache
def library(package: str, name: str) -> ctypes.CDLL:
    """The shared library that an installed package brings; the package itself is not imported.

    Raises: Unavailable when it is not installed, or the system lacks what it needs.
    """
    spec = find_spec(package)
    folders = [] if spec is None else [Path(one) for one in spec.submodule_search_locations or ()]
    found = [file for folder in folders for file in sorted((folder / "lib").glob(f"{name}.*"))]
    mend = f"Install {package} where versions are served, with the system library libgomp."
    if not found:
        raise Unavailable(f"{package} is not installed here.", mend=mend, package=package)
    try:
        return ctypes.CDLL(str(found[0]))
    except OSError as error:
        raise Unavailable(f"{package} does not load: {error}.", mend=mend, package=package) from error


def read_layout(version: str, content: bytes) -> Layout:
    """The layout that lies beside a native model. Raises: IntegrityError when it is none."""
    try:
        return Layout.from_bytes(content)
    except (ValueError, KeyError, TypeError) as error:
        raise unfit(version, f"has no layout of columns: {type(error).__name__}") from error


def unfit(version: str, why: str) -> IntegrityError:
    """The model cannot be what its version says."""
    return IntegrityError(
        f"The model of version {version} {why}.",
        mend="Train it again with the library that is installed here.",
        version=version,
    )
