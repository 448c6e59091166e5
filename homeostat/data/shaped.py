"""Rows of the prediction log whose label an action has shaped, and those left alone by chance that stand for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.feedback import ACTS, EXPLORED, PROPENSITY
from homeostat.data.reports import REPORT, TOLD, UNREPORTED, WRONG
from homeostat.data.weights import place_of

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_CHANCE = 1e-3
"""A smaller chance is read as this one: one row that stands for more than a thousand others decides alone.

Source: Ionides (2008), Truncated importance sampling, Journal of Computational and Graphical Statistics 17(2), 295-311.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Shaped:
    """Rows of a log: which the caller acted on, which were left alone by chance, and with what chance. Rows that are
    older than the declaration were not acted on by it. ``places`` are numbers in [0, 1) that know nothing of rows.
    ``wrong`` is what is wrong with what callers reported of a row, as a place in `data.reports.WRONG`; None where
    nobody reports."""

    acted: NDArray[np.bool_]
    explored: NDArray[np.bool_]
    propensity: NDArray[np.float64]
    places: NDArray[np.float64] | None = None
    wrong: NDArray[np.int8] | None = None

    @classmethod
    def of(cls, log: pa.Table) -> Shaped:
        """Read the columns of a prediction log."""
        found = cls(
            _column(log, ACTS, False).astype(np.bool_),
            _column(log, EXPLORED, False).astype(np.bool_),
            _column(log, PROPENSITY, 1.0).astype(np.float64),
            wrong=_wrong(log),
        )
        broken = np.flatnonzero(_broken(found._each))
        if not broken.size:
            return found
        places = np.zeros(log.num_rows)
        places[broken] = [place_of(name, b"whole") for name in log["prediction_id"].take(broken).to_pylist()]
        return replace(found, places=places)

    @property
    def stands_for(self) -> NDArray[np.int64]:
        """Of how many rows each is one whose label is not shaped: 0 where it was acted on, or nobody told whether.

        Rows are counted whole: where a chance is no one in a number, the part is rounded by the row's own place, up as
        often as it is large, so that sums are right on average and a row always counts alike.

        >>> three = np.array([True, False, False])
        >>> Shaped(three, ~three & [False, True, False], np.array([0.02, 0.02, 1.0])).stands_for.tolist()
        [0, 50, 1]
        """
        each = self._each
        whole = np.rint(each)
        if self.places is not None:
            whole = np.where(_broken(each), np.floor(each) + (self.places < each % 1.0), whole)
        return np.where(self.acted | self.untold, 0, whole).astype(np.int64)

    @property
    def _each(self) -> NDArray[np.float64]:
        chance = np.where(self.explored, np.maximum(self.propensity, LEAST_CHANCE), 1.0)
        return np.asarray(1.0 / chance)

    @property
    def untold(self) -> NDArray[np.bool_]:
        """Rows of which callers should have reported whether they acted, and have not, or not so that it can be."""
        return np.zeros(self.acted.size, dtype=np.bool_) if self.wrong is None else self.wrong != TOLD

    @property
    def untold_by(self) -> dict[str, int]:
        """How many these are by what is wrong, what is not left out."""
        if self.wrong is None:
            return {}
        counts = np.bincount(self.wrong, minlength=len(WRONG)).tolist()
        return {name: count for name, count in zip(WRONG[1:], counts[1:], strict=True) if count}

    @property
    def scant(self) -> NDArray[np.bool_]:
        """Rows that were to be left alone with too small a chance to be stood for."""
        return np.asarray(self.region & (self.propensity < LEAST_CHANCE))

    @property
    def region(self) -> NDArray[np.bool_]:
        """Rows that would be acted on were it not for chance."""
        return np.asarray(self.acted | self.explored)


def to_be_reported(log: pa.Table) -> NDArray[np.bool_]:
    """Rows that were served where callers report what they did, which the log itself does not know."""
    if not {ACTS, PROPENSITY} <= set(log.column_names):
        return np.zeros(log.num_rows, dtype=np.bool_)
    open_ = log[ACTS].is_null().to_numpy() & (log[PROPENSITY].fill_null(1.0).to_numpy() == 0.0)
    return np.asarray(open_, dtype=np.bool_)


def _wrong(log: pa.Table) -> NDArray[np.int8] | None:
    """What is wrong with each row's report. Where none was joined though there should be, as when the declaration has
    changed since, it is not there."""
    if REPORT in log.column_names:
        return np.asarray(log[REPORT].to_numpy(), dtype=np.int8)
    due = to_be_reported(log)
    return np.where(due, UNREPORTED, TOLD).astype(np.int8) if due.any() else None


def _broken(each: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(each - np.rint(each)) > 1e-6 * each)


def _column(log: pa.Table, name: str, usual: bool | float) -> Any:
    if name not in log.column_names:
        return np.full(log.num_rows, usual)
    return log[name].fill_null(usual).to_numpy(zero_copy_only=False)
