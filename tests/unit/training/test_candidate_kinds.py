"""Candidates that answer with a number or one of several classes are made whole, and MLflow's client is told which."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import homeostat as hs
from homeostat.app.pyfunc import _load_pyfunc
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.loop import Loop
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.binding import binding_of
from homeostat.registry.manifest import read_manifest
from homeostat.registry.probes import PROBES, Probes
from homeostat.serving.runtimes import answers
from homeostat.training.proof import TOLERANCE
from tests.unit.training.test_candidate import JOB, make
from tests.unit.training.test_variants import variant_of
from tests.unit.training.toy import asked, done, loop

CLASSES = ("a", "b", "c")


def trees(model: Any) -> Any:
    return lambda rows, config: model.fit(rows.features, rows.label)


def loop_of_numbers() -> Loop:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=10)
    label = hs.Label(done, "delay", matures="24h after due")
    return replace(loop, features=[asked["size"], loop.features[1]], label=label, train=trees(model))


def loop_of_classes() -> Loop:
    """Which shop it was: its mean delay tells something of it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=10)
    label = hs.Label(done, "shop", classes=CLASSES, matures="24h after due")
    return replace(loop, features=[asked["size"], loop.features[1]], label=label, train=trees(model))


@pytest.fixture(scope="module", params=[loop_of_numbers, loop_of_classes])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    make(made, loop=request.param())
    return made / "version"


def test_mlflows_client_gets_what_serving_answers_under_the_names_that_its_signature_says(folder: Path) -> None:
    probes = Probes.read((folder / PROBES).read_bytes())
    runtime = load_runtime(folder, "toy", "v1")
    served = np.array(answers(runtime, runtime.predict(probes.columns), len(probes.probabilities)))
    frame = pd.DataFrame({name: list(values) for name, values in probes.columns.items()})
    told = _load_pyfunc(str(folder)).predict(frame)
    assert np.array_equal(told.to_numpy().reshape(served.shape), served)
    assert served.std(axis=0).min() > 0
    with pytest.raises(InvalidInput, match="'size' holds string values, not numbers"):
        _load_pyfunc(str(folder)).predict(frame.assign(size="large"))
    signature = json.loads((folder / "MLmodel").read_text())["signature"]
    outputs = [one["name"] for one in json.loads(signature["outputs"])]
    assert outputs == list(told.columns)
    assert outputs == (["prediction"] if served.ndim == 1 else list(CLASSES))


def test_its_card_speaks_of_its_own_answer(folder: Path) -> None:
    card = (folder / "card.md").read_text()
    if binding_of(read_manifest(folder)).task.name == "regression":
        assert "it gives an estimate of `delay`" in card
        assert "| squared error |" in card
        assert "probability" not in card
    else:
        assert "it gives a chance for each `shop` (a, b, c)" in card
        assert "| log-loss |" in card


def network(task: str) -> Any:
    """Trained for a thousand times what it is given to learn, so that nothing can stand on numbers being small."""
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def train(rows: Any, config: Any) -> Any:
        shape = {"hidden_layer_sizes": (40, 40), "tol": 0.1, "n_iter_no_change": 2, "random_state": 7}
        model = MLPClassifier(**shape) if task == "multiclass" else MLPRegressor(**shape)
        made = make_pipeline(SimpleImputer(), StandardScaler(), model)
        if task == "multiclass":
            return made.fit(rows.features, rows.label)
        made.fit(rows.features, rows.label / 1000)
        model.coefs_[-1] *= 1000
        model.intercepts_[-1] *= 1000
        return made

    return train


@pytest.mark.parametrize("kind", [loop_of_numbers, loop_of_classes])
def test_a_lighter_variant_answers_nearly_the_same(kind: Any, tmp_path: Path) -> None:
    loop = kind()
    label = hs.Label(done, "delay * 1000", matures="24h after due") if kind is loop_of_numbers else loop.label
    loop = replace(loop, label=label, train=network(loop.task.name))
    make(tmp_path / "one", JOB, loop)
    made = variant_of(tmp_path, loop, "int8")
    assert TOLERANCE < made.proof_worst < 0.2
    assert made.proof_rows < 1_500
    assert "differ from those of v1 by" in (tmp_path / "v2" / "version" / "card.md").read_text()
    difference, seen = made.evaluation.difference, made.evaluation.candidate.skill
    assert difference is not None
    assert seen is not None
    assert seen.low > 0
    assert abs(difference.value) < 0.05
