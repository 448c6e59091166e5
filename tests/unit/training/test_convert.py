from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from homeostat.adapters.onnx.convert import convert
from homeostat.adapters.onnx.lightgbm import floor32
from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind, Proof
from homeostat.training.proof import TOLERANCE, prove, scores_of

KINDS: dict[str, Kind] = {"shop": "text", "size": "number", "age": "number", "town": "text"}
TEXTS = [name for name, kind in KINDS.items() if kind == "text"]
NUMBERS = [name for name, kind in KINDS.items() if kind == "number"]


def frame(rows: int = 3_000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows).astype(np.float32)
    label = rng.random(rows) < 1 / (1 + np.exp(-2 * size))
    size[rng.random(rows) < 0.2] = np.nan
    shop = rng.choice(["a", "b", "c", ""], rows).astype(object)
    columns = {
        "shop": pd.Series(shop, dtype=object),
        "size": size,
        "age": rng.integers(0, 90, rows).astype(np.float32),
        "town": pd.Series(rng.choice([f"t{n}" for n in range(40)], rows).astype(object), dtype=object),
    }
    return pd.DataFrame(columns), label


def loaded(made: bytes, kinds: dict[str, Kind] = KINDS) -> OnnxRuntime:
    return OnnxRuntime("v1", tuple(kinds.items()), made)


def shown(model: Any, made: bytes, rows: pd.DataFrame, kinds: dict[str, Kind] = KINDS) -> Proof:
    return prove(model, loaded(made, kinds).predict, rows, kinds)


def ordinal(numbers: Any = "passthrough") -> ColumnTransformer:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([("codes", codes, TEXTS), ("numbers", numbers, NUMBERS)])


def one_hot() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("hot", OneHotEncoder(handle_unknown="ignore"), TEXTS), ("numbers", numbers, NUMBERS)])


def trees(**settings: Any) -> LGBMClassifier:
    steady = {"n_jobs": 1, "random_state": 7, "deterministic": True, "force_row_wise": True, "verbosity": -1}
    return LGBMClassifier(n_estimators=30, **steady, **settings)


