"""An ONNX model from elsewhere: a classifier whose inputs and outputs are brought into the form that serving takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.models import Kind

_OUTPUT = "probability"
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_MEND = "Export a binary classifier with one input, or one for each feature, and its probabilities as a float tensor."


class BroughtOnnx:
    """A binary classifier of ONNX bytes; answers through the very graph that would serve.

    Raises: InvalidInput for a file that is no such classifier.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._model = onnx.load_model_from_string(content)
        except Exception as error:  # protobuf's own, of many kinds
            raise InvalidInput("The file is no ONNX model.", mend=_MEND) from error
        self.classes_ = np.array([0, 1])
        self._inputs = [one for one in self._model.graph.input if one.name not in _initial(self._model)]

    @property
    def names(self) -> list[str] | None:
        """Its features in order, where each has an input of its own."""
        return [one.name for one in self._inputs] if len(self._inputs) > 1 else None

    @property
    def width(self) -> int | None:
        """How many features its one input takes; None where that is not said, or each has its own."""
        if len(self._inputs) != 1:
            return None
        shape = self._inputs[0].type.tensor_type.shape.dim
        return int(shape[-1].dim_value) or None if len(shape) == 2 else None

    def converted(self, kinds: Mapping[str, Kind]) -> bytes:
        """One tensor of shape [n, 1] per feature in, the probability of True out, the nodes between as they were."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        before = [] if self.names else _side_by_side(self._inputs[0], list(kinds))
        probability = _probability(model)
        after = _only_true(model, probability)
        nodes = [*before, *(one for one in model.graph.node if one.op_type != "ZipMap"), *after]
        del model.graph.node[:], model.graph.output[:]
        model.graph.node.extend(nodes)
        model.graph.output.append(helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, [None, 1]))
        if before:
            del model.graph.input[:]
            model.graph.input.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in kinds)
        model.graph.name = "homeostat"
        return bytes(model.SerializeToString(deterministic=True))

    def predict_proba(self, frame: Any) -> NDArray[np.float64]:
        """Probabilities of both classes, of a frame whose columns are the features in order."""
        kinds: dict[str, Kind] = {name: "text" if frame[name].dtype == object else "number" for name in frame.columns}
        runtime = OnnxRuntime("v0", tuple(kinds.items()), self.converted(kinds))
        true = runtime.predict({name: frame[name].tolist() for name in frame.columns})
        return np.column_stack([1 - true, true])


def _initial(model: Any) -> set[str]:
    return {one.name for one in model.graph.initializer}


def _side_by_side(wanted: Any, names: Sequence[str]) -> list[Any]:
    """Nodes that make the model's one input of the features' own."""
    kind = wanted.type.tensor_type.elem_type
    if kind not in _FLOATS:
        raise InvalidInput(f"The model's input {wanted.name!r} takes no floats.", mend=_MEND)
    joined = wanted.name if kind == TensorProto.FLOAT else "homeostat_joined"
    found = [helper.make_node("Concat", list(names), [joined], name="homeostat_concat", axis=1)]
    if kind == TensorProto.DOUBLE:
        found.append(helper.make_node("Cast", [joined], [wanted.name], name="homeostat_cast", to=TensorProto.DOUBLE))
    return found


def _probability(model: Any) -> str:
    """The tensor that holds the probabilities: what a ZipMap is made of, or the only float output."""
    zipped = [one.input[0] for one in model.graph.node if one.op_type == "ZipMap"]
    floats = [one.name for one in model.graph.output if one.type.tensor_type.elem_type in _FLOATS]
    found = zipped or floats
    if len(found) != 1:
        raise InvalidInput(f"The model has {len(found)} outputs that could be probabilities.", mend=_MEND)
    return str(found[0])


def _only_true(model: Any, probability: str) -> list[Any]:
    """Nodes that give the last column as [n, 1], float32, however many classes' columns there are."""
    shapes = {one.name: one.type.tensor_type.shape.dim for one in model.graph.output}
    flat = len(shapes.get(probability, (0, 0))) == 1
    last = helper.make_tensor("homeostat_last", TensorProto.INT64, [1], [-1])
    column = helper.make_tensor("homeostat_column", TensorProto.INT64, [2], [-1, 1])
    model.graph.initializer.extend([last, column])
    chosen = probability if flat else "homeostat_true"
    nodes = (
        []
        if flat
        else [helper.make_node("Gather", [probability, "homeostat_last"], [chosen], name="homeostat_gather", axis=1)]
    )
    return [
        *nodes,
        helper.make_node("Reshape", [chosen, "homeostat_column"], ["homeostat_shaped"], name="homeostat_reshape"),
        helper.make_node("Cast", ["homeostat_shaped"], [_OUTPUT], name="homeostat_float", to=TensorProto.FLOAT),
    ]
