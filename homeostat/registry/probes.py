"""Recorded rows with what a version answered to them: whoever loads it sees that it still does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

PROBES = "probes.json"
MOST = 64
TOLERANCE = 1e-5
"""The greatest difference in probability: other processors round float32 in other places."""
Value = float | str | None


@dataclass(frozen=True, slots=True)
class Probes:
    """``columns`` hold the values of each input, missing as None; ``probabilities`` one answer for each row,
    also where that is a number, or a chance for each class."""

    columns: Mapping[str, Sequence[Value]]
    probabilities: Sequence[float | Sequence[float]]

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]], probabilities: Sequence[float | Sequence[float]]) -> Probes:
        """Some of many rows, spread evenly."""
        step = max(1, -(-len(probabilities) // MOST))
        kept = {name: [_plain(value) for value in values[::step]] for name, values in columns.items()}
        return cls(kept, list(probabilities[::step]))

    @classmethod
    def read(cls, data: bytes) -> Probes:
        """What ``written`` wrote. Raises: msgspec.MsgspecError."""
        return msgspec.json.decode(data, type=cls)

    def written(self) -> bytes:
        """As JSON; the same probes always give the same bytes."""
        return msgspec.json.encode(self)

    def differs(self, answers: Sequence[float | Sequence[float]]) -> float | None:
        """The greatest difference from what was recorded, when it is too great; None when they agree.

        Of numbers beyond 1 the difference is taken as a share of the largest.

        >>> Probes({"x": [1.0, 2.0]}, [0.25, 0.5]).differs([0.25, 0.75])
        0.25
        """
        worst = self.worst(answers)
        return None if worst <= TOLERANCE else worst

    def worst(self, answers: Sequence[float | Sequence[float]]) -> float:
        """The greatest difference from what was recorded; infinite where there are other numbers of answers."""
        if len(answers) != len(self.probabilities):
            return math.inf
        told, known = _flat(answers), _flat(self.probabilities)
        if len(told) != len(known):
            return math.inf
        scale = max(1.0, *map(abs, known)) if known else 1.0
        return max((abs(a - b) / scale for a, b in zip(told, known, strict=True)), default=0.0)


def _flat(answers: Sequence[float | Sequence[float]]) -> list[float]:
    return [part for one in answers for part in ([one] if isinstance(one, float | int) else one)]


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return None if math.isnan(number) else number
