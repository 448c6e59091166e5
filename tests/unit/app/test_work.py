"""What a training made from an edited loop file is not registered: nobody in the running instance could feed it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.control.work import Retrainer
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.signing.trust import keyring
from homeostat.kernel.errors import Refused
from homeostat.registry.manifest import SIGNATURE, read_manifest
from homeostat.registry.models import Version
from homeostat.registry.sealed import open_sealed
from homeostat.training.jobs import TrainingResult
from tests.harness.world import LOOP, LOOP_FILE, write_loop
from tests.unit.control.rig import _evaluation
from tests.unit.serving.parts import save_version


class Registry:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.added: list[Version] = []

    def add(self, version: Version, folder: Path) -> None:
        self.added.append(version)


def test_a_version_of_other_definitions_is_refused_and_one_of_ours_signed_and_registered(tmp_path: Path) -> None:
    loop = load_loops(write_loop(tmp_path))[LOOP]
    edited = load_loops(write_loop(tmp_path, text=LOOP_FILE.replace('"6h"', '"3h"')))[LOOP]
    registry: Any = Registry()
    work = Retrainer(loop, tmp_path / "loop.py", Home(tmp_path), registry, None, None)  # type: ignore[arg-type]
    ours = read_manifest(save_version(tmp_path / "versions", "v1", b"", features=loop.feature_set, loop=LOOP))
    theirs = replace(ours, version="v2", definitions=edited.feature_set.definitions)
    with pytest.raises(Refused, match="over 3h became 6h") as error:
        work.sign({"version": "v2"}, TrainingResult(theirs, _evaluation("v2", None, 0.0), 1, 0.0).to_json())
    assert "Restart Homeostat" in error.value.mend
    assert registry.added == []
    staged = tmp_path / "jobs" / LOOP / "v1" / "version"
    (tmp_path / "versions" / LOOP / "v1" / SIGNATURE).unlink()
    shutil.copytree(tmp_path / "versions" / LOOP / "v1", staged)
    trained = TrainingResult(ours, _evaluation("v1", None, 0.0), 1, 0.0).to_json()
    signed = work.sign({"version": "v1"}, trained)
    assert registry.added == []
    registered = work.register({"version": "v1"}, trained)
    assert registry.added == [ours]
    assert registered["takes"] == {**signed["takes"], **signed["gives"]}
    assert open_sealed(staged, LOOP, "v1", keyring()).signer == keyring().signing_key()[0].id
