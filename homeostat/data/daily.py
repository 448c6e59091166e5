"""A reference day by day: how far a distribution moves by itself, which is what limits on its drift stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Integers

MOST_DAYS = 1_096
"""Three years: older days say little of how a distribution moves now."""


@dataclass(frozen=True, slots=True, eq=False)
class DailyCounts:
    """The rows of a reference by the day they were asked: per subject one row of counts for each calendar day.

    The columns are the bins of the subject's profile and, last, the rows without a value. Days without rows are rows
    of zeros, so that neighbours in the table are neighbours in time.
    """

    counts: Mapping[str, Integers]

    def __post_init__(self) -> None:
        for name, table in self.counts.items():
            if table.ndim != 2 or table.dtype != np.int64 or (table.size and table.min() < 0):
                raise _unreadable(f"{name!r} is no table of counts")

    @classmethod
    def of(cls, reference: ReferenceProfile, inputs: Rows, predictions: Rows) -> DailyCounts:
        """Count a reference's own rows again, by day: those of its features, and those of its predictions.

        >>> reference = ReferenceProfile.of({"hour": "number"}, {"hour": [1.0, 2.0, 3.0]}, [0.5])
        >>> rows = Rows({"hour": np.array([1.0, 2.0, 3.0])}, np.array([7, 7, 9]))
        >>> DailyCounts.of(reference, rows, Rows({}, np.array([]))).counts["hour"].sum(axis=1).tolist()
        [2, 0, 1]
        """
        found = {
            name: _by_day(profile, inputs.columns[name], inputs.days) for name, profile in reference.features.items()
        }
        if PREDICTION in predictions.columns:
            scores = predictions.columns[PREDICTION]
            found[PREDICTION] = _by_day(reference.prediction, scores, predictions.days)
        return cls(found)

    def of_subject(self, name: str, profile: Profile) -> Integers | None:
        """The days of one subject; None where there are none over the bins of ``profile``."""
        table = self.counts.get(name)
        return table if table is not None and table.shape[1] == len(profile.counts) + 1 else None

    def usual_rows(self) -> float:
        """The median of the rows of a day that has some; 0 without any."""
        days = max((table.sum(axis=1) for table in self.counts.values()), key=len, default=np.zeros(0))
        return float(np.median(days[days > 0])) if days.any() else 0.0

    def to_json(self) -> dict[str, object]:
        """The JSON form: a table of whole numbers for each subject."""
        return {name: table.tolist() for name, table in self.counts.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DailyCounts:
        """Read `to_json` back. Raises: InvalidInput for what are no counts."""
        try:
            return cls({str(name): np.array(table, dtype=np.int64) for name, table in value.items()})
        except (AttributeError, TypeError, ValueError) as error:
            raise _unreadable(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Columns of rows, and the day of each as a number of days, in any order."""

    columns: Mapping[str, NDArray[Any] | Sequence[object]]
    days: Integers


def _by_day(profile: Profile, values: NDArray[Any] | Sequence[object], days: Integers) -> Integers:
    if not days.size:
        return np.zeros((0, len(profile.counts) + 1), dtype=np.int64)
    order = np.argsort(days, kind="stable")
    column, ordered = np.asarray(values)[order], days[order]
    first = max(int(ordered[0]), int(ordered[-1]) - MOST_DAYS + 1)
    ends = np.searchsorted(ordered, np.arange(first, int(ordered[-1]) + 2))
    parts = [profile.count(column[start:end]) for start, end in pairwise(ends.tolist())]
    return np.array([(*part.counts, part.missing) for part in parts], dtype=np.int64)


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(f"These are no daily counts: {why}.", mend="Read a daily.json that Homeostat wrote.")
