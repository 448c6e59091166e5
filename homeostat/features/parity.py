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
from homeostat.kernel.words import plural

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
    width = len(features.names)
    if any(len(row) != width for row in served):
        raise InvalidInput(
            f"Served rows do not all have the {width} features of this set.",
            mend="Compare rows with the feature set of the version that served them.",
            features=list(features.names),
        )
    found: list[Mismatch] = []
    given = {feature.name: _array(feature, [row[i] for row in served]) for i, feature in enumerate(features.features)}
    for name, wrong in differing(features, given, recomputed).items():
        for row in np.flatnonzero(wrong).tolist():
            found.append(Mismatch(row, name, plain_value(given[name][row]), plain_value(recomputed[name][row])))
    return sorted(found, key=lambda one: one.row)


def differing(
    features: FeatureSet, served: Mapping[str, Array], recomputed: Mapping[str, Array]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Per feature the rows on which both sides disagree, by the same rule as ``compare``.

    Both sides hold float64 with NaN for missing, or objects with None, as ``point_in_time`` gives.
    Raises: InvalidInput when the two do not have the same rows and features.

    >>> from homeostat.data.contracts import instant, number, text
    >>> from homeostat.data.tables import Table
    >>> from homeostat.features.definitions import feature_set
    >>> contract = {"id": text(), "at": instant(), "size": number()}
    >>> asked = Table("asked", key="id", event_time="at", contract=contract)
    >>> sides = {"size": np.array([1.0, np.nan])}, {"size": np.array([1.0, 2.0])}
    >>> differing(feature_set(asked, [asked["size"]]), *sides)["size"].tolist()
    [False, True]
    """
    found = {}
    for feature in features.features:
        if feature.name not in served:
            raise _unlike(feature.name, 0)
        found[feature.name] = unequal(feature, served[feature.name], recomputed.get(feature.name))
    return found


def unequal(feature: Feature, given: Array, again: Array | None) -> npt.NDArray[np.bool_]:
    """The rows on which two columns of one feature disagree. Raises: InvalidInput for other rows."""
    if again is None or len(again) != len(given):
        raise _unlike(feature.name, len(given))
    if feature.kind == "text":
        return np.array([one != other for one, other in zip(given, again, strict=True)], dtype=bool)
    both_missing = np.isnan(given) & np.isnan(again)
    agree: npt.NDArray[np.bool_] = both_missing | (given == again)
    if not feature.exact:
        finite = np.isfinite(given) & np.isfinite(again)  # infinities are equal or they are not
        slack = TOLERANCE * np.maximum(np.abs(given), np.abs(again))
        agree[finite] |= np.abs(given[finite] - again[finite]) <= slack[finite]
    return ~agree


def plain_value(value: Any) -> Value:
    """One value of a column as records keep it: None where it is missing."""
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)


def _array(feature: Feature, values: Sequence[Value]) -> Array:
    if feature.kind == "text":
        return np.array(list(values), dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _unlike(name: str, rows: int) -> InvalidInput:
    return InvalidInput(
        f"Recomputed feature {name!r} does not have the {plural(rows, 'row')} that were served.",
        mend="Recompute the same questions with the same feature set.",
        feature=name,
    )
