"""Rows of the prediction log whose label an action has shaped, and those left alone by chance that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.feedback import ACTS, EXPLORED, PROPENSITY

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False)
class Shaped:
    """Rows of a log: which the caller acted on, which were left alone by chance, and with what chance. Rows that are
    older than the declaration were not acted on by it."""

    acted: NDArray[np.bool_]
    explored: NDArray[np.bool_]
    propensity: NDArray[np.float64]

    @classmethod
    def of(cls, log: pa.Table) -> Shaped:
        """Read the columns of a prediction log."""
        return cls(
            _column(log, ACTS, False).astype(np.bool_),
            _column(log, EXPLORED, False).astype(np.bool_),
            _column(log, PROPENSITY, 1.0).astype(np.float64),
        )

    @property
    def stands_for(self) -> NDArray[np.int64]:
        """Of how many rows each is one whose label is not shaped: 0 where it was acted on.

        >>> three = np.array([True, False, False])
        >>> Shaped(three, ~three & [False, True, False], np.array([0.02, 0.02, 1.0])).stands_for.tolist()
        [0, 50, 1]
        """
        chance = np.where(self.explored, self.propensity, 1.0)
        return np.where(self.acted, 0, np.rint(1.0 / chance)).astype(np.int64)

    @property
    def region(self) -> NDArray[np.bool_]:
        """Rows that would be acted on were it not for chance."""
        return np.asarray(self.acted | self.explored)


def _column(log: pa.Table, name: str, usual: bool | float) -> Any:
    if name not in log.column_names:
        return np.full(log.num_rows, usual)
    return log[name].fill_null(usual).to_numpy(zero_copy_only=False)