MODELS = {
    "lightgbm": lambda: make_pipeline(ordinal(), trees()),
    "logistic": lambda: make_pipeline(one_hot(), LogisticRegression()),
    "histogram": lambda: make_pipeline(ordinal(), HistGradientBoostingClassifier(max_iter=20, random_state=7)),
    "forest": lambda: make_pipeline(ordinal(SimpleImputer()), RandomForestClassifier(10, random_state=7)),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_onnx_form_answers_as_the_estimator(name: str) -> None:
    rows, label = frame()
    model = MODELS[name]().fit(rows, label)
    made = convert(model, KINDS)
    proof = shown(model, made, rows)
    assert proof.worst <= TOLERANCE
    assert proof.rows > len(rows)
    fresh, _ = frame(seed=1)
    answers = scores_of(loaded(made).predict, fresh)
    np.testing.assert_allclose(answers, model.predict_proba(fresh)[:, 1], atol=TOLERANCE)


def test_true_is_the_positive_class_however_it_is_written() -> None:
    rows, label = frame()
    expected = None
    for labels in (label, label.astype(int)):
        model = make_pipeline(one_hot(), LogisticRegression()).fit(rows, labels)
        answers = scores_of(loaded(convert(model, KINDS)).predict, rows)
        assert answers[label].mean() > answers[~label].mean() + 0.2
        expected = answers if expected is None else expected
        np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_features_that_the_model_ignores_stay_inputs() -> None:
    rows, label = frame()
    model = make_pipeline(ColumnTransformer([("size", SimpleImputer(), ["size"])]), LogisticRegression())
    made = convert(model.fit(rows, label), KINDS)
    assert shown(model, made, rows).worst <= TOLERANCE


@pytest.mark.parametrize("make", [trees, lambda: HistGradientBoostingClassifier(max_iter=10)])
def test_neighbouring_float32_values_are_never_confused(make: Any) -> None:
    """Thresholds halfway between neighbours: rounded to nearest, half of them would move a row across."""
    steps = np.arange(64, dtype=np.float32)
    size = np.tile(np.float32(2**24) + 2 * steps, 50)
    age = np.tile(np.nextafter(np.float32(1), np.float32(2)) + steps * np.float32(2**-23), 50)
    label = np.random.default_rng(0).random(size.size) < np.tile(np.arange(64) % 2 * 0.8 + 0.1, 50)
    rows = pd.DataFrame({"size": size, "age": age.astype(np.float32)})
    kinds: dict[str, Kind] = {"size": "number", "age": "number"}
    model = make().fit(rows, label)
    assert shown(model, convert(model, kinds), rows, kinds).worst <= TOLERANCE


def test_a_value_missing_for_the_first_time_is_read_as_the_estimator_reads_it() -> None:
    """LightGBM takes NaN for 0 where training had none: thresholds of both signs must agree on it."""
    rng = np.random.default_rng(0)
    for shift in (-3.0, 3.0):
        rows = pd.DataFrame({"size": (rng.normal(size=2_000) + shift).astype(np.float32)})
        label = rows["size"].to_numpy() > shift
        model = trees().fit(rows, label)
        assert shown(model, convert(model, {"size": "number"}), rows, {"size": "number"}).worst <= TOLERANCE


def test_the_same_rows_give_the_same_bytes_in_every_process() -> None:
    """Each training has a process of its own; sets are walked in another order under each of these seeds."""
    code = "from tests.unit.training.test_convert import lightgbm_hash; print(lightgbm_hash())"
    root = Path(__file__).parents[3]
    told = []
    for seed in ("1", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True, text=True)
        told.append(done.stdout.strip())
    assert told[0] == told[1]


def lightgbm_hash() -> str:
    rows, label = frame()
    return hashlib.sha256(convert(MODELS["lightgbm"]().fit(rows, label), KINDS)).hexdigest()


class Unheard(ClassifierMixin, BaseEstimator):
    """An estimator that no converter knows."""

    def fit(self, rows: Any, label: Any) -> Unheard:
        self.classes_ = np.unique(label)
        return self

    def predict_proba(self, rows: Any) -> np.ndarray:
        return np.full((len(rows), 2), 0.5)


def test_an_estimator_without_an_onnx_form_is_named() -> None:
    rows, label = frame(100)
    with pytest.raises(Refused, match="Pipeline ending in Unheard has no ONNX form"):
        convert(Pipeline([("codes", ordinal()), ("model", Unheard())]).fit(rows, label), KINDS)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (LinearRegression(), "LinearRegression cannot answer"),
        (LogisticRegression(), "not a fitted classifier"),
        (object(), "object cannot answer"),
        (LogisticRegression().fit([[0], [1], [2]], ["x", "y", "z"]), "its classes are x, y, z"),
    ],
)
def test_what_is_no_binary_classifier_is_refused(model: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        convert(model, KINDS)


@pytest.mark.parametrize("setting", [{"zero_as_missing": True}, {"objective": "cross_entropy"}])
def test_settings_of_lightgbm_without_an_onnx_form_are_refused(setting: dict[str, Any]) -> None:
    rows, label = frame(500)
    model = make_pipeline(ordinal(), trees(**setting)).fit(rows, label)
    with pytest.raises(Refused):
        shown(model, convert(model, KINDS), rows)


def test_a_difference_is_refused_with_its_row() -> None:
    rows, label = frame(500)
    model = make_pipeline(ordinal(), trees()).fit(rows, label)
    other = make_pipeline(ordinal(), trees()).fit(rows, ~label)
    with pytest.raises(Refused, match="differ by") as caught:
        shown(other, convert(model, KINDS), rows)
    assert set(caught.value.facts["row"]) == set(KINDS)  # type: ignore[call-overload]


@pytest.mark.parametrize("value", [0.1, -0.1, 1e-60, -1e-60, 2.0**24 + 1, 1e300, -1e300, 0.0, 1e-35])
def test_the_floor_is_the_greatest_float32_not_above(value: float) -> None:
    found = floor32(value)
    assert found <= value
    with np.errstate(over="ignore"):
        assert float(np.nextafter(np.float32(found), np.float32(np.inf))) > value
