"""What a block of answers over several classes boils down to once the truth is known; every figure reads the sums."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.class_figures import CLASS_BINS, CLASS_FIGURES, Tables, class_table
from homeostat.stats.figures.confusion import Confusion
from homeostat.stats.figures.means import class_log_losses, class_squared_errors, classes_scored
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.reliability import GROUPS, ReliabilitySums
from homeostat.stats.intervals import Interval, jackknife


@dataclass(frozen=True, slots=True)
class ClassSums(Sums):
    """Sums over the labelled rows of one block: log-loss and Brier score in nats and squares, and rows by truth and
    answer, flat, in the order of the classes; the answer is the likeliest class.

    ``said`` and ``hit`` are by group of how likely the answer was said to be: the sum of that, and how often it was
    right. ``by_score`` counts rows as `class_figures.class_table` does, flat; it is empty for days that were measured
    before it was kept.

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
    by_score: tuple[int, ...] = ()

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
            by_score=tuple(class_table(truth, told).ravel().tolist()),
        )

    def __add__(self, other: ClassSums) -> ClassSums:
        if len(self.counts) != len(other.counts):
            raise InvalidInput("Sums over other classes.", mend="Add only sums over the same classes.")
        if not (self.by_score and other.by_score):
            kept = () if self.rows and other.rows else self.by_score if self.rows else other.by_score
            whole = self.read(self._vector() + other._vector())
            return dataclasses.replace(whole, by_score=kept)
        return self.read(self.vector + other.vector)

    def times(self, count: int) -> ClassSums:
        """The sums of rows of which each stands for so many alike."""
        return self if count == 1 else self.read(self.vector * count)

    @property
    def vector(self) -> Floats:
        """All sums as one row of numbers."""
        return np.concatenate([self._vector(), np.array(self.by_score, dtype=np.float64)])

    def _vector(self) -> Floats:
        """Without the counts by chance."""
        return np.array([self.rows, self.loss, self.brier, *self.said, *self.hit, *self.counts], dtype=np.float64)

    def read(self, vector: Floats) -> ClassSums:
        """Sums over the same classes, from what their vectors add up to, with or without counts by chance."""
        places = np.cumsum([3, GROUPS, GROUPS, len(self.counts)])
        first, said, hit, counts, by_score = np.split(vector, places)
        rows, loss, brier = first.tolist()
        return ClassSums(
            "multiclass", round(rows), loss, brier, _whole(counts), tuple(said.tolist()), *map(_whole, (hit, by_score))
        )

    @property
    def table(self) -> Tables | None:
        """Rows by class, answer, truth and chance; None where they were not counted."""
        if not self.by_score:
            return None
        return np.array(self.by_score, dtype=np.float64).reshape(-1, 2, 2, CLASS_BINS)

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


def _whole(values: Floats) -> tuple[int, ...]:
    return tuple(np.rint(values).astype(np.int64).tolist())


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


def _roc_auc(sums: ClassSums) -> float:
    """One class against the rest, the mean over classes; chances of one bin count as ties."""
    table = sums.table
    found = float("nan") if table is None else float(CLASS_FIGURES["roc_auc"].of(table))
    if np.isnan(found):
        raise NotEnoughData(
            "AUC is undefined: rows of one class, or measured before chances were counted.",
            mend="Take a longer span, so that others occur.",
            rows=sums.rows,
        )
    return found


FIGURES: Mapping[str, str] = MappingProxyType({name: one.better for name, one in CLASS_FIGURES.items()})
"""Every figure over several classes, and which way is better; AUC, precision, recall and F1 are means over classes."""
_FIGURES: Mapping[str, Callable[[ClassSums], float]] = MappingProxyType(
    {
        "skill": _skill,
        "roc_auc": _roc_auc,
        "log_loss": lambda sums: sums.loss / sums.rows,
        "brier": lambda sums: sums.brier / sums.rows,
        "calibration_error": lambda sums: float(np.abs(np.subtract(sums.hit, sums.said)).sum() / sums.rows),
    }
)


def class_interval(name: str, blocks: Sequence[ClassSums], *, confidence: float = 0.95) -> Interval:
    """One figure of all blocks with bounds by leaving out a block at a time; for one fixed look.

    Raises: NotEnoughData with fewer than 3 blocks with rows, or where it is undefined without one of them.
    """
    used = [block for block in blocks if block.rows]
    ranked = name == "roc_auc" and all(block.by_score for block in used)
    return jackknife(
        lambda total: used[0].read(total).figure(name),
        np.array([block.vector if ranked else block._vector() for block in used]) if used else np.zeros((0, 1)),
        rows=sum(block.rows for block in used),
        confidence=confidence,
    )
