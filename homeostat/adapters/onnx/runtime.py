"""Runs a version's model.onnx on one thread, after proving that it is the file that was registered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from homeostat.data.contracts import Value
from homeostat.kernel.errors import IntegrityError, Unavailable
from homeostat.registry.binding import Binding
from homeostat.registry.manifest import MODEL, read_manifest
from homeostat.registry.models import Kind
from homeostat.serving.runtimes import Probabilities

_UNBOUND = Binding("")
_TENSORS = {"number": "tensor(float)", "text": "tensor(string)"}


class OnnxRuntime:
    """One loaded version: a tensor of shape [n, 1] per feature in, the positive class's probability out.

    Numbers are float32 with NaN for missing, texts have "" for missing. The output is the model's only float
    tensor, [n], [n, 1] or [n, 2] with the positive class last. ``binding`` is what it was trained with; left out
    for a model that is no version yet, which serving refuses.
    """

    def __init__(
        self, version: str, inputs: tuple[tuple[str, Kind], ...], model: bytes, binding: Binding = _UNBOUND
    ) -> None:
        self._version, self._inputs, self._binding = version, inputs, binding
        self._session = _session(version, model)
        self._output = self._find_output()
        self._check_inputs()

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
        """Probability of the positive class for each row, as float64."""
        feed = {name: _tensor(columns[name], kind) for name, kind in self._inputs}
        answer: NDArray[Any] = self._session.run([self._output], feed)[0]
        column = answer if answer.ndim == 1 else answer[:, -1]
        return column.astype(np.float64)

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


def load_runtime(folder: Path, version: str) -> OnnxRuntime:
    """Load the version in ``folder``; the very bytes that were checked are the ones that run.

    Raises: IntegrityError when model.onnx is not what the manifest says; Unavailable when it is not there.
    """
    manifest = read_manifest(folder)
    try:
        model = (folder / MODEL).read_bytes()
    except OSError as error:
        raise Unavailable(
            f"The model of version {version} cannot be read: {error.strerror}.",
            mend="Restore the version's folder from the registry.",
            version=version,
            folder=str(folder),
        ) from error
    if manifest.version != version or hashlib.sha256(model).hexdigest() != manifest.files.get(MODEL):
        raise IntegrityError(
            f"The files of version {version} are not the ones that were registered.",
            mend="Restore the version's folder from the registry.",
            version=version,
            folder=str(folder),
        )
    return OnnxRuntime(version, manifest.inputs, model, manifest.binding)


def _session(version: str, model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # small batches: memory back at once costs nothing measurable
    options.log_severity_level = 4  # an error is raised; said twice it only fills the log
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise IntegrityError(
            f"The model of version {version} cannot be loaded: {str(error)[:300]}",
            mend="Convert it again with the present onnxruntime.",
            version=version,
        ) from error


def _tensor(values: Sequence[Value], kind: Kind) -> NDArray[Any]:
    if kind == "text":
        return np.array(["" if value is None else value for value in values], dtype=object).reshape(-1, 1)
    with np.errstate(over="ignore"):  # beyond float32 is infinite here as it is in training
        return np.array(values, dtype=np.float32).reshape(-1, 1)  # None becomes NaN
