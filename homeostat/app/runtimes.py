"""Loads a version with the runtime that its manifest names: the one way in which any process does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from homeostat.adapters.onnx.runtime import load_runtime as load_onnx
from homeostat.kernel.errors import Unavailable
from homeostat.registry.manifest import read_manifest
from homeostat.serving.runtimes import Runtime


def load_runtime(folder: Path, version: str) -> Runtime:
    """Load the version in ``folder``. What only other runtimes need is not imported.

    Raises: NotFound, Unavailable or IntegrityError when its files are missing or changed; Unavailable for a
    runtime of a later release; Refused when its model may not be loaded.
    """
    name = read_manifest(folder).runtime
    load = _loader(name)
    if load is None:
        raise Unavailable(
            f"Version {version} is served by {name!r}, which this release of Homeostat does not know.",
            mend="Install the release that trained it here too, or route to another version.",
            version=version,
            runtime=name,
        )
    return load(folder, version)


def _loader(name: str) -> Callable[[Path, str], Runtime] | None:
    if name == "onnx":
        return load_onnx
    if name == "lightgbm":
        from homeostat.adapters.lightgbm.runtime import load_runtime as load_lightgbm

        return load_lightgbm
    if name == "xgboost":
        from homeostat.adapters.xgboost.runtime import load_runtime as load_xgboost

        return load_xgboost
    if name == "skops":
        from homeostat.adapters.skops.runtime import load_runtime as load_skops

        return load_skops
    return None
