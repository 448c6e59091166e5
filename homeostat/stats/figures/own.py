"""A user's own figure: what it gives of each day, and its mean over days with bounds whose unit is the day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Integers
from homeostat.stats.bootstrap import bootstrap_interval
from homeostat.stats.figures.means import MeanSums
from homeostat.stats.intervals import MIN_BLOCKS, Interval

DRAWS = 1_000
_SEED = 20_130


@dataclass(frozen=True, slots=True)
class Own:
    """``function(labels, answers)`` gives one number per row, or one number for all of them.

    >>> Own("missed", "lower", lambda late, score: late & (score < 0.5)).sums(np.array([True]), np.array([0.2])).total
    1.0
    """

    name: str
    better: Literal["lower", "higher", "neither"]
    function: Callable[[Any, Any], Any]

    def sums(self, labels: Any, answers: Any) -> MeanSums:
        """One day's rows, at least one. Raises: InvalidInput where the function fails or gives no finite number."""
        rows, found = len(labels), self._found(labels, answers)
        return MeanSums(self.name, rows, float(found * rows if found.shape == () else found.sum()))

    def by_value(self, labels: Any, answers: Any, codes: Integers, there: Sequence[int]) -> tuple[float | None, ...]:
        """The sum over the rows of each value of a slice, ``codes`` being each row's; None where it cannot be computed.

        What gives one number per row is asked once; what gives one for all is asked of each value's rows, and counts
        for so many rows.

        >>> far = Own("far", "lower", lambda truth, said: abs(truth - said))
        >>> far.by_value(np.array([1.0, 5.0, 2.0]), np.zeros(3), np.array([0, 2, 2]), [0, 2])
        (1.0, 7.0)
        """
        try:
            found = self._found(np.array(labels), np.array(answers))  # copies, whatever the function does to them
        except InvalidInput:
            return (None,) * len(there)
        if found.shape:
            summed = np.bincount(codes, weights=found, minlength=max(there) + 1)
            return tuple(float(summed[place]) for place in there)
        return tuple(self._total(labels[codes == place], answers[codes == place]) for place in there)

    def _total(self, labels: Any, answers: Any) -> float | None:
        try:
            return self.sums(labels, answers).total
        except InvalidInput:
            return None

    def weighted(self, labels: Any, answers: Any, weights: Any) -> float:
        """The mean where each row stands for ``weights`` rows, whole numbers: as if it were there so often.

        Raises: as `sums`.

        >>> far = Own("far", "lower", lambda truth, said: abs(truth - said))
        >>> far.weighted(np.array([1.0, 5.0]), np.zeros(2), np.array([3.0, 1.0]))
        2.0
        """
        often = np.repeat(np.arange(len(labels)), np.asarray(weights, dtype=np.int64))
        return float(self._found(labels[often], answers[often]).mean())

    def _found(self, labels: Any, answers: Any) -> NDArray[np.float64]:
        rows = len(labels)
        try:
            found = np.asarray(self.function(labels, answers), dtype=np.float64)
        except Exception as error:  # a user's function may fail in any way
            raise self._unfit(f"raises {type(error).__name__}: {error}") from error
        if found.shape not in ((), (rows,)) or not np.isfinite(found).all():
            raise self._unfit(f"gives {'no finite numbers' if found.shape in ((), (rows,)) else found.shape}")
        return found

    def _unfit(self, why: str) -> InvalidInput:
        return InvalidInput(
            f"Metric {self.name!r} {why}.", mend="Let it return one number per row, or one number.", name=self.name
        )


def own_interval(days: Sequence[MeanSums], *, confidence: float = 0.95) -> Interval:
    """The mean over days, by their rows, with bounds from drawing runs of days again; for one fixed look.

    A run has as many days as the cube root of their number. The draws are always the same.
    Raises: NotEnoughData with fewer than 3 days with rows.

    >>> own_interval([MeanSums("cost", 2, 4.0)] * 5).value
    2.0
    """
    used = [day for day in days if day.rows]
    if len(used) < MIN_BLOCKS:
        raise NotEnoughData(f"{len(used)} days with labels.", mend="Wait for labels to mature.", blocks=len(used))
    length = max(1, min(len(used) // 2, round(len(used) ** (1 / 3))))
    return bootstrap_interval(
        lambda total: float(total[0] / total[1]),
        [(day.total, day.rows) for day in used],
        rows=sum(day.rows for day in used),
        length=length,
        draws=DRAWS,
        rng=np.random.default_rng(_SEED),
        confidence=confidence,
    )
