"""Turns a fitted estimator into model.onnx."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import onnx
import pandas as pd
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from homeostat.adapters.onnx.brought import BroughtOnnx
from homeostat.adapters.onnx.histogram import register_histogram
from homeostat.adapters.onnx.lightgbm import register_lightgbm
from homeostat.adapters.onnx.runtime import CHANCES
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from homeostat.training.fitted import class_table, must_predict_numbers, named, positive_class

OUTPUT = "probability"
"""The model's one output: the probability of True, float32 of shape [n, 1]."""
NUMBER = "number"
"""The same of a predicted number; of several classes it is `adapters.onnx.runtime.CHANCES`, of shape [n, classes]."""
_GRAPH = "homeostat"
_OPSET = {"": 18, "ai.onnx.ml": 3}
_TYPES = {"number": FloatTensorType, "text": StringTensorType}


def convert(estimator: Any, kinds: Mapping[str, Kind], task: Task = BINARY) -> bytes:
    """The estimator as ONNX: one tensor of shape [n, 1] per feature in, one answer out.

    ``kinds`` are the features in order. The same estimator always gives the same bytes.
    Raises: Refused naming the estimator, where it is none for the task or has no ONNX form.
    """
    finish = _finish(estimator, task)
    if isinstance(estimator, BroughtOnnx):
        return estimator.converted(kinds, task)
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
                options=None if isinstance(task, Regression) else {id(whole): {"zipmap": False}},
            )
            output, width = finish(model)
            return _only(model, output, width, [name for name, _ in inputs])
    except Refused:
        raise
    except Exception as error:  # converters raise whatever their libraries raise
        raise _no_onnx(estimator, error) from error


def _taking_columns(estimator: Any, kinds: Mapping[str, Kind]) -> Any:
    """An estimator fitted on plain numbers gets a first step that puts the columns side by side."""
    first = estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(first, ColumnTransformer) or "text" in kinds.values():
        return estimator
    beside = ColumnTransformer([("numbers", "passthrough", list(kinds))])
    beside.fit(pd.DataFrame(np.zeros((1, len(kinds)), dtype=np.float32), columns=list(kinds)))
    return Pipeline([("beside", beside), ("estimator", estimator)])


def _finish(estimator: Any, task: Task) -> Callable[[onnx.ModelProto], tuple[str, int]]:
    """What makes the task's one output of the estimator's: its name and width. Raises: Refused for another task's."""
    if isinstance(task, Regression):
        must_predict_numbers(estimator)
        return _number
    if isinstance(task, Multiclass):
        return partial(_chances, class_table(estimator, task.classes))
    return partial(_probability, positive_class(estimator))


def _probability(positive: int, model: onnx.ModelProto) -> tuple[str, int]:
    """Of the two classes' probabilities keep that of True."""
    index = onnx.helper.make_tensor("homeostat_positive", onnx.TensorProto.INT64, [1], [positive])
    model.graph.initializer.append(index)
    gather = onnx.helper.make_node(
        "Gather", ["probabilities", "homeostat_positive"], [OUTPUT], name="homeostat_probability", axis=1
    )
    model.graph.node.append(gather)
    return OUTPUT, 1


def _number(model: onnx.ModelProto) -> tuple[str, int]:
    """The one output, in the shape [n, 1]."""
    (only,) = model.graph.output
    shape = onnx.helper.make_tensor("homeostat_shape", onnx.TensorProto.INT64, [2], [-1, 1])
    model.graph.initializer.append(shape)
    model.graph.node.append(
        onnx.helper.make_node("Reshape", [only.name, "homeostat_shape"], [NUMBER], name="homeostat_number")
    )
    return NUMBER, 1


def _chances(table: NDArray[np.float64], model: onnx.ModelProto) -> tuple[str, int]:
    """The estimator's classes brought into the loop's order; one that it never saw has no chance."""
    weights = onnx.numpy_helper.from_array(table.astype(np.float32), "homeostat_classes")
    model.graph.initializer.append(weights)
    model.graph.node.append(
        onnx.helper.make_node("MatMul", ["probabilities", "homeostat_classes"], [CHANCES], name="homeostat_chances")
    )
    return CHANCES, table.shape[1]


def _only(model: onnx.ModelProto, output: str, width: int, inputs: list[str]) -> bytes:
    """Drop every other output and what only leads to it."""
    declared = {entry.name: entry for entry in model.graph.input}
    pruned = select_model_inputs_outputs(model, outputs=[output])
    del pruned.graph.output[:]
    pruned.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, [None, width]))
    kept = {entry.name for entry in pruned.graph.input}
    pruned.graph.input.extend(declared[name] for name in inputs if name not in kept)
    pruned.graph.name = _GRAPH
    imports = sorted(pruned.opset_import, key=lambda one: one.domain)  # the converter's order is that of a set
    del pruned.opset_import[:]
    pruned.opset_import.extend(imports)
    onnx.checker.check_model(pruned)
    made: bytes = pruned.SerializeToString(deterministic=True)
    return made


def _no_onnx(estimator: Any, error: Exception) -> Refused:
    said = " ".join(str(error).split())[:300]
    return Refused(
        f"{named(estimator)} has no ONNX form: {type(error).__name__}: {said}",
        mend="Use a Pipeline of OrdinalEncoder, OneHotEncoder, SimpleImputer or StandardScaler with "
        "LogisticRegression, HistGradientBoostingClassifier, RandomForestClassifier or LGBMClassifier, or with their "
        "regressors.",
        estimator=named(estimator),
    )
