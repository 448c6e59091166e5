from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, SplineTransformer

from homeostat.adapters.lightgbm.runtime import LightGbmRuntime
from homeostat.app.lineage.attributing import attributed
from homeostat.app.training.candidate import make_candidate
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.loop import Loop
from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import ReferenceProfile
from homeostat.kernel.errors import NotEnoughData, Refused
from homeostat.registry.manifest import read_manifest, verify_files
from homeostat.registry.native import native_model
from homeostat.registry.probes import PROBES, Probes
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob, TrainingResult
from homeostat.training.training_set import labelled_rows
from tests.harness.signed import sign
from tests.unit.training import toy
from tests.unit.training.toy import DAY, make_loop, sources

TABLES = toy.history(days=14, per_day=80)
SOURCES = sources(TABLES)
JOB = TrainingJob(
    loop_file=toy.__file__,
    loop="toy",
    version="v1",
    tables="",
    table_versions={"asked": 0, "done": 0},
    sequence=1 << 60,
    since=None,
    cutoff=9 * DAY,
    as_of=20 * DAY,
    champion=None,
    min_rows=100,
)


def make(folder: Path, job: TrainingJob = JOB, loop: Loop = toy.loop) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    said: list[str] = []
    made = make_candidate(job, loop, JobFolder(folder), read=SOURCES.read, say=said.append)
    sign(folder / "version")
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, Path]:
    folder = tmp_path_factory.mktemp("first")
    return make(folder), folder / "version"


def test_a_candidate_is_staged_with_everything_that_belongs_to_it(first: tuple[TrainingResult, Path]) -> None:
    result, folder = first
    version = read_manifest(folder)
    verify_files(version, folder)
    assert version == result.version
    native = native_model(version)
    assert native is not None
    assert sorted(version.files.keys() - set(native.files)) == [
        "MLmodel",
        "card.md",
        "code.json",
        "code.tar",
        "config.json",
        "daily.json",
        "data.json",
        "environment.json",
        "loop.json",
        "metrics.json",
        "model.onnx",
        "probes.json",
        "profile.json",
        "requirements.txt",
        "steps.json",
    ]
    assert version.inputs == (
        ("shop", "text"),
        ("size", "number"),
        ("shop_delay_6h", "number"),
        ("shop_n_6h", "number"),
    )
    assert (version.pin.cutoff, version.pin.since, version.pin.as_of) == (9 * DAY, None, 20 * DAY)
    assert version.pin.last < 9 * DAY <= result.evaluation.first
    assert version.created_at == 20 * DAY


def test_beside_onnx_the_model_is_kept_in_its_own_format_and_answers_alike(first: tuple[TrainingResult, Path]) -> None:
    result, folder = first
    native = native_model(result.version)
    assert native is not None
    assert result.version.runtime == "onnx" != native.runtime
    files = {name: (folder / name).read_bytes() for name in native.files}
    own = LightGbmRuntime("v1", result.version.inputs, *files.values())
    probes = Probes.read((folder / PROBES).read_bytes())
    assert probes.differs(own.predict(probes.columns).tolist()) is None


def test_what_each_feature_did_is_said_by_the_trees_that_lie_beside_onnx(first: tuple[TrainingResult, Path]) -> None:
    folder = first[1]
    probes = Probes.read((folder / PROBES).read_bytes())
    found = attributed(folder, "toy", "v1", {name: values[5] for name, values in probes.columns.items()}, "any")
    assert (found["problem"], found["method"], found["of"]) == (None, "trees", "log-odds")
    assert found["probability"] == pytest.approx(probes.probabilities[5])
    assert found["gap"] < 1e-6
    assert {one["feature"] for one in found["features"]} == set(probes.columns)
    assert found["features"][0]["feature"] in ("size", "shop")


def test_it_learnt_something_and_promises_what_it_showed(first: tuple[TrainingResult, Path]) -> None:
    result, _ = first
    skill = result.evaluation.candidate.skill
    assert skill is not None
    assert skill.low > 0.05
    assert result.version.promise["skill_low"] == skill.low
    assert result.version.metrics["log_loss"] == result.evaluation.candidate.log_loss
    assert result.proof_worst <= 1e-5


def test_the_artifact_that_was_judged_is_the_one_that_is_staged(first: tuple[TrainingResult, Path]) -> None:
    result, folder = first
    rows = labelled_rows(toy.loop.question, toy.loop.feature_set, toy.loop.label, SOURCES).asked(9 * DAY)
    scores = load_runtime(folder, "toy", "v1").predict({name: list(column) for name, column in rows.columns.items()})
    losses = -np.log(np.where(rows.label, scores, 1 - scores))
    assert losses.mean() == pytest.approx(result.evaluation.candidate.log_loss)


def test_the_profile_counts_every_training_row(first: tuple[TrainingResult, Path]) -> None:
    result, folder = first
    profile = ReferenceProfile.from_json(json.loads((folder / "profile.json").read_bytes()))
    assert {one.rows for one in profile.features.values()} == {result.version.pin.rows}
    assert profile.prediction.rows == result.evaluation.rows
    daily = DailyCounts.from_json(json.loads((folder / "daily.json").read_bytes()))
    for name, one in {**profile.features, "prediction": profile.prediction}.items():
        assert daily.counts[name].sum(axis=0).tolist() == [*one.counts, one.missing]


def test_the_same_job_makes_the_same_bytes(first: tuple[TrainingResult, Path], tmp_path: Path) -> None:
    assert make(tmp_path / "again").version == first[0].version


