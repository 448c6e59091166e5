"""Versions for serving tests: real ONNX models in version folders, and runtimes that answer as told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.versions.runtimes import load_runtime
from homeostat.data.contracts import Value
from homeostat.features.definitions import FeatureSet
from homeostat.registry.binding import Binding
from homeostat.registry.manifest import write_manifest
from homeostat.registry.models import Fingerprint, Kind, TrainingPin, Version
from homeostat.serving.runtimes import LoadRuntime, Runtime, StartCandidate
from tests.harness.signed import sign
from tests.unit.serving.late import FEATURES, INPUTS, NOW


def model(bias: float, *, shape: str = "n2", inputs: Sequence[tuple[str, Kind]] = INPUTS) -> bytes:
    """sigmoid(hour / 10 + code of carrier + origin_delay_3h / 100 + bias), a missing number counting as 0."""
    types = {"number": TensorProto.FLOAT, "text": TensorProto.STRING}
    nodes: list[Any] = []
    terms = []
    for name, kind in inputs:
        if kind == "text":
            nodes.append(
                helper.make_node(
                    "LabelEncoder",
                    [name],
                    [f"{name}_z"],
                    domain="ai.onnx.ml",
                    keys_strings=["AA", "DL", "UA"],
                    values_floats=[0.1, 0.2, 0.3],
                    default_float=0.0,
                )
            )
        else:
            nodes += [
                helper.make_node("IsNaN", [name], [f"{name}_nan"]),
                helper.make_node("Where", [f"{name}_nan", "zero", name], [f"{name}_filled"]),
                helper.make_node("Div", [f"{name}_filled", f"{name}_scale"], [f"{name}_z"]),
            ]
        terms.append(f"{name}_z")
    nodes.append(helper.make_node("Sum", [*terms, "bias"], ["z"]))
    nodes.append(helper.make_node("Sigmoid", ["z"], ["p"]))
    nodes.append(helper.make_node("Sub", ["one", "p"], ["q"]))
    nodes.append(helper.make_node("Concat", ["q", "p"], ["both"], axis=1))
    nodes.append(helper.make_node("Squeeze", ["p", "axis"], ["flat"]))
    scales = {name: 10.0 if name == "hour" else 100.0 for name, kind in inputs if kind == "number"}
    constants = {"zero": 0.0, "one": 1.0, "bias": bias, **{f"{name}_scale": s for name, s in scales.items()}}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, types[kind], [None, 1]) for name, kind in inputs],
        [
            {
                "n2": helper.make_tensor_value_info("both", TensorProto.FLOAT, [None, 2]),
                "n1": helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1]),
                "n": helper.make_tensor_value_info("flat", TensorProto.FLOAT, [None]),
            }[shape]
        ],
        [
            *(helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in constants.items()),
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    onnx.checker.check_model(made)
    return made


def expected(bias: float, hour: float, carrier: str = "UA", delay: float = 0.0) -> float:
    """What ``model(bias)`` must answer."""
    code = {"AA": 0.1, "DL": 0.2, "UA": 0.3}.get(carrier, 0.0)
    return float(1 / (1 + np.exp(-(hour / 10 + code + delay / 100 + bias))))


def two_versions(home: Path, arrivals: Sequence[Mapping[str, Any]] = ()) -> Path:
    """A folder as a home with these arrivals, and versions v1 and v2 that nobody is routed to yet."""
    store = SqliteOnlineStore(home / "online.sqlite")
    store.prepare([FEATURES])
    if arrivals:
        store.apply("arrivals", list(arrivals), 0)
    store.close()
    save_version(home / "versions", "v1", model(-1.0))
    save_version(home / "versions", "v2", model(1.0))
    return home


def save_version(
    versions: Path,
    version: str,
    model_bytes: bytes,
    *,
    inputs: tuple[tuple[str, Kind], ...] = INPUTS,
    files: Mapping[str, str] | None = None,
    features: FeatureSet = FEATURES,
    loop: str = "late",
    beside: Mapping[str, bytes] | None = None,
) -> Path:
    """A version folder of a loop as training on ``features`` leaves it, with what lies ``beside`` the model."""
    folder = versions / loop / version
    folder.mkdir(parents=True)
    lying = {"model.onnx": model_bytes, **(beside or {})}
    for name, content in lying.items():
        (folder / name).write_bytes(content)
    found = {name: hashlib.sha256(one).hexdigest() for name, one in lying.items()} if files is None else files
    pin = TrainingPin(
        table_versions={},
        sequence=0,
        since=NOW,
        cutoff=NOW,
        as_of=NOW,
        rows=1,
        first=NOW,
        last=NOW,
        feature_hash=features.hash,
    )
    fingerprint = Fingerprint("0" * 64, "0" * 64, "0" * 64, "0" * 64)
    made = Version(loop, version, NOW, inputs, fingerprint, pin, {}, {}, found, features.definitions)
    write_manifest(made, folder)
    sign(folder)
    return folder


class Constant:
    """A runtime that answers what it is told to."""

    def __init__(self, version: str, answer: object, inputs: tuple[tuple[str, Kind], ...] = INPUTS) -> None:
        self.version, self.inputs, self.asked = version, inputs, 0
        self.binding = Binding.of(FEATURES)
        self._answer = answer

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Any:
        """The answer for each row; raises it when it is an exception; as it is when it is an array."""
        self.asked += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        if isinstance(self._answer, np.ndarray):
            return self._answer
        return np.full(len(next(iter(columns.values()))), self._answer)


class Beside:
    """A candidate that answers as a runtime does, without a process of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self.version, self.inputs, self.binding = runtime.version, runtime.inputs, runtime.binding
        self.closed = False
        self._runtime = runtime

    async def predict(self, columns: Mapping[str, Sequence[Value]]) -> Any:
        """The runtime's answer."""
        return self._runtime.predict(columns)

    def close(self) -> None:
        """Nothing ends but this."""
        self.closed = True

    end = close


