"""How the features of a version become the columns of a native model: plain values that lie beside the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.kernel.canonical import canonical_json


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the model's matrix, made of one feature.

    Without ``codes`` it is the number as it is. With them it is the code of a text, and of any other text
    ``unknown``, where None is a missing number.
    """

    feature: str
    codes: Mapping[str, float] | None = None
    unknown: float | None = None

    @classmethod
    def of_texts(cls, feature: str, texts: Sequence[str], *, unknown: float | None) -> Column:
        """Each text's code is its place.

        >>> Column.of_texts("shop", ["a", "b"], unknown=None).codes
        {'a': 0.0, 'b': 1.0}
        """
        return cls(feature, {text: float(place) for place, text in enumerate(texts)}, unknown)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a native model's matrix, in order."""

    columns: tuple[Column, ...]

    def to_bytes(self) -> bytes:
        """Canonical JSON, which ``from_bytes`` reads back."""
        return canonical_json(self)

    @classmethod
    def from_bytes(cls, content: bytes) -> Layout:
        """Read what ``to_bytes`` wrote; raises ValueError, KeyError or TypeError on anything else."""
        told: Mapping[str, Any] = json.loads(content)
        return cls(tuple(Column(**one) for one in told["columns"]))