def splines(rows: Any, config: Mapping[str, Any]) -> Any:
    """What scikit-learn has and ONNX has not."""
    sizes = make_pipeline(SimpleImputer(), SplineTransformer())
    columns = ColumnTransformer([("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("size", sizes, ["size"])])
    return Pipeline([("columns", columns), ("model", LogisticRegression())]).fit(rows.features, rows.label)


def linear_leaves(rows: Any, config: Mapping[str, Any]) -> Any:
    """What LightGBM has and ONNX gets wrong."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("codes", codes, ["shop"])], remainder="passthrough")
    steady = {"n_jobs": 1, "random_state": 7, "deterministic": True, "force_row_wise": True, "verbosity": -1}
    trees = LGBMClassifier(n_estimators=config["trees"], linear_tree=True, **steady)
    return Pipeline([("columns", columns), ("trees", trees)]).fit(rows.features, rows.label)


OTHERS = {"skops": (splines, "model.skops", "no ONNX form"), "lightgbm": (linear_leaves, "model.txt", "differ by")}


@pytest.mark.parametrize("runtime", OTHERS)
def test_what_is_not_onnx_is_staged_with_its_runtime_its_reason_and_its_proof(runtime: str, tmp_path: Path) -> None:
    train, file, why = OTHERS[runtime]
    result = make(tmp_path / "first", loop=make_loop(train))
    folder = tmp_path / "first" / "version"
    form = read_manifest(folder).form
    assert form is not None
    assert (form.runtime, form.model) == (runtime, file)
    assert why in form.why
    assert file in result.version.files
    assert (form.proof.rows, form.proof.worst) == (result.proof_rows, result.proof_worst)
    assert set(form.proof.slices["shop"]) == {"", "a", "b", "c"}
    assert result.version.metrics["serving_difference"] == form.proof.worst <= 1e-5
    assert make(tmp_path / "again", loop=make_loop(train)).version == result.version
    later = replace(JOB, version="v2", cutoff=7 * DAY, champion=str(folder))
    seen = make(tmp_path / "second", later).evaluation
    assert seen.champion is not None
    assert seen.champion.log_loss == result.evaluation.candidate.log_loss


def test_a_loop_that_asks_for_onnx_gets_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no ONNX form"):
        make(tmp_path / "job", loop=replace(make_loop(splines), runtime="onnx"))


def test_a_champion_is_judged_on_the_same_later_rows(first: tuple[TrainingResult, Path], tmp_path: Path) -> None:
    job = replace(JOB, version="v2", cutoff=7 * DAY, champion=str(first[1]))
    seen = make(tmp_path / "second", job).evaluation
    assert seen.first >= 9 * DAY
    assert seen.champion is not None
    assert seen.difference is not None
    assert (seen.candidate.version, seen.champion.version) == ("v2", "v1")
    assert seen.champion.log_loss == first[0].evaluation.candidate.log_loss


def test_a_champion_that_needs_what_is_gone_is_named(first: tuple[TrainingResult, Path], tmp_path: Path) -> None:
    fewer = replace(toy.loop, features=[toy.asked["shop"]])
    with pytest.raises(Refused, match="column size was dropped"):
        make(tmp_path / "fewer", replace(JOB, version="v2", champion=str(first[1])), fewer)


def test_a_longer_history_can_be_left_out(tmp_path: Path) -> None:
    result = make(tmp_path / "recent", replace(JOB, since=4 * DAY))
    assert result.version.pin.first >= 4 * DAY


def test_what_train_raises_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TrainingFailed, match=r"train\(\) of loop 'toy' raised KeyError: 'broken'") as caught:
        make(tmp_path / "raises", loop=make_loop(raises="broken"))
    assert caught.value.facts["file"] == toy.__file__
    assert "Traceback" in capsys.readouterr().err
    assert not (tmp_path / "raises" / "version").exists()


def test_no_held_out_rows_leave_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        make(tmp_path / "all", replace(JOB, cutoff=30 * DAY))


def test_too_few_rows_are_refused_before_training(tmp_path: Path) -> None:
    def never(rows: Any, config: Mapping[str, Any]) -> Any:
        raise AssertionError

    with pytest.raises(Refused, match="labelled rows are too few"):
        make(tmp_path / "few", replace(JOB, min_rows=10_000), make_loop(never))


def test_shuffled_labels_promise_nothing(tmp_path: Path) -> None:
    def shuffled(rows: Any, config: Mapping[str, Any]) -> Any:
        label = np.random.default_rng(0).permutation(rows.label)
        return toy.train(replace(rows, label=label), config)

    skill = make(tmp_path / "shuffled", loop=make_loop(shuffled)).evaluation.candidate.skill
    assert skill is not None
    assert skill.low < 0


def test_a_model_that_cannot_answer_when_nothing_is_known_is_refused_before_serving_would(tmp_path: Path) -> None:
    """It is fine on every row there ever was: all of them name their shop."""

    def picky(rows: Any, config: Mapping[str, Any]) -> Any:
        columns = ColumnTransformer([("shop", OneHotEncoder(handle_unknown="error"), ["shop"])])
        return Pipeline([("columns", columns), ("model", LogisticRegression())]).fit(rows.features, rows.label)

    shops = pc.fill_null(TABLES["asked"]["shop"], "a")
    named = TABLES["asked"].set_column(TABLES["asked"].schema.get_field_index("shop"), "shop", shops)
    read = sources({**TABLES, "asked": named}).read
    with pytest.raises(Refused, match="every feature is missing") as refused:
        make_candidate(JOB, make_loop(picky), JobFolder(tmp_path), read=read, say=lambda text: None)
    assert "SimpleImputer" in refused.value.mend
