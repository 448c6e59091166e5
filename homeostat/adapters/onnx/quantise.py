"""Makes a model.onnx of narrower weights out of another; what a row is answered never depends on its company."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from homeostat.kernel.errors import Refused
from homeostat.registry.models import Precision

Feed = Mapping[str, NDArray[Any]]
_MULTIPLYING = ("MatMul", "Gemm")
_FEWEST_WEIGHTS = 1_024
_OURS = "homeostat_"
_LARGEST16 = float(np.finfo(np.float16).max)


def weights_of(model: bytes, version: str) -> list[str]:
    """Names of the matrices of weights that the model multiplies by.

    Raises: Refused where there is nothing to gain: a model of trees, or one of some hundred weights.
    """
    graph = onnx.load_from_string(model).graph
    sizes = {one.name: int(np.prod(one.dims)) for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT}
    used = {name for node in _multiplying(graph) for name in node.input if name in sizes}
    found = sorted(name for name in used if sizes[name] > 1)
    if sum(sizes[name] for name in found) < _FEWEST_WEIGHTS:
        raise _nothing_to_gain(graph, version, sum(sizes[name] for name in found))
    return found


def quantise(model: bytes, version: str, precision: Precision, rows: Iterator[Feed]) -> bytes:
    """The model with weights of ``precision``; the same arguments always give the same bytes.

    int8: 8-bit weights by column, and sums of 8-bit products; the scales of what they are multiplied by are fixed here,
    from what ``rows`` come to, and not drawn from whichever rows share a call. float16: the file is half, the
    arithmetic and its cost stay. Raises: Refused where there is nothing to gain.
    """
    weights = weights_of(model, version)
    made = _int8(model, rows) if precision == "int8" else _float16(model, weights)
    onnx.checker.check_model(made)
    written: bytes = made.SerializeToString(deterministic=True)
    return written


def _multiplying(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type in _MULTIPLYING and not _is_ours(node)]


def _is_ours(node: onnx.NodeProto) -> bool:
    """Whether conversion added the node: it puts answers in order, and has nothing to gain."""
    return bool(node.name.startswith(_OURS))


class _Rows(CalibrationDataReader):  # type: ignore[misc]
    """Rows in batches, as the library asks for them."""

    def __init__(self, rows: Iterator[Feed]) -> None:
        self._rows = rows

    def get_next(self) -> Feed | None:
        """The next batch; None after the last."""
        return next(self._rows, None)


def _int8(model: bytes, rows: Iterator[Feed]) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_static(
            onnx.load_from_string(model),
            path,
            _Rows(rows),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,  # sums of 8-bit products overflow on processors without VNNI
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(_MULTIPLYING),
            nodes_to_exclude=[node.name for node in onnx.load_from_string(model).graph.node if _is_ours(node)],
        )
        return onnx.load(path)


def _float16(model: bytes, weights: list[str]) -> onnx.ModelProto:
    made = onnx.load_from_string(model)
    for one in [one for one in made.graph.initializer if one.name in weights]:
        narrow = np.clip(onnx.numpy_helper.to_array(one), -_LARGEST16, _LARGEST16).astype(np.float16)
        name = f"{one.name}_float16"
        cast = onnx.helper.make_node("Cast", [name], [one.name], name=f"{name}_cast", to=onnx.TensorProto.FLOAT)
        made.graph.initializer.remove(one)
        made.graph.initializer.append(onnx.numpy_helper.from_array(narrow, name))
        made.graph.node.insert(0, cast)
    return made


def _nothing_to_gain(graph: onnx.GraphProto, version: str, weights: int) -> Refused:
    kinds = Counter(node.op_type for node in graph.node)
    trees = sorted(kind for kind in kinds if kind.startswith("TreeEnsemble"))
    why = (
        f"its work is done by {trees[0]}, which compares numbers and multiplies by none"
        if trees
        else f"it multiplies by {weights} weights, and int8 pays from some thousands on"
    )
    return Refused(
        f"{version} cannot be quantised with any gain: {why}.",
        mend="Quantise a neural network, such as an MLPClassifier; make trees lighter by fewer and shallower ones.",
        version=version,
    )
