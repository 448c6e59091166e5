"""Features as the one float32 matrix that a native model takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.contracts import Value
from homeostat.registry.layout import Column, Layout

Matrix = NDArray[np.float32]
_Take = Callable[[Value], Any]


class MatrixMaker:
    """Lays features out as a version's model was trained on them; the matrix of single rows is made once.

    Missing numbers are NaN, a missing text is the text "". One thread at a time.
    """

    def __init__(self, layout: Layout) -> None:
        self._columns = [(one.feature, None if one.codes is None else _coder(one)) for one in layout.columns]
        self.one: Matrix = np.empty((1, len(self._columns)), dtype=np.float32)
        self._row = self.one[0]

    def fill_one(self, columns: Mapping[str, Sequence[Value]]) -> None:
        """Write the first row of ``columns`` into ``one``."""
        with np.errstate(over="ignore"):  # beyond float32 is infinite here as it is in training
            self._row[:] = [
                columns[name][0] if code is None else code(columns[name][0]) for name, code in self._columns
            ]

    def many(self, columns: Mapping[str, Sequence[Value]], rows: int) -> Matrix:
        """A new matrix of all rows."""
        made = np.empty((rows, len(self._columns)), dtype=np.float32)
        with np.errstate(over="ignore"):
            for place, (name, code) in enumerate(self._columns):
                values = columns[name]
                made[:, place] = np.array(values if code is None else [code(value) for value in values], np.float32)
        return made


def _coder(column: Column) -> _Take:
    codes = dict(column.codes or {})
    unknown = np.nan if column.unknown is None else column.unknown

    def code(value: Value) -> float:
        return codes.get("" if value is None else str(value), unknown)

    return code
