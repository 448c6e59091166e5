"""Turns a fitted estimator into model.onnx, and proves on rows that both answer alike."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
import pandas as pd
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from homeostat.adapters.onnx.histogram import register_histogram
from homeostat.adapters.onnx.lightgbm import register_lightgbm
from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.data.contracts import Value
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind

TOLERANCE = 1e-5
"""The greatest difference in probability at which two answers count as equal."""
OUTPUT = "probability"
"""The model's one output: the probability of True, float32 of shape [n, 1]."""
_GRAPH = "homeostat"
_OPSET = {"": 18, "ai.onnx.ml": 3}
_BATCH = 20_000
_PROBES = 256
_UNHEARD_OF = "\x00never seen in training"
_TYPES = {"number": FloatTensorType, "text": StringTensorType}


@dataclass(frozen=True, slots=True)
class Proof:
    """Over how many rows estimator and ONNX were compared, and the worst difference of a probability."""

    rows: int
    worst: float


def convert(estimator: Any, kinds: Mapping[str, Kind]) -> bytes:
    """The estimator as ONNX: one tensor of shape [n, 1] per feature in, the probability of True out.

    ``kinds`` are the features in order. The same estimator always gives the same bytes.
    Raises: Refused naming the estimator, where it is no binary classifier or has no ONNX form.
    """
    positive = _positive_class(estimator)
    register_lightgbm()
    register_histogram()
    whole = _taking_columns(estimator, kinds)
    inputs = [(name, _TYPES[kind]([None, 1])) for name, kind in kinds.items()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the libraries' notes to their own developers
            model = skl2onnx.convert_sklearn(
                whole,
                name=_GRAPH,
                initial_types=inputs,
                target_opset=_OPSET,
                options={id(whole): {"zipmap": False}},
            )
            return _only_probability(model, positive, [name for name, _ in inputs])
    except Refused:
        raise
    except Exception as error:  # converters raise whatever their libraries raise
        raise _no_onnx(estimator, error) from error


def prove(
    estimator: Any,
    model: bytes,
    frame: pd.DataFrame,
    kinds: Mapping[str, Kind],
    *,
    tolerance: float = TOLERANCE,
) -> Proof:
    """Compare estimator and ONNX on every row of ``frame``, and on some rows with one value missing or new.

    The ONNX side runs in the engine that serves. Rows that the estimator itself cannot take are left out.
    Raises: Refused naming the worst row when a probability differs by more than ``tolerance``.
    """
    runtime = OnnxRuntime("candidate", tuple(kinds.items()), model)
    parts = [frame.iloc[start : start + _BATCH] for start in range(0, len(frame), _BATCH)]
    worst = 0.0
    for part in parts:
        worst = max(worst, _compare(estimator, runtime, part, _scores(estimator, part), tolerance))
    rows = len(frame)
    for probe in _probes(frame, kinds):
        expected = _scores_if_any(estimator, probe)
        if expected is not None:
            worst = max(worst, _compare(estimator, runtime, probe, expected, tolerance))
            rows += len(probe)
    return Proof(rows, worst)


def predict(runtime: OnnxRuntime, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Probabilities of many rows, a batch at a time."""
    parts = [frame.iloc[start : start + _BATCH] for start in range(0, len(frame), _BATCH)]
    answers = [
        runtime.predict({name: cast("Sequence[Value]", part[name].to_numpy()) for name in part.columns})
        for part in parts
    ]
    return np.concatenate(answers) if answers else np.empty(0)


def _taking_columns(estimator: Any, kinds: Mapping[str, Kind]) -> Any:
    """An estimator fitted on plain numbers gets a first step that puts the columns side by side."""
    first = estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(first, ColumnTransformer) or "text" in kinds.values():
        return estimator
    beside = ColumnTransformer([("numbers", "passthrough", list(kinds))])
    beside.fit(pd.DataFrame(np.zeros((1, len(kinds)), dtype=np.float32), columns=list(kinds)))
    return Pipeline([("beside", beside), ("estimator", estimator)])


def _only_probability(model: onnx.ModelProto, positive: int, inputs: list[str]) -> bytes:
    """Drop the label output, and of the two classes' probabilities keep that of True."""
    index = onnx.helper.make_tensor("homeostat_positive", onnx.TensorProto.INT64, [1], [positive])
    model.graph.initializer.append(index)
    gather = onnx.helper.make_node(
        "Gather", ["probabilities", "homeostat_positive"], [OUTPUT], name="homeostat_probability", axis=1
    )
    model.graph.node.append(gather)
    declared = {entry.name: entry for entry in model.graph.input}
    pruned = select_model_inputs_outputs(model, outputs=[OUTPUT])
    del pruned.graph.output[:]
    pruned.graph.output.append(onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, [None, 1]))
    kept = {entry.name for entry in pruned.graph.input}
    pruned.graph.input.extend(declared[name] for name in inputs if name not in kept)
    pruned.graph.name = _GRAPH
    imports = sorted(pruned.opset_import, key=lambda one: one.domain)  # the converter's order is that of a set
    del pruned.opset_import[:]
    pruned.opset_import.extend(imports)
    onnx.checker.check_model(pruned)
    made: bytes = pruned.SerializeToString(deterministic=True)
    return made


def _positive_class(estimator: Any) -> int:
    classes = [str(value) for value in getattr(estimator, "classes_", [])]
    if not hasattr(estimator, "predict_proba") or sorted(classes) not in (["False", "True"], ["0", "1"]):
        found = f"its classes are {', '.join(classes)}" if classes else "it is not a fitted classifier"
        raise Refused(
            f"{_named(estimator)} cannot answer with the probability of True: {found}.",
            mend="Return an estimator with predict_proba, fitted on rows.label.",
            estimator=_named(estimator),
        )
    return classes.index("True") if "True" in classes else classes.index("1")


def _compare(
    estimator: Any, runtime: OnnxRuntime, frame: pd.DataFrame, expected: NDArray[np.float64], tolerance: float
) -> float:
    distance = np.abs(predict(runtime, frame) - expected)
    distance[np.isnan(distance)] = np.inf
    place = int(distance.argmax())
    if distance[place] > tolerance:
        row = {name: str(value) for name, value in frame.iloc[place].items()}
        raise Refused(
            f"{_named(estimator)} and its ONNX form differ by {distance[place]:.2g} in probability, "
            f"more than {tolerance:g}, on {int((distance > tolerance).sum())} of {len(frame)} rows.",
            mend="Give trees their numbers as they are, unscaled, and handle missing and new values in the "
            "pipeline (SimpleImputer, OrdinalEncoder with unknown_value).",
            estimator=_named(estimator),
            row=row,
        )
    return float(distance[place])


def _scores(estimator: Any, frame: pd.DataFrame) -> NDArray[np.float64]:
    positive = _positive_class(estimator)
    scores: NDArray[np.float64] = np.asarray(estimator.predict_proba(frame), dtype=np.float64)[:, positive]
    return scores


def _scores_if_any(estimator: Any, frame: pd.DataFrame) -> NDArray[np.float64] | None:
    try:
        return _scores(estimator, frame)
    except ValueError:  # scikit-learn's way of saying that a value is not one it takes
        return None


def _probes(frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> list[pd.DataFrame]:
    """Rows spread over the frame, per feature with its value missing and, for a text, never seen."""
    few = frame.iloc[:: max(1, len(frame) // _PROBES)]
    made: list[pd.DataFrame] = []
    for name, kind in kinds.items():
        for value in (np.nan,) if kind == "number" else ("", _UNHEARD_OF):
            probe = few.copy()
            probe[name] = pd.Series(value, index=few.index, dtype=few[name].dtype)
            made.append(probe)
    return made


def _no_onnx(estimator: Any, error: Exception) -> Refused:
    said = " ".join(str(error).split())[:300]
    return Refused(
        f"{_named(estimator)} has no ONNX form: {type(error).__name__}: {said}",
        mend="Use a Pipeline of OrdinalEncoder, OneHotEncoder, SimpleImputer or StandardScaler with "
        "LogisticRegression, HistGradientBoostingClassifier, RandomForestClassifier or LGBMClassifier.",
        estimator=_named(estimator),
    )


def _named(estimator: Any) -> str:
    """A pipeline is named with its last step: that is the one people recognise."""
    steps = getattr(estimator, "steps", None)
    name = type(estimator).__name__
    return f"{name} ending in {type(steps[-1][1]).__name__}" if steps else name
