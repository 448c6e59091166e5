"""An ONNX model from elsewhere, whose inputs and outputs are brought into the form that serving takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import uses_external_data

from homeostat.adapters.onnx.runtime import CHANCES, OnnxRuntime
from homeostat.data.labels import Answers
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.models import Kind
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from homeostat.training.fitted import class_table, positive_class

_OUTPUTS = {"binary": "probability", "regression": "number", "multiclass": CHANCES}
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
_MEND = "Export a classifier or a regressor with one input, or one for each feature, and one float tensor of answers."


class BroughtOnnx:
    """A classifier or regressor of ONNX bytes; answers through the very graph that would serve.

    ``answers`` is None where the graph leaves open whether one column is a probability or a number; `take_for` decides.
    Raises: InvalidInput for a file that is neither.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._model = onnx.load_model_from_string(content)
        except Exception as error:  # protobuf's own, of many kinds
            raise InvalidInput("The file is no ONNX model.", mend=_MEND) from error
        if any(uses_external_data(one) for one in self._model.graph.initializer):
            raise InvalidInput(
                "The model keeps weights in a file beside it, which a version cannot prove.",
                mend="Save it whole: onnx.save_model(onnx.load(FILE), FILE, save_as_external_data=False).",
            )
        self._inputs = [one for one in self._model.graph.input if one.name not in _initial(self._model)]
        self._output = _float_output(self._model)
        self._runtimes: dict[tuple[tuple[str, Kind], ...], OnnxRuntime] = {}
        self.classes_: NDArray[Any] | None = _classes(self._model, self._output)
        self.answers: Answers | None = None
        self._one_column = self.classes_ is None
        if self.classes_ is not None:
            self.answers = "binary" if len(self.classes_) == 2 else "multiclass"

    def __getstate__(self) -> dict[str, Any]:
        """Copies leave loaded sessions behind: ONNX Runtime ends the process that copies one."""
        return {**self.__dict__, "_runtimes": {}}

    def take_for(self, answers: Answers) -> None:
        """Decide what the graph leaves open: whether its one column is the probability of 1, or a number."""
        if self.answers is None:
            self.answers, self.classes_ = answers, np.array([0, 1]) if answers == "binary" else None

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

    def converted(self, kinds: Mapping[str, Kind], task: Task = BINARY) -> bytes:
        """One tensor of shape [n, 1] per feature in, the task's answer out, the nodes between as they were."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        before = [] if self.names else _side_by_side(self._inputs[0], list(kinds))
        after, width = self._answering(model, task)
        nodes = [*before, *(one for one in model.graph.node if one.op_type != "ZipMap"), *after]
        del model.graph.node[:], model.graph.output[:]
        model.graph.node.extend(nodes)
        output = helper.make_tensor_value_info(_OUTPUTS[task.name], TensorProto.FLOAT, [None, width])
        model.graph.output.append(output)
        if before:
            del model.graph.input[:]
            model.graph.input.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in kinds)
        model.graph.name = "homeostat"
        return bytes(model.SerializeToString(deterministic=True))

    def predict(self, frame: Any) -> NDArray[np.float64]:
        """Numbers, of a frame whose columns are the features in order."""
        return self._run(frame, Regression())

    def predict_proba(self, frame: Any) -> NDArray[np.float64]:
        """A chance for each class, of such a frame."""
        if self.answers == "multiclass" and self.classes_ is not None:
            return self._run(frame, Multiclass(tuple(map(str, getattr(self, "class_names_", self.classes_)))))
        true = self._run(frame, BINARY)
        return np.column_stack([true, 1 - true] if positive_class(self) == 0 else [1 - true, true])

    def _run(self, frame: Any, task: Task) -> NDArray[np.float64]:
        kinds: dict[str, Kind] = {name: "text" if frame[name].dtype.kind == "O" else "number" for name in frame.columns}
        key = tuple(kinds.items())
        if key not in self._runtimes:
            self._runtimes[key] = OnnxRuntime("v0", key, self.converted(kinds, task))
        return self._runtimes[key].predict({name: frame[name].tolist() for name in frame.columns})

    def _answering(self, model: Any, task: Task) -> tuple[list[Any], int]:
        """Nodes from the graph's own output to that of the task as float32, and its width."""
        if isinstance(task, Multiclass):
            return _in_order(model, self._output, class_table(self, task.classes)), len(task.classes)
        place = positive_class(self) if task == BINARY and not self._one_column else -1
        return _one_column(model, self._output, place, _OUTPUTS[task.name]), 1


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


def _float_output(model: Any) -> str:
    """The tensor that holds the answers: what a ZipMap is made of, or the only float output."""
    zipped = [one.input[0] for one in model.graph.node if one.op_type == "ZipMap"]
    floats = [one.name for one in model.graph.output if one.type.tensor_type.elem_type in _FLOATS]
    found = zipped or floats
    if len(found) != 1:
        raise InvalidInput(f"The model has {len(found)} outputs that could be its answers.", mend=_MEND)
    return str(found[0])


def _classes(model: Any, output: str) -> NDArray[Any] | None:
    """The classes that its nodes name, or their places where it has several columns; None for one column."""
    for node in reversed(model.graph.node):
        for attribute in node.attribute:
            labels = list(attribute.strings or attribute.ints) if attribute.name in _LABELS else []
            if len(labels) > 1:
                return np.array([one.decode() if isinstance(one, bytes) else int(one) for one in labels])
    columns = _columns(model, output)
    return np.arange(columns) if columns > 1 else None


def _columns(model: Any, output: str) -> int:
    shapes = {one.name: one.type.tensor_type.shape.dim for one in model.graph.output}
    shape = shapes.get(output, ())
    return int(shape[1].dim_value) if len(shape) == 2 else 1


def _one_column(model: Any, output: str, place: int, named: str) -> list[Any]:
    """Nodes that give the column of ``place`` as [n, 1]."""
    shapes = {one.name: one.type.tensor_type.shape.dim for one in model.graph.output}
    flat = len(shapes.get(output, (0, 0))) == 1
    wanted = helper.make_tensor("homeostat_place", TensorProto.INT64, [1], [place])
    column = helper.make_tensor("homeostat_column", TensorProto.INT64, [2], [-1, 1])
    model.graph.initializer.extend([column] if flat else [wanted, column])
    chosen = output if flat else "homeostat_chosen"
    gather = helper.make_node("Gather", [output, "homeostat_place"], [chosen], name="homeostat_gather", axis=1)
    return [
        *([] if flat else [gather]),
        helper.make_node("Reshape", [chosen, "homeostat_column"], ["homeostat_shaped"], name="homeostat_reshape"),
        helper.make_node("Cast", ["homeostat_shaped"], [named], name="homeostat_float", to=TensorProto.FLOAT),
    ]


def _in_order(model: Any, output: str, table: NDArray[np.float64]) -> list[Any]:
    """Nodes that give the chances of the loop's classes in its order."""
    model.graph.initializer.append(numpy_helper.from_array(table.astype(np.float32), "homeostat_classes"))
    return [
        helper.make_node("Cast", [output], ["homeostat_floats"], name="homeostat_float", to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["homeostat_floats", "homeostat_classes"], [CHANCES], name="homeostat_chances"),
    ]
