"""Turns a fitted estimator into model.onnx."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import pandas as pd
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from homeostat.adapters.onnx.brought import BroughtOnnx
from homeostat.adapters.onnx.histogram import register_histogram
from homeostat.adapters.onnx.lightgbm import register_lightgbm
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind
from homeostat.training.proof import named, positive_class

OUTPUT = "probability"
"""The model's one output: the probability of True, float32 of shape [n, 1]."""
_GRAPH = "homeostat"
_OPSET = {"": 18, "ai.onnx.ml": 3}
_TYPES = {"number": FloatTensorType, "text": StringTensorType}


def convert(estimator: Any, kinds: Mapping[str, Kind]) -> bytes:
    """The estimator as ONNX: one tensor of shape [n, 1] per feature in, the probability of True out.

    ``kinds`` are the features in order. The same estimator always gives the same bytes.
    Raises: Refused naming the estimator, where it is no binary classifier or has no ONNX form.
    """
    positive = positive_class(estimator)
    if isinstance(estimator, BroughtOnnx):
        return estimator.converted(kinds)
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


def _no_onnx(estimator: Any, error: Exception) -> Refused:
    said = " ".join(str(error).split())[:300]
    return Refused(
        f"{named(estimator)} has no ONNX form: {type(error).__name__}: {said}",
        mend="Use a Pipeline of OrdinalEncoder, OneHotEncoder, SimpleImputer or StandardScaler with "
        "LogisticRegression, HistGradientBoostingClassifier, RandomForestClassifier or LGBMClassifier.",
        estimator=named(estimator),
    )
