"""Regressors and classifiers of several classes in the form that serves, proven equal to what was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from xgboost import XGBClassifier, XGBRegressor

from homeostat.app.pipeline.forms import Served, choose_form
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind
from homeostat.serving.runtimes import answers
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from homeostat.training.proof import TOLERANCE, prove

KINDS: dict[str, Kind] = {"x": "number", "y": "number", "shop": "text"}
CLASSES = Multiclass(("none", "bread", "cake", "never"))
rng = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "x": rng.normal(size=400).astype(np.float32),
        "y": rng.normal(size=400).astype(np.float32),
        "shop": rng.choice(["north", "south"], size=400),
    }
)
FRAME["shop"] = FRAME["shop"].astype(object)
NUMBERS = 1000.0 + 30.0 * FRAME["x"].to_numpy(np.float64) + rng.normal(size=400)
NAMES = np.array(["none", "bread", "cake"])[np.digitize(FRAME["x"], [-0.5, 0.5])]


def pipeline(model: Any, encoder: Any = None) -> Pipeline:
    encoder = encoder or OneHotEncoder(handle_unknown="ignore")
    numbers = SimpleImputer() if isinstance(encoder, OneHotEncoder) else "passthrough"
    columns = ColumnTransformer([("shop", encoder, ["shop"]), ("numbers", numbers, ["x", "y"])])
    return Pipeline([("columns", columns), ("model", model)])


def codes() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


@pytest.mark.parametrize(
    ("estimator", "task", "wanted", "runtime"),
    [
        (pipeline(LinearRegression()), Regression(), "auto", "onnx"),
        (pipeline(HistGradientBoostingRegressor(max_iter=20), codes()), Regression(0.5), "auto", "onnx"),
        (pipeline(LGBMRegressor(n_estimators=20, verbose=-1), codes()), Regression(), "auto", "onnx"),
        (pipeline(LGBMRegressor(n_estimators=20, verbose=-1), codes()), Regression(), "native", "lightgbm"),
        (pipeline(XGBRegressor(n_estimators=20), codes()), Regression(), "native", "xgboost"),
        (pipeline(LinearRegression()), Regression(), "skops", "skops"),
        (pipeline(LogisticRegression()), CLASSES, "auto", "onnx"),
        (pipeline(LGBMClassifier(n_estimators=10, verbose=-1), codes()), CLASSES, "auto", "onnx"),
        (pipeline(LogisticRegression()), CLASSES, "skops", "skops"),
    ],
    ids=lambda one: str(getattr(one, "name", one)) if not isinstance(one, Pipeline) else type(one[-1]).__name__,
)
def test_what_serves_answers_as_what_was_fitted(estimator: Any, task: Task, wanted: str, runtime: str) -> None:
    served = fitted(estimator, task, wanted)
    assert served.form.runtime == runtime
    assert served.form.proof.worst <= TOLERANCE
    told = np.array(answers(served.runtime, served.runtime.predict(columns(FRAME)), len(FRAME)))
    one = np.array(answers(served.runtime, served.runtime.predict(columns(FRAME.iloc[:1])), 1))
    if isinstance(task, Regression):
        expected = estimator.predict(FRAME)
        assert np.abs(told - expected).max() < 1e-3 * expected.std()
    else:
        expected = estimator.predict_proba(FRAME)
        order = [list(estimator.classes_).index(name) for name in CLASSES.classes[:3]]
        np.testing.assert_allclose(told[:, :3], expected[:, order], atol=1e-5)
        assert (told[:, 3] == 0.0).all()
    np.testing.assert_allclose(one[0], told[0], atol=1e-4)


def test_a_class_that_is_none_of_the_loops_is_named() -> None:
    with pytest.raises(Refused, match="it has the classes cake"):
        fitted(pipeline(LogisticRegression()), Multiclass(("none", "bread")), "auto")


def test_a_classifier_that_learnt_one_class_of_several_is_told_which() -> None:
    model = DummyClassifier().fit(FRAME, ["bread"] * len(FRAME))
    with pytest.raises(Refused, match=r"the chances of none, bread, cake, never: its only class is bread\."):
        choose_form(model, KINDS, [FRAME], "v1", "auto", CLASSES)


def test_a_classifier_answers_with_no_number() -> None:
    model = pipeline(LogisticRegression()).fit(FRAME, NAMES)
    with pytest.raises(Refused, match="does not answer with a number: it is a classifier"):
        choose_form(model, KINDS, [FRAME], "v1", "auto", Regression())


@pytest.mark.parametrize("task", [Regression(), CLASSES, BINARY], ids=["number", "classes", "yes or no"])
@pytest.mark.parametrize(
    ("answers", "said"),
    [(np.nan, "answers 400 of 400 rows with no number"), (1, "gives 399 answers to 400 rows")],
)
def test_a_model_that_gives_no_number_or_too_few_answers_is_told(task: Task, answers: float, said: str) -> None:
    class Odd:
        classes_ = {"regression": None, "binary": [False, True]}.get(task.name, ["none", "bread"])

        def predict(self, rows: Any) -> Any:
            return np.full(400 if answers != 1 else 399, answers)

        def predict_proba(self, rows: Any) -> Any:
            return np.column_stack([self.predict(rows)] * 2)

    served = fitted(pipeline(LinearRegression()), Regression(), "auto")
    with pytest.raises(Refused, match=said):
        prove(Odd(), served.runtime.predict, FRAME, KINDS, task=task)


def test_a_classifier_of_three_has_no_native_form() -> None:
    with pytest.raises(Refused, match="has no native form"):
        fitted(
            pipeline(XGBClassifier(n_estimators=3), codes()), CLASSES, "native", np.digitize(FRAME["x"], [-0.5, 0.5])
        )


def fitted(estimator: Any, task: Task, wanted: str, label: Any = None) -> Served:
    truth = NUMBERS if isinstance(task, Regression) else NAMES if label is None else label
    estimator.fit(FRAME, truth)
    if label is not None:
        task = Multiclass(("0", "1", "2"))
    return choose_form(estimator, KINDS, [FRAME], "v1", wanted, task)


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {name: frame[name].tolist() for name in frame.columns}
