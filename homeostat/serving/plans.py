"""What serving needs to know of a loop."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet


@dataclass(frozen=True)
class ServingPlan:
    """A loop as the gateway sees it; a prediction is true from ``threshold`` on, ``tables`` are all that it reads."""

    name: str
    question: Table
    features: FeatureSet
    threshold: float = 0.5
    tables: tuple[Table, ...] = ()
