"""How MLflow's client loads a version that is registered here: proven, and in the runtime that serves it.

MLflow imports this module by the name in a version's ``MLmodel``; it needs Homeostat installed, and no home. Keys are
those of whoever loads (``homeostat keys trust``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from homeostat.adapters.mlflow.entries import LEFT_BY_CLIENTS
from homeostat.adapters.mlflow.flavour import answer_columns
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_sealed
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.manifest import read_manifest
from homeostat.registry.models import Kind
from homeostat.registry.sealed import open_sealed
from homeostat.serving.runtimes import Runtime, answers

_NUMBERS = frozenset({"floating", "integer", "mixed-integer-float", "decimal", "boolean", "empty"})
"""What a column of numbers may hold, in the words of pandas."""


class ServedVersion:
    """A version as MLflow asks it: a frame of all features in, one of answers out, by its signature's names."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def predict(self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """What serving answers to each row: a probability, a number, or a column for each class.

        Missing is NaN or None; ``params`` are not used. Raises: InvalidInput for a column of numbers that holds others.
        """
        columns = {name: _values(frame[name], kind) for name, kind in self._runtime.inputs}
        names = answer_columns(self._runtime.binding.task)
        answer = np.array(answers(self._runtime, self._runtime.predict(columns), len(frame)), dtype=np.float64)
        return pd.DataFrame(answer.reshape(len(frame), len(names)), columns=names, index=frame.index)


def _load_pyfunc(path: str) -> ServedVersion:
    """MLflow's name for it. Raises: Untrusted where no trusted key signed what lies there."""
    folder = Path(path)
    told = read_manifest(folder)
    sealed = open_sealed(folder, told.loop, told.version, keyring(), beside=frozenset({LEFT_BY_CLIENTS}))
    return ServedVersion(load_sealed(sealed))


def _values(column: pd.Series[Any], kind: Kind) -> Sequence[Any]:
    """As serving has them: numbers as float32, a missing text as None."""
    if kind == "text":
        return [None if one is None or one != one else str(one) for one in column.tolist()]
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held not in _NUMBERS:
        raise InvalidInput(
            f"Column {column.name!r} holds {held} values, not numbers.",
            mend="Give numbers, and NaN or None where one is missing.",
            column=str(column.name),
        )
    with np.errstate(over="ignore"):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32).tolist()
