"""No pickle is ever loaded, also where everything else about a version is in order."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.manifest import hash_files, read_manifest, write_manifest
from homeostat.registry.models import Form, Proof, RuntimeName
from homeostat.registry.probes import PROBES
from tests.harness.signed import sign
from tests.unit.serving.parts import model, save_version

FILES: dict[RuntimeName, tuple[str, ...]] = {
    "onnx": ("model.onnx",),
    "lightgbm": ("model.txt", "columns.json"),
    "xgboost": ("model.ubj", "columns.json"),
    "skops": ("model.skops",),
}


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return (Path.touch, (self.place,))


def pickled(place: Path) -> bytes:
    return pickle.dumps(Trap(place))


def in_an_array(place: Path) -> bytes:
    file = io.BytesIO()
    np.savez(file, trap=np.array([Trap(place)], dtype=object))
    return file.getvalue()


def in_skops(place: Path) -> bytes:
    """A schema that asks for a function which writes, and for an object array that holds a pickle."""
    function = {
        "__class__": "touch",
        "__module__": "pathlib.Path",
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": "pathlib.Path", "function": "touch"},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps({**function, "protocol": 2, "_skops_version": "0.16"}))
        archive.writestr("1.npy", in_an_array(place))
    return file.getvalue()


POISONS = {"pickle": pickled, "an array of objects": in_an_array, "skops": in_skops}


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("runtime", FILES)
def test_a_poisoned_model_that_a_trusted_key_signed_is_refused_and_runs_nothing(
    runtime: RuntimeName, poison: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "pwned"
    content = POISONS[poison](trap)
    folder = save_version(tmp_path, "v1", model(-1.0))
    (folder / "model.onnx").unlink()
    for name in FILES[runtime]:
        (folder / name).write_bytes(content)
    _signed(folder, runtime, FILES[runtime][0])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    with pytest.raises(HomeostatError):
        load_runtime(folder, "late", "v1")
    assert not trap.exists()


def test_poisoned_companions_are_refused_and_run_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "pwned"
    folder = save_version(tmp_path, "v1", model(-1.0))
    (folder / PROBES).write_bytes(pickled(trap))
    _signed(folder, "onnx", "model.onnx")
    with pytest.raises(HomeostatError):
        load_runtime(folder, "late", "v1")
    (folder / "manifest.json").write_bytes(pickled(trap))
    sign(folder)
    with pytest.raises(HomeostatError):
        load_runtime(folder, "late", "v1")
    (folder / "model.sig").write_bytes(pickled(trap))
    with pytest.raises(HomeostatError):
        load_runtime(folder, "late", "v1")
    assert not trap.exists()


def test_the_trap_works_where_somebody_unpickles(tmp_path: Path) -> None:
    pickle.loads(pickled(tmp_path / "pwned"))
    assert (tmp_path / "pwned").exists()


def _signed(folder: Path, runtime: RuntimeName, file: str) -> None:
    version = read_manifest(folder)
    form = Form(runtime, file, "", Proof(1, 0.0, 1e-5))
    write_manifest(replace(version, form=form, files=hash_files(folder)), folder)
    sign(folder)
