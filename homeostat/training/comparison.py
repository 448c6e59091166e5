"""What came of comparing served rows with training's: a value that is read where nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.features.distances import Distance
from homeostat.kernel.clock import Instant


@dataclass(frozen=True, slots=True)
class ServedComparison:
    """How far apart features are as served and as trained on, farthest first, on the same ``rows``.

    ``since`` is when the earliest of them was asked; ``unseen`` are features that no row was served with yet.
    """

    rows: int
    since: Instant
    distances: tuple[Distance, ...]
    unseen: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ServedComparison:
        """Read the JSON form back; raises KeyError or TypeError where a part is missing."""
        found = tuple(Distance(**one) for one in values["distances"])
        return cls(values["rows"], values["since"], found, tuple(values["unseen"]))
