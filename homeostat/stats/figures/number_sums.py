"""What a block of predicted numbers boils down to once their truth is known; every figure reads the sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, finite, same_length
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.intervals import Interval, jackknife

SLICES = 64
"""So many equally full slices of the sorted truth are kept, each by its mean: the best constant is found among them."""


@dataclass(frozen=True, slots=True)
class NumberSums(Sums):
    """Sums over the labelled rows of one block: enough for the loss, RMSE, MAE, bias, and skill over a constant.

    ``loss`` is the sum of the primary loss: squared errors where ``level`` is None, else the pinball loss of that
    quantile (0.5: half the absolute error). ``error`` sums answer minus truth. ``mean`` and ``spread`` are the truth's
    mean and summed squares around it; ``levels`` and ``counts`` its slices. `pooled` of some blocks keeps them all.

    >>> day = NumberSums.of([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])
    >>> day.rows, day.figure("mae"), day.figure("skill")
    (3, 0.6666666666666666, -1.0)
    """

    task: str
    level: float | None
    rows: int
    loss: float
    error: float
    absolute: float
    squared: float
    mean: float
    spread: float
    levels: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, labels: ArrayLike, answers: ArrayLike, *, level: float | None = None) -> NumberSums:
        """The sums of raw rows. Raises: InvalidInput for a missing or infinite label or answer."""
        truth, told = finite("labels", labels), finite("answers", answers)
        same_length(labels=truth, answers=told)
        off = told - truth
        mean = float(truth.mean()) if truth.size else 0.0
        slices = np.array_split(np.sort(truth), min(SLICES, truth.size)) if truth.size else []
        return cls(
            task="regression",
            level=level,
            rows=int(truth.size),
            loss=float(number_losses(truth, told, level).sum()),
            error=float(off.sum()),
            absolute=float(np.abs(off).sum()),
            squared=float(np.square(off).sum()),
            mean=mean,
            spread=float(np.square(truth - mean).sum()),
            levels=tuple(float(one.mean()) for one in slices),
            counts=tuple(one.size for one in slices),
        )

    def __add__(self, other: NumberSums) -> NumberSums:
        """Both sets of rows; slices are kept side by side."""
        rows = self.rows + other.rows
        apart = other.mean - self.mean
        return NumberSums(
            self.task,
            self.level,
            rows,
            self.loss + other.loss,
            self.error + other.error,
            self.absolute + other.absolute,
            self.squared + other.squared,
            self.mean + apart * other.rows / max(rows, 1),
            self.spread + other.spread + apart * apart * self.rows * other.rows / max(rows, 1),
            self.levels + other.levels,
            self.counts + other.counts,
        )

    def times(self, count: int) -> NumberSums:
        """The sums of rows of which each stands for so many alike."""
        if count == 1:
            return self
        sums = (count * one for one in (self.rows, self.loss, self.error, self.absolute, self.squared))
        rows, loss, error, absolute, squared = sums
        counts = tuple(count * one for one in self.counts)
        return NumberSums(
            self.task, self.level, int(rows), loss, error, absolute, squared, self.mean, count * self.spread,
            self.levels, counts,
        )  # fmt: skip

    def constant_loss(self) -> float:
        """What the best constant answer would have cost on these rows: their mean, or their quantile.

        The spread within the one slice of a block in which a quantile lies is not seen, so a model is never credited
        with beating it.
        """
        if self.level is None:
            return self.spread
        return best_constant(np.array(self.levels), np.array(self.counts, dtype=np.float64), self.level)

    @property
    def unit(self) -> float:
        """Losses are told as shares of this: what the best constant costs per row. 0 where all truths are equal."""
        return self.constant()

    def constant(self) -> float:
        """What the mean, or the quantile, costs a row."""
        return self.constant_loss() / self.rows if self.rows else 0.0

    def figure(self, name: str) -> float:
        """One of `FIGURES`. Raises: NotEnoughData without rows, or for skill where all truths are equal."""
        if not self.rows:
            raise NotEnoughData("No labelled rows.", mend="Wait for labels to mature.", rows=0)
        return _FIGURES[name](self)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        found: dict[str, object] = plain(self)
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> NumberSums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            told: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
            return cls(**told)
        except TypeError as error:
            raise InvalidInput(f"These are no sums: {error}.", mend="Read what to_json wrote.") from error


def number_losses(truth: Floats, told: Floats, level: float | None) -> Floats:
    """The primary loss of each row: squared error, or pinball loss of a quantile."""
    off = told - truth
    return np.square(off) if level is None else np.maximum(-level * off, (1.0 - level) * off)


def best_constant(levels: Floats, counts: Floats, level: float) -> float:
    """The least pinball loss that one answer has on all rows, each row taken at the mean of its slice.

    >>> best_constant(np.array([0.0, 10.0]), np.array([3.0, 1.0]), 0.5)
    5.0
    """
    if not levels.size:
        return 0.0
    order = np.argsort(levels, kind="stable")
    sorted_levels, weights = levels[order], counts[order]
    place = int(np.searchsorted(np.cumsum(weights), level * weights.sum()))
    off = sorted_levels[min(place, levels.size - 1)] - sorted_levels
    return float(np.dot(weights, np.maximum(-level * off, (1.0 - level) * off)))


def _skill(sums: NumberSums) -> float:
    constant = sums.constant_loss()
    if constant <= 0.0:
        raise NotEnoughData(
            "Skill is undefined: all outcomes are equal.",
            mend="Take a longer span, so that outcomes differ.",
            rows=sums.rows,
        )
    return 1.0 - sums.loss / constant


FIGURES: Mapping[str, str] = MappingProxyType({"skill": "higher", "rmse": "lower", "mae": "lower", "bias": "neither"})
"""Every figure of predicted numbers, and which way is better; a quantile has ``quantile_loss`` besides."""
_FIGURES: Mapping[str, Callable[[NumberSums], float]] = MappingProxyType(
    {
        "skill": _skill,
        "rmse": lambda sums: math.sqrt(sums.squared / sums.rows),
        "mae": lambda sums: sums.absolute / sums.rows,
        "bias": lambda sums: sums.error / sums.rows,
        "quantile_loss": lambda sums: sums.loss / sums.rows,
    }
)


def number_interval(name: str, blocks: Sequence[NumberSums], *, confidence: float = 0.95) -> Interval:
    """One figure of all blocks with bounds by leaving out a block at a time; for one fixed look.

    Raises: NotEnoughData with fewer than 3 blocks with rows, or where it is undefined without one of them.
    """
    used = [block for block in blocks if block.rows]

    def read(chosen: Floats) -> float:
        return _pooled([block for block, times in zip(used, chosen, strict=True) if times > 0.5]).figure(name)

    rows = sum(block.rows for block in used)
    return jackknife(read, np.eye(len(used)), rows=rows, confidence=confidence)


def _pooled(blocks: Sequence[NumberSums]) -> NumberSums:
    whole = blocks[0]
    for block in blocks[1:]:
        whole = whole + block
    return whole
