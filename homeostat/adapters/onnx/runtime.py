"""Runs a version's model.onnx on one thread, after proving that it is the file that was registered."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from homeostat.data.contracts import Value
from homeostat.kernel.errors import IntegrityError
from homeostat.registry.binding import Binding, binding_of
from homeostat.registry.manifest import MODEL
from homeostat.registry.models import Kind
from homeostat.registry.sealed import Sealed
from homeostat.serving.runtimes import Probabilities

_UNBOUND = Binding("")
_FEW = 64
"""Rows up to which tensors are kept for each number of them."""
CHANCES = "class_chances"
"""The output that holds a chance for each class, [n, classes], and is answered whole."""
_ELSEWHERE = "session.model_external_initializers_file_folder_path"
_TENSORS = {"number": "tensor(float)", "text": "tensor(string)"}


class OnnxRuntime:
    """One loaded version: a tensor of shape [n, 1] per feature in, one answer out.

    Numbers are float32 with NaN for missing, texts have "" for missing. The output is the model's only float
    tensor, [n], [n, 1] or [n, 2] with the positive class last; `CHANCES` is answered whole. ``binding`` is what it was
    trained with; left out for a model that is no version yet, which serving refuses. One thread at a time: few rows
    share their tensors.
    """

    def __init__(
        self, version: str, inputs: tuple[tuple[str, Kind], ...], model: bytes, binding: Binding = _UNBOUND
    ) -> None:
        self._version, self._inputs, self._binding = version, inputs, binding
        self._session = _session(version, model)
        self._output = self._find_output()
        self._read = _whole if self._output == CHANCES else _last
        self._check_inputs()
        self._few: dict[int, _Few] = {1: _Few(self._session, inputs, self._output, 1)}

    @property
    def version(self) -> str:
        """Its name, such as "v3"."""
        return self._version

    @property
    def inputs(self) -> tuple[tuple[str, Kind], ...]:
        """The features it needs, in order."""
        return self._inputs

    @property
    def binding(self) -> Binding:
        """The definitions it was trained with."""
        return self._binding

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row, as float64."""
        given = [columns[name] for name, _ in self._inputs]
        rows = len(given[0])
        if 0 < rows <= _FEW:
            few = self._few.get(rows)
            if few is None:
                few = self._few[rows] = _Few(self._session, self._inputs, self._output, rows)
            return few.predict(given)
        feed = {name: tensor(values, kind) for values, (name, kind) in zip(given, self._inputs, strict=True)}
        return self._read(self._session.run([self._output], feed)[0]).astype(np.float64)

    def _find_output(self) -> str:
        floats: list[str] = [o.name for o in self._session.get_outputs() if o.type == "tensor(float)"]
        if len(floats) != 1:
            raise self._unfit(f"has {len(floats)} float tensors as outputs instead of one")
        return floats[0]

    def _check_inputs(self) -> None:
        wanted = {name: _TENSORS[kind] for name, kind in self._inputs}
        found = {entry.name: entry.type for entry in self._session.get_inputs()}
        if wanted != found:
            differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
            raise self._unfit(f"and its manifest disagree on the inputs {', '.join(differing)}")

    def _unfit(self, why: str) -> IntegrityError:
        return IntegrityError(
            f"The model of version {self._version} {why}.",
            mend="Convert it again; outputs: one float tensor, without a ZipMap.",
            version=self._version,
        )


class _Few:
    """Predicts so many rows through tensors that are made once: making 20 anew takes longer than a small model.

    Tensors of numbers and the answer's are bound to the session for good; with texts, which cannot be bound, all are
    fed.
    """

    def __init__(self, session: Any, inputs: tuple[tuple[str, Kind], ...], output: str, rows: int) -> None:
        self._session, self._output, self._rows = session, output, rows
        self._read = _whole if output == CHANCES else _last
        self._numbers = [place for place, (_, kind) in enumerate(inputs) if kind == "number"]
        self._texts = [(place, name) for place, (name, kind) in enumerate(inputs) if kind == "text"]
        tensors = np.empty((len(self._numbers), rows, 1), dtype=np.float32)
        self._values = tensors.reshape(-1)
        self._memory = memoryview(tensors).cast("B") if self._numbers else memoryview(b"")  # type: ignore[arg-type]
        self._pack = struct.Struct(f"{self._values.size}f").pack_into
        self._feed = {inputs[place][0]: tensor for place, tensor in zip(self._numbers, tensors, strict=True)}
        self._answer = np.empty(0, dtype=np.float32)
        self._binding = None if self._texts else self._bound()

    def predict(self, columns: Sequence[Sequence[Value]]) -> Probabilities:
        """``columns`` hold the inputs in order."""
        if self._binding is None:
            return self._fed(columns)
        values = [only for (only,) in columns] if self._rows == 1 else list(chain.from_iterable(columns))
        try:
            self._pack(self._memory, 0, *values)
        except (struct.error, OverflowError):
            self._put(values)
        self._session.run_with_iobinding(self._binding)
        return self._answer.astype(np.float64)

    def _put(self, values: Sequence[Value]) -> None:
        with np.errstate(over="ignore"):  # beyond float32 is infinite here as it is in training
            self._values[:] = values  # None becomes NaN

    def _fed(self, columns: Sequence[Sequence[Value]]) -> Probabilities:
        self._put([value for place in self._numbers for value in columns[place]])
        texts = {name: tensor(columns[place], "text") for place, name in self._texts}
        return self._read(self._session.run([self._output], self._feed | texts)[0]).astype(np.float64)

    def _bound(self) -> Any:
        self._values[:] = np.nan
        try:
            whole = np.array(self._session.run([self._output], self._feed)[0])
        except Exception:  # its exceptions share no base class; whoever warms it up is told
            return None
        self._answer = self._read(whole)
        binding = self._session.io_binding()
        for name, tensor in self._feed.items():
            binding.bind_cpu_input(name, tensor)
        binding.bind_output(self._output, "cpu", 0, whole.dtype, whole.shape, whole.ctypes.data)
        return binding


def _last(answer: NDArray[Any]) -> NDArray[Any]:
    """The numbers, or the positive class's probabilities, of an output of shape [n], [n, 1] or [n, 2]."""
    return answer if answer.ndim == 1 else answer[:, -1]


def _whole(answer: NDArray[Any]) -> NDArray[Any]:
    return answer


def load_runtime(sealed: Sealed) -> OnnxRuntime:
    """Load a proven version; the very bytes that were proven are the ones that run.

    Raises: IntegrityError when they are no model, or were swapped since.
    """
    version = sealed.version
    return OnnxRuntime(version.version, version.inputs, sealed.read(MODEL), binding_of(version))


def _session(version: str, model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # small batches: memory back at once costs nothing measurable
    options.log_severity_level = 4  # an error is raised; said twice it only fills the log
    options.add_session_config_entry(_ELSEWHERE, os.devnull)  # weights in other files would be read unproven
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise IntegrityError(
            f"The model of version {version} cannot be loaded: {str(error)[:300]}",
            mend="Convert it again with the present onnxruntime.",
            version=version,
        ) from error


def tensor(values: Sequence[Value], kind: Kind) -> NDArray[Any]:
    """A feature's values as a model takes them: of shape [n, 1]; missing is NaN, or the text ""."""
    if kind == "text":
        return np.array(["" if value is None else value for value in values], dtype=object).reshape(-1, 1)
    with np.errstate(over="ignore"):  # beyond float32 is infinite here as it is in training
        return np.array(values, dtype=np.float32).reshape(-1, 1)  # None becomes NaN
