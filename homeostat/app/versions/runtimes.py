"""Loads a version with the runtime that its manifest names: the one way in which any process does."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from homeostat.adapters.onnx.runtime import load_runtime as load_onnx
from homeostat.adapters.signing.keyring import Keyring
from homeostat.app.signing.trust import keyring
from homeostat.kernel.errors import IntegrityError, Unavailable
from homeostat.registry.models import RuntimeName
from homeostat.registry.native import native_model
from homeostat.registry.probes import PROBES, Probes
from homeostat.registry.sealed import Sealed, open_sealed
from homeostat.serving.runtimes import Runtime, answers


def load_runtime(folder: Path, loop: str, version: str) -> Runtime:
    """Load the version in ``folder`` once its signature holds, and see that it answers as it was registered to.

    What only other runtimes need is not imported.
    Raises: NotFound or Unavailable when its files are missing; Untrusted when they are not what somebody trusted
    signed as this version; IntegrityError when its answers are others; Unavailable for a runtime of a later release;
    Refused when its model may not be loaded.
    """
    return load_sealed(open_sealed(folder, loop, version, keyring()))


def open_made(folder: Path, loop: str, version: str) -> Sealed:
    """What a training that we started has left in a folder of our own, before anybody has signed it."""
    return open_sealed(folder, loop, version, Keyring(keyring().folder, required=False))


def load_made(folder: Path, loop: str, version: str) -> Runtime:
    """Load it."""
    return load_sealed(open_made(folder, loop, version))


def load_sealed(sealed: Sealed) -> Runtime:
    """Load a version that was proven; otherwise as ``load_runtime``."""
    version, name = sealed.version.version, sealed.version.runtime
    load = _loader(name)
    if load is None:
        raise Unavailable(
            f"Version {version} is served by {name!r}, which this release of Homeostat does not know.",
            mend="Install the release that trained it here too, or route to another version.",
            version=version,
            runtime=name,
        )
    runtime = load(sealed)
    if PROBES in sealed.version.files:
        _must_answer_as_registered(runtime, sealed)
    return runtime


def load_native(sealed: Sealed, among: Collection[RuntimeName]) -> Runtime | None:
    """The version's model in its library's own format, for what the form that serves cannot tell.

    None where it has none, or one of a library that is not ``among`` these. Raises: as ``load_runtime``.
    """
    native = native_model(sealed.version)
    load = None if native is None or native.runtime not in among else _loader(native.runtime)
    return None if load is None else load(sealed)


def _must_answer_as_registered(runtime: Runtime, sealed: Sealed) -> None:
    version = sealed.version.version
    try:
        probes = Probes.read(sealed.read(PROBES))
    except msgspec.MsgspecError as error:
        mend = "Route to another version; look at how this one was made."
        raise IntegrityError(f"{PROBES} of version {version} holds no rows.", mend=mend, version=version) from error
    if not probes.probabilities:
        return
    worst = probes.differs(answers(runtime, runtime.predict(probes.columns), len(probes.probabilities)))
    if worst is not None:
        raise IntegrityError(
            f"Version {version} answers {len(probes.probabilities)} recorded rows otherwise than when it was"
            f" registered: by up to {worst:.2g}.",
            mend="Compare this machine with the version's environment.json; route to another version.",
            version=version,
            folder=str(sealed.folder),
        )


def _loader(name: str) -> Callable[[Sealed], Runtime] | None:
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
