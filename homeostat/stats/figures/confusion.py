"""Answers beside truth, class by class, as counts that add: accuracy, precision, recall and F1 with day bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, same_length


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows of one block by truth (outer) and answer (inner), in the order of ``classes``; blocks add.

    >>> day = Confusion.of(["cat", "dog", "dog"], ["cat", "dog", "cat"], classes=["cat", "dog"])
    >>> day.counts, round(day.figure("f1"), 4), day.figure("precision", of="cat")
    (((1, 0), (1, 1)), 0.6667, 0.5)
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, labels: ArrayLike, answers: ArrayLike, *, classes: Sequence[object]) -> Confusion:
        """Count raw rows. Raises: InvalidInput for a label or answer that is none of the classes, missing included."""
        names = tuple(str(name) for name in classes)
        if len(set(names)) < max(2, len(names)):
            raise InvalidInput(f"{list(names)} are no classes.", mend="Name at least two, each once.")
        truth, told = (_places(what, values, names) for what, values in (("labels", labels), ("answers", answers)))
        same_length(labels=truth, answers=told)
        counted = np.bincount(truth * len(names) + told, minlength=len(names) ** 2).reshape(len(names), -1)
        return cls(names, tuple(tuple(row) for row in counted.tolist()))

    def __add__(self, other: Confusion) -> Confusion:
        """Both sets of rows. Raises: Conflict for other classes."""
        if self.classes != other.classes:
            raise Conflict(f"{self.classes} and {other.classes} differ.", mend="Count both over the same classes.")
        pairs = zip(self.counts, other.counts, strict=True)
        return Confusion(self.classes, tuple(tuple(a + b for a, b in zip(*pair, strict=True)) for pair in pairs))

    @property
    def rows(self) -> int:
        """Rows counted."""
        return sum(map(sum, self.counts))

    def figure(self, name: str, *, of: str | None = None) -> float:
        """``accuracy``, ``precision``, ``recall`` or ``f1``: of one class, or the mean over all (macro).

        Raises: NotEnoughData where it is undefined: no rows, a class that never occurs or is never answered;
        InvalidInput for another name or class.
        """
        value = _figure(np.array(self.counts, dtype=np.float64), name, self._place(of))
        if not np.isfinite(value):
            mend = "Take a longer span, so that every class occurs and is answered."
            raise NotEnoughData(f"{name} is undefined of these {self.rows} rows.", mend=mend, rows=self.rows)
        return value

    def _place(self, of: str | None) -> int | None:
        if of is not None and of not in self.classes:
            raise InvalidInput(f"No class {of!r}.", mend=f"Choose one of {', '.join(self.classes)}.", name=of)
        return None if of is None else self.classes.index(of)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {"classes": list(self.classes), "counts": [list(row) for row in self.counts]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Confusion:
        """Read `to_json` back. Raises: InvalidInput when a part is missing or the counts are no square."""
        try:
            names = tuple(str(name) for name in value["classes"])
            counts = tuple(tuple(int(count) for count in row) for row in value["counts"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"This is no confusion: {error!r}.", mend="Read what to_json wrote.") from error
        if [len(row) for row in counts] != [len(names)] * len(names):
            raise InvalidInput("These counts are no square.", mend="Read what to_json wrote.")
        return cls(names, counts)


def _figure(counts: Floats, name: str, place: int | None) -> float:
    if name not in _FIGURES:
        raise InvalidInput(f"No figure {name!r}.", mend=f"Ask for one of {', '.join(_FIGURES)}.", name=name)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = _FIGURES[name](counts)
    return float(found.mean() if place is None or name == "accuracy" else found[place])


def _accuracy(counts: Floats) -> Floats:
    return np.asarray(np.trace(counts) / counts.sum()).reshape(1)


def _precision(counts: Floats) -> Floats:
    return np.asarray(np.diag(counts) / counts.sum(axis=0))


def _recall(counts: Floats) -> Floats:
    return np.asarray(np.diag(counts) / counts.sum(axis=1))


def _f1(counts: Floats) -> Floats:
    return np.asarray(2.0 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1)))


_FIGURES: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {"accuracy": _accuracy, "precision": _precision, "recall": _recall, "f1": _f1}
)


def _places(what: str, values: ArrayLike, names: tuple[str, ...]) -> np.ndarray:
    index = {name: place for place, name in enumerate(names)}
    found = [index.get(str(value), -1) for value in np.asarray(values).ravel().tolist()]
    if -1 in found:
        odd = str(np.asarray(values).ravel()[found.index(-1)])
        raise InvalidInput(f"{what} has {odd!r}, which is no class.", mend=f"Classes: {', '.join(names)}.", value=odd)
    return np.array(found, dtype=np.int64)
