"""What a block of answers over several classes boils down to once the truth is known; every figure reads the sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.confusion import Confusion
from homeostat.stats.intervals import Interval, jackknife
from homeostat.stats.means import class_log_losses, class_squared_errors, classes_scored
from homeostat.stats.outcomes import Sums
from homeostat.stats.reliability import GROUPS, ReliabilitySums


@dataclass(frozen=True, slots=True)
class ClassSums(Sums):
    """Sums over the labelled rows of one block: log-loss and Brier score in nats and squares, and rows by truth and
    answer, flat, in the order of the classes; the answer is the likeliest class.

    ``said`` and ``hit`` are by group of how likely the answer was said to be: the sum of that, and how often it was
    right.

    >>> day = ClassSums.of([0, 1, 2, 2], [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]])
    >>> day.rows, day.figure("accuracy"), day.figure("recall")
    (4, 0.75, 0.8333333333333334)
    """

    task: str
    rows: int
    loss: float
    brier: float
    counts: tuple[int, ...]
    said: tuple[float, ...]
    hit: tuple[int, ...]

    @classmethod
    def of(cls, labels: ArrayLike, chances: ArrayLike) -> ClassSums:
        """The sums of raw rows: places of classes, and a chance for each class.

        Raises: InvalidInput as `means.classes_scored`.
        """
        truth, told = classes_scored(labels, chances)
        size = told.shape[1]
        counted = np.bincount(truth * size + told.argmax(axis=1), minlength=size * size)
        calibrated = ReliabilitySums.of_classes(truth, told)
        return cls(
            task="multiclass",
            rows=int(truth.size),
            loss=float(class_log_losses(truth, told).sum()),
            brier=float(class_squared_errors(truth, told).sum()),
            counts=tuple(counted.tolist()),
            said=calibrated.said,
            hit=calibrated.true,
        )

    def __add__(self, other: ClassSums) -> ClassSums:
        if len(self.counts) != len(other.counts):
            raise InvalidInput("Sums over other classes.", mend="Add only sums over the same classes.")
        return ClassSums._read(self.vector + other.vector)

    def times(self, count: int) -> ClassSums:
        """The sums of rows of which each stands for so many alike."""
        return self if count == 1 else ClassSums._read(self.vector * count)

    @property
    def vector(self) -> Floats:
        """All sums as one row of numbers."""
        return np.array([self.rows, self.loss, self.brier, *self.said, *self.hit, *self.counts], dtype=np.float64)

    @classmethod
    def _read(cls, vector: Floats) -> ClassSums:
        rows, loss, brier = vector[:3].tolist()
        said, hit = vector[3 : 3 + GROUPS], vector[3 + GROUPS : 3 + 2 * GROUPS]
        counts = vector[3 + 2 * GROUPS :]
        whole = (tuple(round(one) for one in part.tolist()) for part in (counts, hit))
        first, second = whole
        return cls("multiclass", round(rows), loss, brier, first, tuple(said.tolist()), second)

    @property
    def by_class(self) -> tuple[int, ...]:
        """Rows by their true class."""
        size = round(len(self.counts) ** 0.5)
        return tuple(sum(self.counts[place * size : (place + 1) * size]) for place in range(size))

    @property
    def unit(self) -> float:
        """Losses are told as they are, in nats."""
        return 1.0

    def constant(self) -> float:
        """The entropy of the classes' shares, in nats per row."""
        return class_entropy(self.by_class) if self.rows else 0.0

    def figure(self, name: str) -> float:
        """One of `FIGURES`. Raises: NotEnoughData where it is undefined: no rows, one class, one never answered."""
        if not self.rows:
            raise NotEnoughData("No labelled rows.", mend="Wait for labels to mature.", rows=0)
        if name in ("accuracy", "precision", "recall", "f1"):
            return self._confusion().figure(name)
        return _FIGURES[name](self)

    def _confusion(self) -> Confusion:
        """Of the classes that there were rows or answers of: one that nobody met says nothing."""
        size = round(len(self.counts) ** 0.5)
        table = np.reshape(self.counts, (size, size))
        met = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
        kept = table[np.ix_(met, met)]
        return Confusion(tuple(map(str, met)), tuple(map(tuple, kept.tolist())))

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        found: dict[str, object] = plain(self)
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ClassSums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            told: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
            return cls(**told)
        except TypeError as error:
            raise InvalidInput(f"These are no sums: {error}.", mend="Read what to_json wrote.") from error


def class_entropy(counts: ArrayLike) -> float:
    """The log-loss, in nats per row, of always answering the classes' own shares.

    >>> class_entropy([5, 5])
    0.6931471805599453
    """
    found = np.asarray(counts, dtype=np.float64)
    shares = found[found > 0] / found.sum()
    return float(-(shares * np.log(shares)).sum())


def _skill(sums: ClassSums) -> float:
    uncertain = class_entropy(sums.by_class)
    if uncertain <= 0.0:
        raise NotEnoughData(
            "Skill is undefined: all rows are of one class.",
            mend="Take a longer span, so that others occur.",
            rows=sums.rows,
        )
    return 1.0 - sums.loss / sums.rows / uncertain


FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "skill": "higher",
        "log_loss": "lower",
        "brier": "lower",
        "accuracy": "higher",
        "precision": "higher",
        "recall": "higher",
        "f1": "higher",
        "calibration_error": "lower",
    }
)
"""Every figure over several classes, and which way is better; precision, recall and F1 are means over classes."""
_FIGURES: Mapping[str, Callable[[ClassSums], float]] = MappingProxyType(
    {
        "skill": _skill,
        "log_loss": lambda sums: sums.loss / sums.rows,
        "brier": lambda sums: sums.brier / sums.rows,
        "calibration_error": lambda sums: float(np.abs(np.subtract(sums.hit, sums.said)).sum() / sums.rows),
    }
)


def class_interval(name: str, blocks: Sequence[ClassSums], *, confidence: float = 0.95) -> Interval:
    """One figure of all blocks with bounds by leaving out a block at a time; for one fixed look.

    Raises: NotEnoughData with fewer than 3 blocks with rows, or where it is undefined without one of them.
    """
    used = [block.vector for block in blocks if block.rows]
    return jackknife(
        lambda total: ClassSums._read(total).figure(name),
        np.array(used) if used else np.zeros((0, 1)),
        rows=int(sum(one[0] for one in used)),
        confidence=confidence,
    )
