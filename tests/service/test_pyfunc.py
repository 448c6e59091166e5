"""A version with MLflow's own client: loaded by its alias where there is no home, and answering as serving does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.mlflow.stores import Embedded
from homeostat.adapters.signing.keyring import Keyring
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_runtime
from homeostat.registry.manifest import SIGNATURE
from homeostat.registry.models import Version
from homeostat.registry.probes import PROBES, Probes
from homeostat.training.jobs import JobFolder
from tests.harness.running import ROOT
from tests.harness.stores import with_mlflow
from tests.unit.training.test_candidate import make

pytestmark = pytest.mark.service

ASK = """
import builtins, json, pickle, sys

import mlflow
import pandas as pd

def refuse(*_, **__):
    raise AssertionError("something was unpickled")

pickle.load = pickle.loads = pickle.Unpickler = refuse
import cloudpickle, joblib
cloudpickle.load = cloudpickle.loads = joblib.load = refuse

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_registry_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
frame = pd.DataFrame(json.loads(sys.argv[3]))
numbers = frame.select_dtypes("number").columns
whole = frame.assign(**{name: frame[name].fillna(7).round() for name in numbers})
print(json.dumps({
    "whole": [model.predict(one)["probability"].tolist() for one in (whole, whole.astype(dict.fromkeys(numbers, int)))],
    "answers": model.predict(frame)["probability"].tolist(),
    "inputs": model.metadata.signature.inputs.input_names(),
    "loaded": sorted({"duckdb", "deltalake", "lightgbm", "sklearn"} & set(sys.modules)),
}))
"""


class Registered:
    """The toy loop's first version in a registry of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = with_mlflow(root), f"sqlite:///{root / 'mlflow.sqlite'}"
        self.version: Version = make(root / "job").version
        self.registry().add(self.version, JobFolder(root / "job").staged)
        self.registry().mirror("toy", {"champion": "v1", "candidate": None, "standby": None})

    def registry(self) -> MlflowRegistry:
        store = Embedded(self.root / "mlflow.sqlite", self.root / "mlflow-artifacts")
        return MlflowRegistry(store, self.root / "versions", keyring())

    def ask(self, uri: str, columns: Any, **environment: str) -> subprocess.CompletedProcess[str]:
        """MLflow's client in a process and a folder of its own."""
        alone = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true", **environment}
        command = [sys.executable, "-c", ASK, self.store, uri, json.dumps(columns)]
        return subprocess.run(command, cwd=self.root, env=alone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return Registered(tmp_path_factory.mktemp("mlflow"))


def test_the_champion_answers_as_serving_does_and_unpickles_nothing(registered: Registered) -> None:
    probes = Probes.read((registered.root / "versions" / "toy" / "v1" / PROBES).read_bytes())
    done = registered.ask("models:/toy@champion", {name: list(values) for name, values in probes.columns.items()})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    serving = load_runtime(registered.root / "versions" / "toy" / "v1", "toy", "v1").predict(probes.columns)
    assert told["answers"] == serving.tolist()
    assert told["inputs"] == [name for name, _ in registered.version.inputs]
    assert told["loaded"] == []
    as_floats, as_integers = told["whole"]
    assert as_floats == as_integers


def test_what_mlflows_client_leaves_behind_harms_nobody(registered: Registered) -> None:
    folder = registered.registry().folder("toy", "v1", anew=True)
    assert not (folder / "registered_model_meta").exists()


def test_whoever_does_not_trust_its_key_does_not_load_it(registered: Registered, tmp_path: Path) -> None:
    Keyring(tmp_path / "theirs").make(1)
    done = registered.ask("models:/toy@champion", {}, HOMEOSTAT_KEYS=str(tmp_path / "theirs"))
    assert done.returncode != 0
    assert "signed by a key that is not known here" in done.stderr


def test_a_poisoned_artifact_is_refused_by_its_client_too(registered: Registered) -> None:
    artifacts = next((registered.root / "mlflow-artifacts").rglob("MLmodel")).parent
    before = (artifacts / "MLmodel").read_bytes()
    try:
        (artifacts / "python_model.pkl").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
        done = registered.ask("models:/toy@champion", {})
        assert done.returncode != 0
        assert "python_model.pkl was added" in done.stderr
    finally:
        (artifacts / "python_model.pkl").unlink()
        (artifacts / "MLmodel").write_bytes(before)
    assert not list(registered.root.rglob("pwned"))
    assert (artifacts / SIGNATURE).exists()
