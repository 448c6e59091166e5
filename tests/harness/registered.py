"""Homes with a registry, embedded or on a server, and what MLflow says of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.mlflow.stores import Embedded, Server, Store
from homeostat.app.signing.trust import keyring
from homeostat.registry.manifest import hash_files, write_manifest
from homeostat.registry.models import Fingerprint, TrainingPin, Version
from tests.harness.mlflow_server import PASSWORD, USER, MlflowServer
from tests.harness.signed import sign
from tests.harness.stores import with_mlflow

PIN = TrainingPin({"asked": 3}, 41, None, 1_000, 2_000, rows=10, first=1, last=9, feature_hash="f" * 64)


def make_version(folder: Path, name: str = "v1", *, loop: str = "late", model: bytes = b"a model") -> Version:
    """A version whose files lie in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    (folder / "profile.json").write_bytes(b"{}")
    (folder / "config.json").write_bytes(b'{"trees":200,"name":"deep"}')
    version = Version(
        loop=loop,
        version=name,
        created_at=1_700_000_000_000_000,
        inputs=(("hour", "number"), ("carrier", "text")),
        fingerprint=Fingerprint("c" * 64, "d" * 64, "e" * 64, "f" * 64),
        pin=PIN,
        metrics={"log_loss": 0.5},
        promise={"skill": 0.1, "first": "2013-01-25T00:00:00Z"},
        files=hash_files(folder),
    )
    write_manifest(version, folder)
    sign(folder)
    return version


class Home:
    """A registry's folders, and as many registries on them as one likes."""

    def __init__(self, root: Path, store: Store, artifacts: Path) -> None:
        self.root, self.store, self.artifacts, self.versions = root, store, artifacts, root / "versions"

    def open(self) -> MlflowRegistry:
        return MlflowRegistry(self.store, self.versions, keyring())


def home_with(root: Path) -> Home:
    """A home with its own MLflow, which is empty."""
    with_mlflow(root)
    return Home(root, Embedded(root / "mlflow.sqlite", root / "mlflow-artifacts"), root / "mlflow-artifacts")


def home_on(server: MlflowServer, root: Path, monkeypatch: pytest.MonkeyPatch, url: str = "") -> Home:
    """A home whose registry is the server, which is empty; who asks is known to it."""
    server.empty()
    shutil.rmtree(server.artifacts, ignore_errors=True)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    return Home(root, Server(url or server.url), server.artifacts)


def client(home: Home) -> Any:
    return home.open()._entries.client


def made_in_mlflow(home: Home, loop: str = "late") -> tuple[int, int]:
    """How many runs and model versions there are."""
    store = client(home)
    experiments = [store.get_experiment_by_name(loop).experiment_id]
    return len(store.search_runs(experiments)), len(store.search_model_versions(f"name = '{loop}'"))


def aliases_in_mlflow(home: Home, loop: str = "late") -> dict[str, str]:
    store = client(home)
    shown = store.get_registered_model(loop).aliases
    return {alias: store.get_model_version(loop, str(number)).tags["homeostat.id"] for alias, number in shown.items()}
