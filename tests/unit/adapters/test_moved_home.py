"""A home that was moved: its embedded MLflow looks for files where they are."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.adapters.mlflow.stores import Embedded
from homeostat.kernel.errors import Unavailable
from tests.harness.registered import Home, client, home_with, make_version


def moved(home: Home, root: Path) -> Home:
    home.root.rename(root)
    return Home(root, Embedded(root / "mlflow.sqlite", root / "mlflow-artifacts"), root / "mlflow-artifacts")


def test_versions_are_found_and_added_where_a_home_was_moved_to(tmp_path: Path) -> None:
    before = home_with(tmp_path / "before")
    before.open().add(make_version(tmp_path / "v1"), tmp_path / "v1")
    before.open().mirror("late", {"champion": "v1"})

    home = moved(before, tmp_path / "after")
    shutil.rmtree(home.versions / "late" / "v1")
    assert (home.open().folder("late", "v1") / "model.onnx").read_bytes() == b"a model"
    home.open().add(make_version(tmp_path / "v2", "v2", model=b"another"), tmp_path / "v2")
    assert not (tmp_path / "before").exists()
    for one in client(home).search_model_versions("name = 'late'"):
        found = client(home).get_model_version_download_uri("late", one.version)
        assert found.startswith(home.artifacts.as_uri())
        assert Path(found.removeprefix("file://"), "model.onnx").exists()


def test_aliases_are_looked_at_again_where_a_home_was_moved_to(tmp_path: Path) -> None:
    before = home_with(tmp_path / "before")
    before.open().add(make_version(tmp_path / "v1"), tmp_path / "v1")
    before.open().mirror("late", {"champion": "v1"})
    home = moved(before, tmp_path / "after")
    home.open().mirror("late", {"champion": "v1"})
    with closing(sqlite3.connect(home.root / "mlflow.sqlite")) as store:
        ((source,),) = store.execute("SELECT source FROM model_versions").fetchall()
    assert source.startswith(home.artifacts.as_uri())


def test_files_of_others_are_left_where_they_are(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home")
    client(home).create_experiment("own", artifact_location="file:///elsewhere/own")
    assert client(home).get_experiment_by_name("own").artifact_location == "file:///elsewhere/own"


def test_an_mlflow_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home")
    (home.root / "mlflow.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="file is not a database"):
        home.open().list("late")
