"""Versions of a number and of several classes are made again to the byte, and what was planted is named by its leg."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.provenance.replaying import Asked, Replayer
from homeostat.registry.manifest import hash_files, read_manifest, write_manifest
from tests.unit.app.provenance.test_replaying import SEQUENCES, corrected, in_this_process, never, texts
from tests.unit.training.test_candidate import JOB, TABLES

LOOP = """
import os
from dataclasses import replace
from sklearn.ensemble import {model}
import homeostat as hs
from tests.unit.training import toy

def train(rows, config):
    model = {model}(max_iter=5, max_depth=config["depth"], random_state=config["seed"])
    return model.fit(rows.features, rows.label)

config = {{"depth": int(os.environ.get("DEPTH", "2")), "seed": int(os.environ.get("SEED_OF_REPLAY", "7"))}}
label = hs.Label(toy.done, {label}, matures="24h after due")
features = [toy.asked["size"], toy.loop.features[1]]
loop = replace(toy.loop, features=features, label=label, train=train, config=config)
"""
NUMBERS = LOOP.format(model="HistGradientBoostingRegressor", label='"delay"')
CLASSES = LOOP.format(model="HistGradientBoostingClassifier", label='"shop", classes=["a", "b", "c"]')
PLANTED: dict[str, tuple[str, dict[Any, Any]]] = {NUMBERS: ("delay", {}), CLASSES: ("shop", {"a": "b", "b": "c"})}
"""The column that is the label, and what one value of it becomes."""


@pytest.fixture(scope="module", params=[NUMBERS, CLASSES], ids=["a number", "classes"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """v1, after which corrections came, tables were compacted, and the loop file was lost."""
    root = tmp_path_factory.mktemp("made")
    home, file = Home(root / "home"), root / "project" / "loop.py"
    file.parent.mkdir()
    file.write_text(request.param)
    home.root.mkdir()
    home.control_db.touch()
    versions = stored(home, TABLES)
    job = replace(JOB, loop_file=str(file), tables=str(home.tables), table_versions=versions, sequence=SEQUENCES)
    in_this_process(job, home.jobs / "v1", "", "", None)
    (home.versions / "toy").mkdir(parents=True)
    (home.jobs / "v1" / "version").rename(home.versions / "toy" / "v1")
    for name, rows in TABLES.items():
        DeltaTables(home.tables).append(name, corrected(rows), writer="t", upto=9)
        DeltaTables(home.tables).compact(name)
    shutil.rmtree(file.parent)
    return home, request.param


def stored(home: Home, tables: Mapping[str, pa.Table]) -> dict[str, int]:
    return {name: DeltaTables(home.tables).append(name, rows, writer="t", upto=0) for name, rows in tables.items()}


@pytest.fixture(autouse=True)
def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """These versions are signed by nobody."""
    monkeypatch.setenv("HOMEOSTAT_SIGNATURES", "warn")


@pytest.fixture
def home(made: tuple[Home, str], tmp_path: Path) -> Home:
    """A copy to plant changes in."""
    shutil.copytree(made[0].root, tmp_path / "home")
    return Home(tmp_path / "home")


def replayed(home: Home, asked: Asked | None = None) -> dict[str, Any]:
    return Replayer(home, in_this_process).replay("toy", "v1", asked or Asked())


def test_it_is_made_again_to_the_byte_after_corrections_and_compaction(home: Home) -> None:
    found = replayed(home)
    assert (found["equal"], found["how"], found["explained_by"]) == (True, "bytes", [])
    assert found["answers"]["worst"] < 1e-6


def test_one_label_that_was_changed_in_a_table_is_found_and_named(home: Home, made: tuple[Home, str]) -> None:
    column, becomes = PLANTED[made[1]]
    values = TABLES["done"][column].to_pylist()
    place = next(place for place in range(200, 300) if not becomes or values[place] in becomes)
    values[place] = becomes.get(values[place], 999.0)
    done, kind = TABLES["done"], TABLES["done"].schema.field(column)
    planted = done.set_column(done.schema.get_field_index(column), kind, pa.array(values, kind.type))
    shutil.rmtree(home.tables)
    stored(home, {**TABLES, "done": planted})
    found = replayed(home)
    assert (found["equal"], found["how"], found["explained_by"]) == (False, "different", ["data"])
    assert "column label changed" in texts(found["legs"]["data"])
    assert "as many as before, but not the same" in texts(found["legs"]["data"])


def test_one_seed_and_one_parameter_are_found_and_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED_OF_REPLAY", "8")
    monkeypatch.setenv("DEPTH", "3")
    found = replayed(home)
    assert (found["equal"], found["explained_by"]) == (False, ["config"])
    assert "seed config.seed 7 became 8" in texts(found["legs"]["config"])
    assert "parameter depth 2 became 3" in texts(found["legs"]["config"])


def test_one_line_of_code_is_found_and_shown(home: Home, made: tuple[Home, str], tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(made[1].replace("max_iter=5", "max_iter=6"))
    found = replayed(home, Asked(loop_file=tmp_path / "loop.py"))
    assert (found["equal"], found["explained_by"]) == (False, ["code"])
    assert "project/loop.py changed: 1 line added, 1 removed" in texts(found["legs"]["code"])


def test_one_library_version_stops_a_replay_and_is_named(home: Home) -> None:
    folder = home.versions / "toy" / "v1"
    told = json.loads((folder / "environment.json").read_bytes())
    told["packages"]["scikit-learn"]["version"] = "1.0.0"
    (folder / "environment.json").write_text(json.dumps(told))
    write_manifest(replace(read_manifest(folder), files=hash_files(folder)), folder)
    stopped = Replayer(home, never).replay("toy", "v1", Asked())
    assert (stopped["equal"], stopped["how"], stopped["explained_by"]) == (False, "not_run", ["environment"])
    assert "package scikit-learn 1.0.0 became" in texts(stopped["legs"]["environment"])
