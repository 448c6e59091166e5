"""Runs a version's model.txt on one thread through LightGBM's C interface."""

from __future__ import annotations

import ctypes
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

MODEL = "model.txt"
_UNBOUND = Binding("")
_FLOAT32, _PROBABILITY, _CONTRIBUTIONS, _ALL_TREES, _ROW_MAJOR = 0, 0, 3, -1, 1
_ONE_THREAD = b"num_threads=1"
_SILENT = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda line: None)
"""What it would print on stdout gets between what a process answers there; errors are raised."""


class LightGbmRuntime:
    """One loaded version. Single rows go through a prediction that is prepared once. One thread at a time."""

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
        self._booster = _Booster(version, model, self._maker.one)

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row."""
        rows = len(columns[self.inputs[0][0]])
        if rows == 1:
            self._maker.fill_one(columns)
            return self._booster.predict_one()
        return self._booster.predict(self._maker.many(columns, rows))

    def contributions(self, columns: Mapping[str, Sequence[Value]]) -> Contributions:
        """What each feature of the one row adds to its log-odds: exact Shapley values over the trees' own paths."""
        return by_feature(self._layout, self._booster.contributions(self._maker.many(columns, 1)))


class _Booster:
    """LightGBM's handles; ``one`` is the matrix from which single rows are predicted."""

    def __init__(self, version: str, model: bytes, one: Matrix) -> None:
        self._version, self._one = version, one
        self._library = library("lightgbm", "lib_lightgbm")
        self._library.LGBM_GetLastError.restype = ctypes.c_char_p
        self._call("LGBM_SetMaxThreads", 1)
        self._call("LGBM_RegisterLogCallback", _SILENT)
        self._handle, self._fast = ctypes.c_void_p(), ctypes.c_void_p()
        trees = ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", model, ctypes.byref(trees), ctypes.byref(self._handle))
        self._must_fit(one.shape[1])
        self._prepare_one()

    def predict_one(self) -> Probabilities:
        """Of the row that ``one`` holds now."""
        if self._predict_row(*self._row_arguments):
            raise self._failed()
        return self._answer.copy()

    def predict(self, matrix: Matrix) -> Probabilities:
        """Of every row."""
        answer = np.empty(len(matrix))
        if len(matrix):
            self._fill(answer, matrix, _PROBABILITY)
        return answer

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """Of every row and column, and of the base in one column more."""
        answer = np.empty((matrix.shape[0], matrix.shape[1] + 1))
        self._fill(answer, matrix, _CONTRIBUTIONS)
        return answer

    def _fill(self, answer: NDArray[np.float64], matrix: Matrix, kind: int) -> None:
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            _address(matrix),
            _FLOAT32,
            ctypes.c_int32(matrix.shape[0]),
            ctypes.c_int32(matrix.shape[1]),
            _ROW_MAJOR,
            kind,
            0,
            _ALL_TREES,
            _ONE_THREAD,
            ctypes.byref(ctypes.c_int64()),
            _address(answer),
        )

    def _prepare_one(self) -> None:
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle,
            _PROBABILITY,
            0,
            _ALL_TREES,
            _FLOAT32,
            ctypes.c_int32(self._one.shape[1]),
            _ONE_THREAD,
            ctypes.byref(self._fast),
        )
        self._answer, self._length = np.empty(1), ctypes.c_int64()
        self._predict_row = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._row_arguments = (self._fast, _address(self._one), ctypes.byref(self._length), _address(self._answer))

    def _must_fit(self, columns: int) -> None:
        wanted, classes = ctypes.c_int(), ctypes.c_int()
        self._call("LGBM_BoosterGetNumFeature", self._handle, ctypes.byref(wanted))
        self._call("LGBM_BoosterGetNumClasses", self._handle, ctypes.byref(classes))
        if (wanted.value, classes.value) != (columns, 1):
            raise unfit(self._version, f"takes {wanted.value} columns, where its layout gives {columns}")

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments):
            raise self._failed()

    def _failed(self) -> Exception:
        said = self._library.LGBM_GetLastError().decode(errors="replace")
        return unfit(self._version, f"does not run in LightGBM: {said[:300]}")

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._library.LGBM_FastConfigFree(self._fast)
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)


def _address(array: np.ndarray[Any, Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def load_runtime(sealed: Sealed) -> LightGbmRuntime:
    """Load a proven version; the very bytes that were proven are the ones that run.

    Raises: IntegrityError when they are no model, or were swapped since; Unavailable where LightGBM is not installed.
    """
    version = sealed.version
    return LightGbmRuntime(
        version.version, version.inputs, sealed.read(MODEL), sealed.read(LAYOUT), binding_of(version)
    )
