"""Runs a version's model.ubj on one thread through XGBoost's C interface."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.contracts import Value
from homeostat.registry.binding import Binding, binding_of
from homeostat.registry.manifest import LAYOUT
from homeostat.registry.models import Kind
from homeostat.registry.sealed import Sealed
from homeostat.serving.matrices import Matrix, MatrixMaker
from homeostat.serving.native import Contributions, by_feature, library, read_layout, unfit
from homeostat.serving.runtimes import Probabilities

MODEL = "model.ubj"
_UNBOUND = Binding("")
_ASKED = {"training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": True}
_PROBABILITIES = json.dumps({"type": 0, "missing": np.nan, **_ASKED}).encode()
_CONTRIBUTIONS = json.dumps({"type": 2, **_ASKED}).encode()
_HELD = json.dumps({"missing": np.nan, "nthread": 1}).encode()


class XgboostRuntime:
    """One loaded version. The description of a single row is made once. One thread at a time."""

    def __init__(
        self,
        version: str,
        inputs: tuple[tuple[str, Kind], ...],
        model: bytes,
        layout: bytes,
        binding: Binding = _UNBOUND,
    ) -> None:
        self.version, self.inputs, self.binding = version, inputs, binding
        self._layout = read_layout(version, layout)
        self._maker = MatrixMaker(self._layout)
        self._one = _described(self._maker.one)
        self._booster = _Booster(version, model, self._maker.one.shape[1])

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row."""
        rows = len(columns[self.inputs[0][0]])
        if rows == 1:
            self._maker.fill_one(columns)
            return self._booster.predict(self._one, 1)
        matrix = self._maker.many(columns, rows)
        return self._booster.predict(_described(matrix), rows) if rows else np.empty(0)

    def contributions(self, columns: Mapping[str, Sequence[Value]]) -> Contributions:
        """What each feature of the one row adds to its log-odds: exact Shapley values over the trees' own paths."""
        matrix = self._maker.many(columns, 1)
        return by_feature(self._layout, self._booster.contributions(_described(matrix), matrix.shape[1]))


class _Booster:
    """XGBoost's handle."""

    def __init__(self, version: str, model: bytes, columns: int) -> None:
        self._version = version
        self._library = library("xgboost", "libxgboost")
        self._library.XGBGetLastError.restype = ctypes.c_char_p
        self._handle = ctypes.c_void_p()
        self._call("XGBSetGlobalConfig", b'{"nthread": 1}')
        self._call("XGBoosterCreate", None, ctypes.c_uint64(0), ctypes.byref(self._handle))
        self._call("XGBoosterLoadModelFromBuffer", self._handle, model, ctypes.c_uint64(len(model)))
        self._call("XGBoosterSetParam", self._handle, b"nthread", b"1")
        self._must_fit(columns)
        self._shape, self._dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        self._result = ctypes.POINTER(ctypes.c_float)()
        self._answers = (ctypes.byref(self._shape), ctypes.byref(self._dimensions), ctypes.byref(self._result))

    def predict(self, matrix: bytes, rows: int) -> Probabilities:
        """Of every row of the described matrix."""
        if self._library.XGBoosterPredictFromDense(self._handle, matrix, _PROBABILITIES, None, *self._answers):
            raise self._failed()
        return np.ctypeslib.as_array(self._result, shape=(rows,)).astype(np.float64)

    def contributions(self, matrix: bytes, columns: int) -> NDArray[np.float64]:
        """Of every column of the one described row, and of the base in one column more."""
        held = ctypes.c_void_p()
        self._call("XGDMatrixCreateFromDense", matrix, _HELD, ctypes.byref(held))
        try:
            self._call("XGBoosterPredictFromDMatrix", self._handle, held, _CONTRIBUTIONS, *self._answers)
            return np.ctypeslib.as_array(self._result, shape=(1, columns + 1)).astype(np.float64)
        finally:
            self._library.XGDMatrixFree(held)

    def _must_fit(self, columns: int) -> None:
        wanted = ctypes.c_uint64()
        self._call("XGBoosterGetNumFeature", self._handle, ctypes.byref(wanted))
        if wanted.value != columns:
            raise unfit(self._version, f"takes {wanted.value} columns, where its layout gives {columns}")

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments):
            raise self._failed()

    def _failed(self) -> Exception:
        said = self._library.XGBGetLastError().decode(errors="replace").partition("\n")[0]
        return unfit(self._version, f"does not run in XGBoost: {said[:300]}")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.XGBoosterFree(self._handle)


def _described(matrix: Matrix) -> bytes:
    """NumPy's array interface as JSON, by which XGBoost finds the numbers where they lie."""
    told = {"data": [matrix.ctypes.data, True], "shape": list(matrix.shape), "typestr": "<f4", "version": 3}
    return json.dumps(told).encode()


def load_runtime(sealed: Sealed) -> XgboostRuntime:
    """Load a proven version; the very bytes that were proven are the ones that run.

    Raises: IntegrityError when they are no model, or were swapped since; Unavailable where XGBoost is not installed.
    """
    version = sealed.version
    return XgboostRuntime(version.version, version.inputs, sealed.read(MODEL), sealed.read(LAYOUT), binding_of(version))