def loading(versions: Path) -> LoadRuntime:
    """Loads what lies in a folder of versions."""
    return lambda loop, version: load_runtime(versions / loop / version, loop, version)


def beside(load: LoadRuntime) -> StartCandidate:
    """Starts candidates that need no process."""
    return lambda loop, version: Beside(load(loop, version))


def harmful(kind: str) -> bytes:
    """Answers 0.9, but from the hour 20 on computes for minutes ("slow") or asks for gigabytes ("large")."""
    nodes = [
        helper.make_node("IsNaN", ["hour"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "hour"], ["filled"]),
        helper.make_node("ReduceMax", ["filled"], ["latest"], keepdims=0),
        helper.make_node("Sub", ["latest", "nineteen"], ["beyond"]),
        helper.make_node("Max", ["beyond", "nothing"], ["excess"]),
        helper.make_node("Mul", ["excess", "billions"], ["much"]),
        helper.make_node("Cast", ["much"], ["count"], to=TensorProto.INT64),
        *(_slow() if kind == "slow" else _large()),
        helper.make_node("Mul", ["spent", "nothing"], ["none"]),
        helper.make_node("Mul", ["filled", "nothing"], ["flat"]),
        helper.make_node("Add", ["flat", "answer"], ["sure"]),
        helper.make_node("Add", ["sure", "none"], ["p"]),
    ]
    types = {"number": TensorProto.FLOAT, "text": TensorProto.STRING}
    constants = {"nothing": 0.0, "nineteen": 19.0, "billions": 2e9, "answer": 0.9}
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(name, types[kind], [None, 1]) for name, kind in INPUTS],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [
            *(helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()),
            helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
            helper.make_tensor("one_axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("go_on", TensorProto.BOOL, [], [True]),
        ],
    )
    made: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    onnx.checker.check_model(made)
    return made


def _slow() -> list[Any]:
    scalar, flag = (lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [])), TensorProto.BOOL
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["still"]), helper.make_node("Sin", ["so_far"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", flag, []),
            scalar("so_far"),
        ],
        [helper.make_tensor_value_info("still", flag, []), scalar("next")],
    )
    return [helper.make_node("Loop", ["count", "go_on", "nothing"], ["spent"], body=body)]


def _large() -> list[Any]:
    return [
        helper.make_node("Reshape", ["count", "one_axis"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["spent"], keepdims=0),
    ]
