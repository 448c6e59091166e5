"""Training-serving skew, looked for value by value: what was served against what offline recomputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.data.contracts import Value
from homeostat.features.definitions import FeatureSet
from homeostat.features.views import Feature
from homeostat.kernel.errors import InvalidInput

Array = npt.NDArray[Any]
TOLERANCE = 1e-9
"""Relative difference allowed to sums and what is made of them; everything else is equal or it is not."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One served value that offline does not confirm; None is missing."""

    row: int
    feature: str
    served: Value
    recomputed: Value


def compare(features: FeatureSet, served: Sequence[Sequence[Value]], recomputed: Mapping[str, Array]) -> list[Mismatch]:
    """Every value on which serving and training disagree, by row; empty when they agree.

    ``served`` holds rows ordered as ``features.names``, as ``lookup`` gives and prediction records keep them;
    ``recomputed`` is what ``point_in_time`` gives for the same questions. Counts, extremes, latest values and
    what is missing must be equal; sums, means and transforms within 1e-9 relative.
    Raises: InvalidInput when the two do not have the same rows and features.
    """
    found: list[Mismatch] = []
    width = len(features.names)
    if any(len(row) != width for row in served):
        raise InvalidInput(
            f"Served rows do not all have the {width} features of this set.",
            mend="Compare rows with the feature set of the version that served them.",
            features=list(features.names),
        )
    for position, feature in enumerate(features.features):
        values = [row[position] for row in served]
        again = _column(recomputed, feature, len(values))
        for row in np.flatnonzero(_differ(feature, values, again)).tolist():
            found.append(Mismatch(row, feature.name, values[row], _value(again[row])))
    return sorted(found, key=lambda one: one.row)


def _column(recomputed: Mapping[str, Array], feature: Feature, rows: int) -> Array:
    column = recomputed.get(feature.name)
    if column is None or len(column) != rows:
        raise InvalidInput(
            f"Recomputed feature {feature.name!r} does not have the {rows} rows that were served.",
            mend="Recompute the same questions with the same feature set.",
            feature=feature.name,
        )
    return column


def _differ(feature: Feature, served: Sequence[Value], again: Array) -> Array:
    if feature.kind == "text":
        return np.array([one != other for one, other in zip(served, again, strict=True)], dtype=bool)
    given = np.array([np.nan if value is None else value for value in served], dtype=np.float64)
    both_missing = np.isnan(given) & np.isnan(again)
    slack = 0.0 if feature.exact else TOLERANCE * np.maximum(np.abs(given), np.abs(again))
    agree: Array = both_missing | (np.abs(given - again) <= slack)
    return ~agree


def _value(value: Any) -> Value:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)
