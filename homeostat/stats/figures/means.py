"""Figures that are means over rows, as one sum per day: of numbers, of many classes, of a user's own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, finite, same_length
from homeostat.stats.intervals import Interval, block_mean_from_sums, jackknife
from homeostat.stats.metrics import CLIP

PerRow = Callable[[Any, Any], ArrayLike]
"""Labels and answers of the same rows to one number for each."""


@dataclass(frozen=True, slots=True)
class MeanMetric:
    """A figure that is the mean of a number per row, so that days add and every bound for means applies.

    ``per_row(labels, answers)`` gives one finite number per row. With ``root`` the figure is the mean's square root.
    ``level`` is that of the quantile it judges, None for others.
    A user's own: ``MeanMetric("cost", "lower", lambda late, score: 6 * (late & (score < 0.5)) + ...)``.

    >>> squared = MeanMetric("squared", "lower", lambda truth, told: (truth - told) ** 2)
    >>> day = squared.sums([1.0, 2.0], [1.0, 4.0])
    >>> squared.value(day), (day + day).rows
    (2.0, 4)
    """

    name: str
    better: Literal["lower", "higher", "zero"]
    per_row: PerRow
    root: bool = False
    level: float | None = None

    def sums(self, labels: ArrayLike, answers: ArrayLike) -> MeanSums:
        """One block's rows. Raises: InvalidInput where a row gets no finite number, or not one each."""
        truth = np.asarray(labels)
        values = finite(f"values of {self.name}", self.per_row(truth, np.asarray(answers)))
        if values.size != len(truth):
            raise InvalidInput(
                f"{self.name} gives {values.size} numbers for {len(truth)} rows.",
                mend="Let it return one number per row.",
                name=self.name,
            )
        return MeanSums(self.name, int(values.size), float(values.sum()))

    def value(self, sums: MeanSums) -> float:
        """The figure of some rows. Raises: NotEnoughData without rows; Conflict for the sums of another metric."""
        self._check(sums)
        if not sums.rows:
            raise NotEnoughData(f"{self.name} of no rows is undefined.", mend="Wait for labelled rows.", rows=0)
        mean = sums.total / sums.rows
        return float(np.sqrt(max(mean, 0.0))) if self.root else mean

    def interval(self, blocks: Sequence[MeanSums], *, confidence: float = 0.95) -> Interval:
        """The figure of all blocks with bounds whose unit is the block; for one fixed look.

        Raises: NotEnoughData with fewer than 3 blocks with rows; Conflict for the sums of another metric.
        """
        for block in blocks:
            self._check(block)
        used = [block for block in blocks if block.rows]
        sums, sizes = [block.total for block in used], [block.rows for block in used]
        if not self.root:
            return block_mean_from_sums(sums, sizes, confidence=confidence)
        parts = np.reshape(np.array([sums, sizes], dtype=np.float64).T, (-1, 2))
        return jackknife(
            lambda total: float(np.sqrt(max(total[0] / total[1], 0.0))), parts, rows=sum(sizes), confidence=confidence
        )

    def _check(self, sums: MeanSums) -> None:
        if sums.name != self.name:
            raise Conflict(
                f"These are sums of {sums.name!r}, not of {self.name!r}.", mend="Read them as what they are."
            )


@dataclass(frozen=True, slots=True)
class MeanSums:
    """What a block's rows come to under one `MeanMetric`; adds. ``total`` is a sum over ``rows``."""

    name: str
    rows: int
    total: float

    def __add__(self, other: MeanSums) -> MeanSums:
        """Both sets of rows. Raises: Conflict for another metric."""
        if self.name != other.name:
            raise Conflict(f"Sums of {self.name!r} and {other.name!r} differ.", mend="Add only sums of the same.")
        return MeanSums(self.name, self.rows + other.rows, self.total + other.total)

    def times(self, count: int) -> MeanSums:
        """The sums of rows of which each stands for so many alike."""
        return MeanSums(self.name, self.rows * count, self.total * count)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {"name": self.name, "rows": self.rows, "total": self.total}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MeanSums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            return cls(str(value["name"]), int(value["rows"]), float(value["total"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"These are no sums: {error!r}.", mend="Read what to_json wrote.") from error


def quantile_loss(level: float) -> MeanMetric:
    """Pinball loss of a predicted quantile: being too low costs ``level``, too high ``1 - level``, per unit.

    Raises: InvalidInput outside (0, 1).
    Source: Koenker and Bassett (1978), Econometrica 46(1), 33-50.

    >>> quantile_loss(0.9).value(quantile_loss(0.9).sums([10.0, 10.0], [8.0, 12.0]))
    1.0
    """
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"{level} is no level of a quantile.", mend="Pass a number in (0, 1), such as 0.9.")

    def per_row(labels: ArrayLike, answers: ArrayLike) -> Floats:
        short = _errors(labels, answers)
        return np.maximum(-level * short, (1.0 - level) * short)

    return MeanMetric(f"quantile_loss_{level:g}", "lower", per_row, level=level)


def _errors(labels: ArrayLike, answers: ArrayLike) -> Floats:
    """Answer less truth: above 0, the answer was too high."""
    truth, told = finite("labels", labels), finite("answers", answers)
    same_length(labels=truth, answers=told)
    return told - truth


def class_log_losses(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """What each row of many classes cost in nats; chances are clipped to at least `metrics.CLIP`.

    Args: ``labels`` are places of classes from 0; ``probabilities`` has one row per label, adding up to 1.
    Raises: InvalidInput for shapes that do not fit, missing values, or rows that do not add up to 1.

    >>> class_log_losses([2, 0], [[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]]).round(4).tolist()
    [0.6931, 0.0]
    """
    truth, chances = classes_scored(labels, probabilities)
    return np.asarray(np.abs(np.log(np.clip(chances[np.arange(truth.size), truth], CLIP, 1.0))))


def class_squared_errors(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """The Brier score of each row of many classes: squared gaps summed over classes, in [0, 2].

    Of two classes it is twice `metrics.squared_errors`. Raises: as `class_log_losses`.
    Source: Brier (1950), Monthly Weather Review 78(1), 1-3.
    """
    truth, chances = classes_scored(labels, probabilities)
    return np.asarray(np.square(chances - np.eye(chances.shape[1])[truth]).sum(axis=1), dtype=np.float64)


def classes_scored(labels: ArrayLike, probabilities: ArrayLike) -> tuple[np.ndarray, Floats]:
    """Labels as places of classes, and a full table of chances. Raises: as `class_log_losses`."""
    truth, chances = finite("labels", labels), np.asarray(probabilities, dtype=np.float64)
    if chances.ndim != 2 or len(chances) != truth.size or chances.shape[1] < 2 or not np.isfinite(chances).all():
        raise InvalidInput("Chances are not a full table.", mend="Pass one row per label, one column per class.")
    places = truth.astype(np.int64)
    if (places != truth).any() or (places < 0).any() or (places >= chances.shape[1]).any():
        raise InvalidInput("A label is no place of a class.", mend="Pass whole numbers from 0 on.")
    if (chances < 0.0).any() or (np.abs(chances.sum(axis=1) - 1.0) > 1e-6).any():
        raise InvalidInput("Chances of a row do not add up to 1.", mend="Divide them by their sum.")
    return places, chances


mae = MeanMetric("mae", "lower", lambda labels, answers: np.abs(_errors(labels, answers)))
rmse = MeanMetric("rmse", "lower", lambda labels, answers: np.square(_errors(labels, answers)), root=True)
bias = MeanMetric("bias", "zero", _errors)
