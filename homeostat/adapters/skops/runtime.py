"""Runs a version's model.skops in scikit-learn, on one thread, after every type in it was found on the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from skops.io import loads
from threadpoolctl import ThreadpoolController

from homeostat.adapters.skops.trusted import TRUSTED, must_be_trusted
from homeostat.data.contracts import Value
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.binding import Binding, binding_of
from homeostat.registry.models import Kind
from homeostat.registry.sealed import Sealed
from homeostat.serving.native import unfit
from homeostat.serving.runtimes import Probabilities
from homeostat.stats.tasks import Multiclass
from homeostat.training.fitted import answering
from homeostat.training.rows import model_frame

MODEL = "model.skops"
_UNBOUND = Binding("")


class SkopsRuntime:
    """One loaded version. Slow beside the others: a row takes milliseconds, and pandas is loaded with it."""

    def __init__(
        self, version: str, inputs: tuple[tuple[str, Kind], ...], model: bytes, binding: Binding = _UNBOUND
    ) -> None:
        self.version, self.inputs, self.binding = version, inputs, binding
        self._kinds = dict(inputs)
        self._estimator = _loaded(version, model)
        self._answers = answering(self._estimator, binding.task)
        self._none = np.empty((0, len(binding.task.classes)) if isinstance(binding.task, Multiclass) else 0)
        self._threads = ThreadpoolController()

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row."""
        arrays = {name: _array(columns[name], kind) for name, kind in self.inputs}
        if not any(map(len, arrays.values())):
            return self._none  # scikit-learn refuses to be asked nothing
        with self._threads.limit(limits=1):
            return self._answers(model_frame(arrays, self._kinds))


def _loaded(version: str, model: bytes) -> Any:
    try:
        must_be_trusted(f"The model of version {version}", model)
        estimator = loads(model, trusted=list(TRUSTED))
        jobs = [name for name in estimator.get_params() if name.rpartition("__")[2] == "n_jobs"]
        return estimator.set_params(**dict.fromkeys(jobs, 1))
    except HomeostatError:
        raise
    except Exception as error:  # a file that is none, or of other releases
        raise unfit(version, f"cannot be loaded: {type(error).__name__}: {str(error)[:300]}") from error


def _array(values: Sequence[Value], kind: Kind) -> np.ndarray[Any, Any]:
    if kind == "text":
        return np.array(values, dtype=object)
    with np.errstate(over="ignore"):  # beyond float32 is infinite here as it is in training
        return np.array(values, dtype=np.float32)  # None becomes NaN


def load_runtime(sealed: Sealed) -> SkopsRuntime:
    """Load a proven version; the very bytes that were proven are the ones that run.

    Raises: IntegrityError when they are no model, or were swapped since; Refused for a type that is not trusted.
    """
    version = sealed.version
    return SkopsRuntime(version.version, version.inputs, sealed.read(MODEL), binding_of(version))
