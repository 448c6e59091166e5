"""A variant is made of a version's model, differs from it by what is told, and is judged like any candidate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from homeostat.app.pipeline.variants import check_quantisable
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.gates import Evidence, Gate, judge_gate
from homeostat.control.loop import Loop
from homeostat.control.retraining import lighter
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT, REJECT, Verdict
from homeostat.registry.manifest import read_manifest, verify_files
from homeostat.registry.models import Precision, Variant
from homeostat.registry.native import native_model
from homeostat.registry.probes import PROBES, Probes
from homeostat.serving.batching import together
from homeostat.training.jobs import TrainingJob, TrainingResult
from homeostat.training.proof import TOLERANCE
from tests.unit.training import toy
from tests.unit.training.test_candidate import JOB, make
from tests.unit.training.toy import DAY, make_loop

Train = Callable[[Any, Mapping[str, Any]], Any]


def columns() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    names = ["size", "shop_delay_6h", "shop_n_6h"]
    return ColumnTransformer([("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("numbers", numbers, names)])


def network(rows: Any, config: Mapping[str, Any]) -> Any:
    """A network as a user would write it."""
    model = MLPClassifier((64, 64), tol=0.01, n_iter_no_change=3, random_state=7)
    return Pipeline([("columns", columns()), ("model", model)]).fit(rows.features, rows.label)


def drowned(rows: Any, config: Mapping[str, Any]) -> Any:
    """A network that is as good, with a unit nobody listens to, so loud that eight bits hear nothing of the others."""
    fitted = network(rows, config)
    model = fitted.named_steps["model"]
    model.coefs_[0][:, 0], model.coefs_[1][0, :] = 1e6, 0.0
    return fitted


def logistic(rows: Any, config: Mapping[str, Any]) -> Any:
    return Pipeline([("columns", columns()), ("model", LogisticRegression())]).fit(rows.features, rows.label)


def splines(rows: Any, config: Mapping[str, Any]) -> Any:
    sizes = make_pipeline(SimpleImputer(), SplineTransformer())
    shops = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("shop", shops, ["shop"]), ("size", sizes, ["size"])]), LogisticRegression()
    ).fit(rows.features, rows.label)


def variant_of(folder: Path, loop: Loop, precision: Precision, name: str = "v2") -> TrainingResult:
    """A variant of the version in ``folder``, which is the champion too."""
    source = str(folder / "one" / "version")
    job: TrainingJob = replace(JOB, version=name, champion=source, source=source, variant=Variant("v1", precision))
    return make(folder / name, job, loop)


def judged(result: TrainingResult, gate: Gate) -> Verdict:
    seen = result.evaluation
    return judge_gate(Evidence("v2", "v1", seen.candidate.skill, seen.difference, seen.served), gate)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained network as v1."""
    folder = tmp_path_factory.mktemp("network")
    make(folder / "one", JOB, make_loop(network))
    return folder


@pytest.fixture(scope="module")
def int8(trained: Path) -> TrainingResult:
    """Its variant v2."""
    return variant_of(trained, make_loop(network), "int8")


def test_a_variant_is_a_version_of_its_own_that_names_its_original(trained: Path, int8: TrainingResult) -> None:
    folder = trained / "v2" / "version"
    version, source = read_manifest(folder), read_manifest(trained / "one" / "version")
    verify_files(version, folder)
    assert (version, version.variant) == (int8.version, Variant("v1", "int8"))
    assert source.variant is None
    native = native_model(source)
    assert native is not None
    assert sorted(version.files) == sorted(source.files.keys() - set(native.files))
    assert native_model(version) is None
    assert version.files["profile.json"] != source.files["profile.json"]
    assert version.files["config.json"] == source.files["config.json"]
    assert replace(version.fingerprint, config=source.fingerprint.config) == source.fingerprint
    assert json.loads((folder / "loop.json").read_bytes())["variant"]["fingerprint"] == plain(source.fingerprint)
    assert load_runtime(folder, "toy", "v2").inputs == source.inputs, (
        "it answers its own probes as it was registered to"
    )


def test_a_variant_is_measured_on_the_same_rows_as_the_champion_and_promises_what_it_showed(
    int8: TrainingResult,
) -> None:
    seen = int8.evaluation
    assert seen.first >= 9 * DAY
    assert seen.champion is not None
    assert seen.difference is not None
    assert int8.version.metrics["log_loss"] == seen.candidate.log_loss != seen.champion.log_loss
    assert TOLERANCE < int8.proof_worst < 0.2
    assert judged(int8, Gate(min_days=3, margin=0.02)).name == ACCEPT


def test_the_same_job_makes_the_same_variant(trained: Path, int8: TrainingResult, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(trained / "one")
    assert variant_of(tmp_path, make_loop(network), "int8").version == int8.version


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.6), ("float16", 0.7)])
def test_it_is_smaller_and_says_of_a_row_the_same_whatever_the_company(
    trained: Path, int8: TrainingResult, precision: Precision, share: float
) -> None:
    result = int8 if precision == "int8" else variant_of(trained, make_loop(network), precision, "v3")
    assert result.burdens is not None
    made, of = result.burdens
    assert made.bytes < share * of.bytes
    assert (made.version, of.version) == (result.version.version, "v1")
    assert min(made.row_seconds, of.row_seconds, made.row_seconds_together) > 0
    assert lighter(made, of).text.startswith(f"{made.version} has ")
    folder = trained / made.version / "version"
    probes = Probes.read((folder / PROBES).read_bytes())
    rows = [{name: [values[n]] for name, values in probes.columns.items()} for n in range(len(probes.probabilities))]
    runtime = load_runtime(folder, "toy", made.version)
    alone = [together(runtime, [row])[0] for row in rows]
    for size in (2, 7, 16, 64):
        found = [one for start in range(0, len(rows), size) for one in together(runtime, rows[start : start + size])]
        assert np.abs(np.array(found) - np.array(alone)).max() <= TOLERANCE


def test_a_variant_that_lost_what_the_model_knew_is_turned_away_by_the_gate(tmp_path: Path) -> None:
    loop = make_loop(drowned)
    make(tmp_path / "one", JOB, loop)
    result = variant_of(tmp_path, loop, "int8")
    verdict = judged(result, Gate(min_days=3, margin=0.02))
    assert verdict.name == REJECT
    assert "not_proven_against_champion" in {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("train", "why"),
    [
        (toy.train, "TreeEnsemble"),
        (logistic, "multiplies by 0 weights"),
        (splines, "served by skops"),
    ],
    ids=["trees", "a linear model", "another runtime"],
)
def test_what_gains_nothing_is_refused_with_the_reason(tmp_path: Path, train: Train, why: str) -> None:
    loop = make_loop(train)
    make(tmp_path / "one", JOB, loop)
    with pytest.raises(Refused, match=why):
        variant_of(tmp_path, loop, "int8")
    with pytest.raises(Refused, match=why):
        check_quantisable(tmp_path / "one" / "version", "toy", "v1")


def test_a_variant_of_a_variant_is_refused(trained: Path, int8: TrainingResult) -> None:
    with pytest.raises(Refused, match="is a variant itself"):
        check_quantisable(trained / "v2" / "version", "toy", "v2")
