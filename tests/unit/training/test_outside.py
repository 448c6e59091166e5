"""What training takes from outside: files and answers that no version keeps are told, variables are on record."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import homeostat as hs
from homeostat.app.pipeline.folder_watch import FolderWatch
from homeostat.app.pipeline.outside import Outside
from homeostat.app.provenance.variables import VariableReads
from homeostat.training.jobs import TrainingResult
from tests.unit.training import toy
from tests.unit.training.test_candidate import JOB
from tests.unit.training.test_pipeline import Bench, bench, fitted, states, warnings

__all__ = ["bench"]


def test_files_that_no_version_keeps_are_told_and_those_that_are_declared_are_not(bench: Bench) -> None:
    project = bench.root / "project"
    project.mkdir()
    for name in ("loop.py", "told.txt", "untold.txt"):
        (project / name).write_text("1")

    def reads(rows: Any, config: Mapping[str, Any]) -> Any:
        (project / "made.txt").write_text("a file of its own")
        names = ("told.txt", "untold.txt", "made.txt")
        assert all((project / name).read_text() for name in names)
        return fitted(rows)

    loop, job = replace(bench.loop(reads), files=["told.txt"]), replace(JOB, loop_file=str(project / "loop.py"))
    said = warnings(bench.make(loop, job))
    assert said == "training reads untold.txt, which no version keeps: name it in files= of hs.Loop, for a rebuild"
    assert warnings(bench.make(replace(loop, files=["*.txt"]), job)) == ""


def test_a_variable_that_train_reads_is_part_of_the_version_and_another_value_trains_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reads(rows: Any, config: Mapping[str, Any]) -> Any:
        return fitted(rows, float(os.environ.get("PENALTY_OF_TOY", "1")))

    def make(value: str | None) -> tuple[dict[str, str], TrainingResult, Any]:
        monkeypatch.delenv("PENALTY_OF_TOY", raising=False)
        if value is not None:
            monkeypatch.setenv("PENALTY_OF_TOY", value)
        with VariableReads().noted() as noted:
            made = bench.make(bench.loop(reads), reads=noted)
        return states(made), made, bench.file("environment.json")["variables"]

    _, unset, told = make(None)
    assert told == {"PENALTY_OF_TOY": {"is_set": False, "digest": None, "value": None}}
    again, same, told = make(None)
    assert (set(again.values()), same.version, list(told)) == ({"kept"}, unset.version, ["PENALTY_OF_TOY"])
    worked, other, told = make("100")
    assert {name for name, state in worked.items() if state == "done"} >= {"repeat", "train", "convert", "evaluate"}
    assert {name for name, state in worked.items() if state == "kept"} >= {"snapshot", "validate", "features"}
    assert other.version.files["model.onnx"] != unset.version.files["model.onnx"]
    assert other.version.fingerprint == replace(
        unset.version.fingerprint, environment=other.version.fingerprint.environment
    ), "the environment alone explains it"
    assert "100" not in json.dumps(told)


@cache
def scale() -> float:
    return float(os.environ.get("SCALE_OF_TOY", "1"))


@hs.transform
def scaled(size: Any) -> Any:
    return size * scale() * float(os.environ.get("FACTOR_OF_TOY", "1"))


@pytest.mark.parametrize("name", ["SCALE_OF_TOY", "FACTOR_OF_TOY"])
def test_a_feature_that_reads_a_variable_is_computed_again_when_it_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def make(value: str) -> tuple[str, str]:
        monkeypatch.setenv(name, value)
        scale.cache_clear()
        with VariableReads().noted() as noted:
            loop = bench.loop(features=[toy.asked["shop", "size"], scaled])  # tries its transforms
            made = states(bench.make(loop, reads=noted))
        assert list(bench.file("environment.json")["variables"]) == ["FACTOR_OF_TOY", "SCALE_OF_TOY"]
        (warned,) = bench.file("steps.json")[2]["warnings"]
        assert warned.startswith("features are computed with FACTOR_OF_TOY of the environment")
        return made["features"], made["train"]

    assert make("2") == ("done", "done")
    assert make("2") == ("kept", "kept")
    assert make("3") == ("done", "done")


def test_features_that_no_function_computes_are_kept_whatever_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value, features in (("a", "done"), ("b", "kept")):
        monkeypatch.setenv("OTHER_OF_TOY", value)
        with VariableReads().noted() as noted:
            assert os.environ["OTHER_OF_TOY"]  # as the loop file does when it is loaded
            made = states(bench.make(reads=noted))
        assert (made["features"], made["train"]) == (features, "done")


def test_what_training_takes_from_elsewhere_is_told(bench: Bench) -> None:
    project = bench.root / "project"
    project.mkdir()
    (project / "loop.py").write_text("FILE = 'extra' + '.parquet'")
    another = project / ("another." + "odd9")
    another.write_text("another process opens it")
    pq.write_table(pa.table({"x": [1]}), project / "extra.parquet")
    sqlite3.connect(project / "kept.sqlite").close()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def reads(rows: Any, config: Mapping[str, Any]) -> Any:
        assert pq.read_table(project / "extra.parquet").num_rows
        pq.write_table(pa.table({"x": [1]}), project / "made.parquet")
        assert pq.read_table(project / "made.parquet").num_rows
        subprocess.run(["cat", another], check=True)
        sqlite3.connect(project / "kept.sqlite").close()
        sqlite3.connect(project / "made.sqlite").close()
        socket.create_connection(("localhost", port)).close()
        assert {**os.environ}
        return fitted(rows)

    with listening, VariableReads().noted() as noted:
        job, outside = replace(JOB, loop_file=str(project / "loop.py")), Outside(FolderWatch(project))
        said = warnings(bench.make(bench.loop(reads), job, reads=noted, outside=outside))
    assert "training reads kept.sqlite, extra.parquet, which no version keeps" in said
    assert f"training opened a connection to localhost:{port}: what it answered is no part of the version" in said
    assert "training starts cat (test_outside.py, line " in said
    assert "reads the whole environment (test_outside.py, line " in said
    assert bench.file("environment.json")["variables"] == {}


def test_a_command_for_the_shell_is_told_without_its_words_which_may_hold_a_secret() -> None:
    outside = Outside()
    assert outside.during(lambda: os.system("PGPASSWORD=hunter2 true")) == 0
    (told,) = outside.programs
    assert told.startswith("sh (test_outside.py, line ")
