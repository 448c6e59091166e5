"""How far apart two sets of rows are, feature by feature: as served, and as training computes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

from homeostat.features.views import FeatureKind
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.drift.distance import ks_of_samples, total_variation

Columns = Mapping[str, npt.NDArray[Any]]
Measure = Literal["ks", "total_variation"]


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one feature's two distributions are apart, from 0 to 1: an effect size, the share of rows moved.

    Numbers are measured by KS, texts by total variation; missing is a value of its own in both.
    """

    feature: str
    measure: Measure
    value: float


def distances(kinds: Mapping[str, FeatureKind], first: Columns, second: Columns) -> tuple[Distance, ...]:
    """The distance of every feature between two sets of rows, farthest first.

    Columns hold float64 with NaN for missing, or objects with None. Two samples of n and m independent rows of
    one distribution are about ``1.2 * sqrt((n + m) / (n * m))`` apart by chance; the same rows twice are 0 apart.
    Raises: InvalidInput when a feature is not given; NotEnoughData without rows.
    """
    found = [_distance(name, kind, _given(first, name), _given(second, name)) for name, kind in kinds.items()]
    return tuple(sorted(found, key=lambda one: -one.value))


def _distance(name: str, kind: FeatureKind, first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Distance:
    if kind == "text":
        return Distance(name, "total_variation", total_variation(Counter(first), Counter(second)))
    return Distance(name, "ks", ks_of_samples(first, second))


def _given(columns: Columns, name: str) -> npt.NDArray[Any]:
    if name not in columns:
        raise InvalidInput(f"Feature {name!r} is not given.", mend="Compare rows of one feature set.", feature=name)
    return columns[name]
