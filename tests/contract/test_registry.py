"""What every model registry promises: added once, found as it was, and fetched again when a copy is gone."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.mlflow.stores import Embedded, Server
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound, Unavailable, Untrusted
from homeostat.registry.manifest import SIGNATURE, verify_files
from homeostat.registry.models import Registry
from tests.harness.bearer import bearing
from tests.harness.mlflow_server import PASSWORD, MlflowServer, mlflow_server
from tests.harness.registered import Home, aliases_in_mlflow, client, home_on, home_with, made_in_mlflow, make_version
from tests.harness.signed import sign
from tests.harness.wire import certificate, wire


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One server for all tests, emptied for each."""
    with mlflow_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=["embedded", "server"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    if request.param == "embedded":
        return home_with(tmp_path / "home")
    return home_on(request.getfixturevalue("server"), tmp_path / "home", monkeypatch)


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
    model = next(home.artifacts.rglob("model.onnx"))
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
    if isinstance(home.store, Embedded):  # a server does not show that somebody writes to it: it is asked
        again.mirror("late", route)
        assert again._entries._opened is None
    client(home).set_registered_model_alias("late", "champion", "2")
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
    model = next(home.artifacts.rglob("model.onnx"))
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
    assert len(list(home.artifacts.rglob("model.onnx"))) == 1
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


@pytest.mark.parametrize("call", CALLS + MORE_CALLS)
def test_a_registration_cut_off_anywhere_is_finished_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    version = make_version(tmp_path / "staged")
    registry = home.open()
    with monkeypatch.context() as patch:
        cut_off(patch, registry, call, "after")
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


def test_a_server_that_is_down_says_so_and_leaves_nothing_half(tmp_path: Path) -> None:
    version = make_version(tmp_path / "staged")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    home = Home(tmp_path / "home", Server(f"http://127.0.0.1:{port}"), tmp_path)
    for ask in (lambda: home.open().add(version, tmp_path / "staged"), lambda: home.open().mirror("late", {"a": "v1"})):
        with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{port}, fails: .*refused"):
            ask()
    assert not home.versions.exists()


@pytest.mark.parametrize("lost", [b"runs/create", b"PUT ", b"model-versions/create"])
def test_an_answer_lost_on_the_way_is_asked_for_again_and_what_lies_here_is_read_meanwhile(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bytes
) -> None:
    with wire(server.port) as way:
        home = home_on(server, tmp_path / "home", monkeypatch, f"http://127.0.0.1:{way.port}")
        registry = home.open()
        registry.add(make_version(tmp_path / "v1"), tmp_path / "v1")
        version, way.lost = make_version(tmp_path / "v2", "v2"), lost
        with pytest.raises(Unavailable):
            registry.add(version, tmp_path / "v2")
        assert registry.folder("late", "v1") == home.versions / "late" / "v1"
        assert not (home.versions / "late" / "v2").exists()
        way.lost = b""
        registry.add(version, tmp_path / "v2")
        assert made_in_mlflow(home) == (2, 2)


def test_what_a_late_request_made_twice_is_there_once(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, version = home_on(server, tmp_path / "home", monkeypatch), make_version(tmp_path / "staged")
    home.open().add(version, tmp_path / "staged")
    entries = home.open()._entries
    tags = entries._known_run(entries._experiment("late"), version).data.tags  # type: ignore[union-attr]
    run = entries._new_run(entries._experiment("late"), version, tags)
    entries.client.create_model_version("late", run.info.artifact_uri, run.info.run_id, {"homeostat.id": version.id})
    assert made_in_mlflow(home) == (2, 2)
    home.open().add(version, tmp_path / "staged")
    assert made_in_mlflow(home) == (1, 1)
    assert home.open().folder("late", "v1", anew=True).is_dir()


def test_a_server_that_does_not_answer_is_waited_for_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        home = Home(tmp_path / "home", Server(f"http://127.0.0.1:{silent.getsockname()[1]}"), tmp_path)
        with pytest.raises(Unavailable, match="ead timed out"):
            home.open().list("late")


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME", None])
def test_a_stranger_is_told_how_to_be_known_and_no_secret_is_said(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    home = home_on(server, tmp_path / "home", monkeypatch)
    if variable is None:
        monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    else:
        monkeypatch.setenv(variable, "not to be seen")
    with pytest.raises(Unavailable, match="does not let us") as caught:
        home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
    assert "MLFLOW_TRACKING_PASSWORD" in caught.value.mend
    assert "not to be seen" not in (said := str(caught.value.to_dict()))
    assert PASSWORD not in said


def test_a_server_is_believed_only_under_a_certificate_that_is_known(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = certificate(tmp_path)
    with wire(server.port, known) as way:
        home = home_on(server, tmp_path / "home", monkeypatch, f"https://127.0.0.1:{way.port}")
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            home.open().list("late")
        monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(known))
        home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
        assert [version.version for version in home.open().list("late")] == ["v1"]


def test_a_model_of_somebody_else_keeps_its_name_and_its_aliases(home: Home, tmp_path: Path) -> None:
    other = client(home)
    other.create_registered_model("late")
    run = other.create_run(other.create_experiment("other"))
    other.create_model_version("late", run.info.artifact_uri, run.info.run_id)
    other.set_registered_model_alias("late", "champion", "1")
    with pytest.raises(Conflict, match="did not make"):
        home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
    assert list(other.get_registered_model("late").aliases) == ["champion"]
    assert home.open().list("late") == []


def test_a_home_that_gets_a_server_registers_there_what_its_route_names(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = home_on(server, tmp_path / "home", monkeypatch), home_with(tmp_path / "home").open()
    for name in ("v1", "v2", "v3"):
        before.add(make_version(tmp_path / name, name), tmp_path / name)
    home.open().mirror("late", {"champion": "v3", "candidate": None, "standby": "v1"})
    assert aliases_in_mlflow(home) == {"champion": "late/v3", "standby": "late/v1"}
    assert [version.version for version in home.open().list("late")] == ["v1", "v3"]


class CutOff(BaseException):
    """Stands for a kill: nothing in between may catch it."""


def cut_off(patch: pytest.MonkeyPatch, registry: MlflowRegistry, call: str, moment: str) -> None:
    registry.list("late")
    target: Any = registry._entries.client
    real = getattr(target, call)

    def cut(*args: Any, **kwargs: Any) -> None:
        if moment == "after":
            real(*args, **kwargs)
        raise CutOff

    patch.setattr(target, call, cut)


def test_a_token_opens_a_door(server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bearing(server, tmp_path / "home", monkeypatch) as home:
        home.open().add(make_version(tmp_path / "staged"), tmp_path / "staged")
        assert made_in_mlflow(home) == (1, 1)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "another")
        with pytest.raises(Unavailable, match="does not let us"):
            home.open().list("late")
