"""What every model registry promises: added once, found as it was, and fetched again when a copy is gone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from homeostat.adapters.mlflow import registry as registries
from homeostat.adapters.mlflow.client import open_client
from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.app.trust import keyring
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound, Untrusted
from homeostat.registry.manifest import SIGNATURE, hash_files, verify_files, write_manifest
from homeostat.registry.models import Fingerprint, Registry, TrainingPin, Version
from tests.harness.mlflow_store import empty_store
from tests.harness.signed import sign

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

    def __init__(self, root: Path) -> None:
        self.root, self.versions = root, root / "versions"

    def open(self) -> MlflowRegistry:
        return MlflowRegistry(self.root / "mlflow.sqlite", self.root / "mlflow-artifacts", self.versions, keyring())


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    shutil.copy(empty_store(tmp_path_factory.getbasetemp()), tmp_path / "mlflow.sqlite")
    return Home(tmp_path)


@pytest.fixture
def registry(home: Home) -> Registry:
    return home.open()


def test_a_version_is_found_as_it_was_added(registry: Registry, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    registry.add(version, tmp_path / "staged")
    assert registry.get("late", "v1") == version
    assert (registry.folder("late", "v1") / "model.onnx").read_bytes() == b"a model"


def test_versions_are_listed_oldest_first_and_by_loop(registry: Registry, tmp_path: Path) -> None:
    for name in ("v10", "v2", "v1"):
        registry.add(make_version(tmp_path / name, name), tmp_path / name)
    registry.add(make_version(tmp_path / "other", loop="other"), tmp_path / "other")
    assert [version.version for version in registry.list("late")] == ["v1", "v2", "v10"]
    assert registry.list("nothing") == []


def test_adding_again_changes_nothing(home: Home, registry: Registry, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    for _ in range(3):
        registry.add(version, tmp_path / "staged")
    home.open().add(version, tmp_path / "staged")
    assert made_in_mlflow(home) == (1, 1)


def test_another_content_under_the_same_name_is_refused(registry: Registry, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    registry.add(version, tmp_path / "staged")
    other = make_version(tmp_path / "other", model=b"another model")
    with pytest.raises(Conflict, match="late/v1"):
        registry.add(other, tmp_path / "other")
    assert registry.get("late", "v1") == version


def test_a_folder_that_is_not_what_the_version_says_is_refused(registry: Registry, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    (tmp_path / "staged" / "model.onnx").write_bytes(b"swapped")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        registry.add(version, tmp_path / "staged")
    assert registry.list("late") == []


def test_a_lost_local_copy_is_fetched_again(home: Home, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    home.open().add(version, tmp_path / "staged")
    shutil.rmtree(home.versions)
    again = home.open()
    assert (again.folder("late", "v1") / "model.onnx").read_bytes() == b"a model"
    assert again.get("late", "v1") == version


def test_a_changed_local_file_is_named(home: Home, tmp_path: Path) -> None:
    home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
    (home.versions / "late" / "v1" / "profile.json").write_bytes(b"[]")
    with pytest.raises(IntegrityError, match=r"profile\.json"):
        home.open().folder("late", "v1")


def test_a_renewed_folder_is_what_was_registered_whatever_lay_there(home: Home, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    home.open().add(version, tmp_path / "staged")
    (home.versions / "late" / "v1" / "profile.json").write_bytes(b"[]")
    (home.versions / "late" / "v1" / "cache").write_bytes(b"stale")
    folder = home.open().folder("late", "v1", anew=True)
    verify_files(version, folder)
    assert home.open().folder("late", "v1", anew=True) == folder
    with pytest.raises(NotFound):
        home.open().folder("late", "v2", anew=True)


def test_a_changed_artifact_is_not_fetched(home: Home, tmp_path: Path) -> None:
    home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
    shutil.rmtree(home.versions)
    model = next((tmp_path / "mlflow-artifacts").rglob("model.onnx"))
    model.write_bytes(b"swapped")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        home.open().folder("late", "v1")
    assert not (home.versions / "late" / "v1").exists()


def test_an_unknown_version_is_not_found(registry: Registry) -> None:
    for ask in (registry.get, registry.folder):
        with pytest.raises(NotFound, match="v9"):
            ask("late", "v9")


def test_aliases_follow_the_route(home: Home, registry: Registry, tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        registry.add(make_version(tmp_path / name, name), tmp_path / name)
    registry.mirror("late", {"champion": "v1", "candidate": "v2", "standby": None})
    assert aliases_in_mlflow(home) == {"champion": "late/v1", "candidate": "late/v2"}
    for _ in range(2):
        registry.mirror("late", {"champion": "v2", "candidate": None, "standby": "v1"})
    assert aliases_in_mlflow(home) == {"champion": "late/v2", "standby": "late/v1"}


def test_aliases_that_are_shown_already_need_no_mlflow_until_somebody_writes_to_it(
    home: Home, registry: Registry, tmp_path: Path
) -> None:
    for name in ("v1", "v2"):
        registry.add(make_version(tmp_path / name, name), tmp_path / name)
    route = {"champion": "v1", "candidate": None}
    registry.mirror("late", route)
    again = home.open()
    with patch.object(registries, "open_client", side_effect=AssertionError("MLflow was opened")):
        again.mirror("late", route)
        with pytest.raises(AssertionError):
            again.mirror("late", {"champion": "v2", "candidate": None})
    by_hand = open_client(home.root / "mlflow.sqlite")
    by_hand.set_registered_model_alias("late", "champion", "2")
    assert aliases_in_mlflow(home) == {"champion": "late/v2"}
    home.open().mirror("late", route)
    assert aliases_in_mlflow(home) == {"champion": "late/v1"}


def test_an_alias_points_only_at_what_is_registered(registry: Registry, tmp_path: Path) -> None:
    registry.mirror("late", {"champion": None})
    with pytest.raises(NotFound, match="v1"):
        registry.mirror("late", {"champion": "v1"})
    registry.add(make_version(tmp_path / "v1"), tmp_path / "v1")
    with pytest.raises(NotFound, match="v2"):
        registry.mirror("late", {"champion": "v2"})


def test_what_nobody_trusted_has_signed_comes_neither_in_nor_out(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_version(tmp_path / "staged")
    (tmp_path / "staged" / SIGNATURE).unlink()
    with pytest.raises(Untrusted, match="nobody has signed it"):
        home.open().add(version, tmp_path / "staged")
    with monkeypatch.context() as patch:
        patch.setenv("HOMEOSTAT_SIGNATURES", "warn")
        home.open().add(version, tmp_path / "staged")
    for anew in (False, True):
        with pytest.raises(Untrusted, match="nobody has signed it"):
            home.open().folder("late", "v1", anew=anew)


def test_a_version_from_before_signing_is_signed_as_it_was_registered(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_version(tmp_path / "staged")
    (tmp_path / "staged" / SIGNATURE).unlink()
    with monkeypatch.context() as patch:
        patch.setenv("HOMEOSTAT_SIGNATURES", "warn")
        home.open().add(version, tmp_path / "staged")
    (home.versions / "late" / "v1" / "model.onnx").write_bytes(b"swapped before anybody signed")
    home.open().countersign("late", "v1", sign)
    for anew in (False, True):
        folder = home.open().folder("late", "v1", anew=anew)
        assert (folder / "model.onnx").read_bytes() == b"a model"
    model = next((tmp_path / "mlflow-artifacts").rglob("model.onnx"))
    model.write_bytes(b"swapped where it is registered")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        home.open().countersign("late", "v1", sign)
    with pytest.raises(NotFound):
        home.open().countersign("late", "v2", sign)


def test_a_deleted_version_leaves_the_registry_and_this_machine_and_deleting_again_changes_nothing(
    home: Home, tmp_path: Path
) -> None:
    for name in ("v1", "v2"):
        home.open().add(make_version(tmp_path / name, name), tmp_path / name)
    registry = home.open()
    for _ in range(2):
        registry.delete("late", "v1")
        assert [found.version for found in registry.list("late")] == ["v2"]
        with pytest.raises(NotFound):
            registry.folder("late", "v1")
    assert not (home.versions / "late" / "v1").exists()
    assert len(list((tmp_path / "mlflow-artifacts").rglob("model.onnx"))) == 1
    registry.delete("never", "v1")


@pytest.mark.parametrize("call", ["get_run", "delete_model_version", "delete_run"])
def test_a_deletion_cut_off_anywhere_is_finished_by_the_next(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    registry = home.open()
    registry.add(make_version(tmp_path / "v1"), tmp_path / "v1")
    with monkeypatch.context() as patch:
        cut_off(patch, registry, call, "before")
        with pytest.raises(CutOff):
            registry.delete("late", "v1")
    home.open().delete("late", "v1")
    assert home.open().list("late") == []
    assert not (home.versions / "late" / "v1").exists()


CALLS = ("create_experiment", "create_run", "log_batch", "log_artifacts", "create_registered_model")
MORE_CALLS = ("create_model_version", "set_terminated")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", CALLS + MORE_CALLS)
def test_a_registration_cut_off_anywhere_is_finished_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, moment: str
) -> None:
    version = make_version(tmp_path / "staged")
    registry = home.open()
    with monkeypatch.context() as patch:
        cut_off(patch, registry, call, moment)
        with pytest.raises(CutOff):
            registry.add(version, tmp_path / "staged")
    assert not (home.versions / "late" / "v1").exists()
    home.open().add(version, tmp_path / "staged")
    assert made_in_mlflow(home) == (1, 1)
    assert [found.version for found in home.open().list("late")] == ["v1"]


def test_a_copy_cut_off_half_way_is_made_again(home: Home, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    part = home.versions / "late" / ".v1.part"
    part.mkdir(parents=True)
    (part / "model.onnx").write_bytes(b"half")
    home.open().add(version, tmp_path / "staged")
    assert sorted(path.name for path in (home.versions / "late").iterdir()) == ["v1"]


def test_mlflow_shows_what_a_person_looks_for(home: Home, tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    home.open().add(replace(version), tmp_path / "staged")
    run = client(home).search_runs([client(home).get_experiment_by_name("late").experiment_id])[0]
    assert run.data.params == {"trees": "200", "name": "deep"}
    assert run.data.metrics == {"log_loss": 0.5}
    assert run.data.tags["homeostat.fingerprint.code"] == "c" * 64
    assert run.info.status == "FINISHED"


class CutOff(BaseException):
    """Stands for a kill: nothing in between may catch it."""


def cut_off(patch: pytest.MonkeyPatch, registry: MlflowRegistry, call: str, moment: str) -> None:
    registry.list("late")
    target: Any = registry._client
    real = getattr(target, call)

    def cut(*args: Any, **kwargs: Any) -> None:
        if moment == "after":
            real(*args, **kwargs)
        raise CutOff

    patch.setattr(target, call, cut)


def client(home: Home) -> Any:
    return home.open()._client


def made_in_mlflow(home: Home) -> tuple[int, int]:
    """How many runs and model versions there are."""
    store = client(home)
    experiments = [store.get_experiment_by_name("late").experiment_id]
    return len(store.search_runs(experiments)), len(store.search_model_versions("name = 'late'"))


def aliases_in_mlflow(home: Home) -> dict[str, str]:
    store = client(home)
    shown = store.get_registered_model("late").aliases
    return {alias: store.get_model_version("late", str(number)).tags["homeostat.id"] for alias, number in shown.items()}
