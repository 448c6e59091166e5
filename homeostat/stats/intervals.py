"""How sure a figure is when rows of one day are alike: the unit of inference is the block, not the row.

Every interval here is for one fixed look at the data, not for a figure watched until it pleases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, counts, finite, same_length

MIN_BLOCKS = 3
"""With fewer blocks the spread between them says next to nothing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with two-sided bounds and what it stands on: ``blocks`` of time holding ``rows``."""

    value: float
    low: float
    high: float
    blocks: int
    rows: int
    confidence: float

    def to_json(self) -> dict[str, float | int]:
        """The JSON form, one key per field."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "blocks": self.blocks,
            "rows": self.rows,
            "confidence": self.confidence,
        }


def block_mean(values: ArrayLike, blocks: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """The mean over all rows, with an interval that stays honest when rows of one block move together.

    Args: ``blocks`` names each row's block (a day, as text or number); blocks may differ in size and
    should be long enough to be nearly independent of one another.
    Raises: NotEnoughData with fewer than 3 blocks; InvalidInput for missing values.

    >>> b = block_mean([1.0, 3.0, 2.0, 2.0, 0.0, 4.0], ["a", "a", "b", "b", "c", "c"])
    >>> b.value, b.blocks, b.rows
    (2.0, 3, 6)
    """
    rows = finite("values", values)
    names = np.asarray(blocks)
    same_length(values=rows, blocks=names)
    sums, sizes = block_sums(rows, names)
    return block_mean_from_sums(sums, sizes, confidence=confidence)


def block_sums(values: Floats, blocks: NDArray[np.generic]) -> tuple[Floats, Floats]:
    """The sum and the number of rows of every block, in sorted order of block."""
    names, place = np.unique(blocks, return_inverse=True)
    sums: Floats = np.zeros(names.size)
    np.add.at(sums, place, values)
    return sums, np.bincount(place, minlength=names.size).astype(np.float64)


def block_mean_from_sums(sums: ArrayLike, sizes: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """`block_mean` from one sum and one row count per block, so that day summaries suffice.

    A ratio estimator with the cluster-robust variance: with residuals ``e = sum - mean * size``, the
    variance is ``g / (g - 1) * sum(e**2) / rows**2``, and bounds use Student's t with ``g - 1`` degrees
    of freedom. Blocks without rows do not count.
    Raises: NotEnoughData with fewer than 3 blocks; InvalidInput for missing values.
    Source: Cameron and Miller (2015), Journal of Human Resources 50(2), 317-372 (CR1).
    """
    totals, counted = finite("sums", sums), counts("sizes", sizes)
    same_length(sums=totals, sizes=counted)
    totals, counted = totals[counted > 0], counted[counted > 0]
    blocks, rows = _enough(totals.size), float(counted.sum())
    mean = float(totals.sum() / rows)
    residuals = totals - mean * counted
    error = float(np.sqrt(blocks / (blocks - 1) * np.dot(residuals, residuals)) / rows)
    return student_interval(mean, error, blocks=blocks, rows=int(rows), confidence=confidence)


def jackknife(
    statistic: Callable[[Floats], float], block_sums: ArrayLike, *, rows: int, confidence: float = 0.95
) -> Interval:
    """An interval for any smooth figure of totals, such as AUC or skill, by leaving out a block at a time.

    Args: ``block_sums`` has one row of additive sums per block; ``statistic`` reads the total of some
    blocks. Bounds use Student's t with ``blocks - 1`` degrees of freedom and may leave the figure's range.
    Raises: NotEnoughData with fewer than 3 blocks, or where the figure is undefined without some block.
    Source: Efron and Stein (1981), Annals of Statistics 9(3), 586-596.

    >>> mean = jackknife(lambda total: total[0] / total[1], [[1, 2], [4, 2], [3, 2]], rows=6)
    >>> round(mean.value, 4), mean.blocks
    (1.3333, 3)
    """
    parts = np.asarray(block_sums, dtype=np.float64)
    if parts.ndim != 2 or not np.isfinite(parts).all():
        raise InvalidInput("Block sums are not a full table.", mend="Pass one row of numbers per block.")
    blocks, total = _enough(len(parts)), parts.sum(axis=0)
    left_out = finite("figures without one block", [statistic(total - part) for part in parts])
    spread = left_out - left_out.mean()
    error = float(np.sqrt((blocks - 1) / blocks * np.dot(spread, spread)))
    return student_interval(float(statistic(total)), error, blocks=blocks, rows=rows, confidence=confidence)


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Bound a success rate; safe near 0 and 1, where the normal interval is not. Every trial is a block.

    Args: ``successes`` and ``trials`` are counts; ``confidence`` is two-sided, in (0, 1).
    Returns: bounds in [0, 1]; to rounding, ``low <= successes / trials <= high``.
    Raises: NotEnoughData when ``trials`` is 0; InvalidInput when ``successes`` is not in [0, trials].
    Source: Wilson (1927), JASA 22(158), 209-212.

    >>> b = wilson_interval(8, 10)
    >>> round(b.low, 4), round(b.high, 4)
    (0.4902, 0.9433)
    """
    if trials == 0:
        raise NotEnoughData("A rate of no trials is undefined.", mend="Wait for the first trial.", trials=0)
    if not 0 <= successes <= trials:
        raise InvalidInput(f"{successes} of {trials} is no rate.", mend="Pass 0 <= successes <= trials.")
    z = NormalDist().inv_cdf(_tail(confidence))
    rate, weight = successes / trials, z * z / trials
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * float(np.sqrt(rate * (1 - rate) / trials + weight / trials / 4))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(rate, low, high, trials, trials, confidence)


def student_interval(
    value: float, error: float, *, blocks: int, rows: int, confidence: float, degrees: float | None = None
) -> Interval:
    """Bounds of ``value`` from its standard error and Student's t with ``degrees`` of freedom, or ``blocks - 1``."""
    if error == 0:
        return Interval(value, value, value, blocks, rows, confidence)
    from scipy import special  # a quarter of a second that 'status' need not wait for where nothing differs

    reach = float(special.stdtrit(degrees or blocks - 1, _tail(confidence))) * error
    return Interval(value, value - reach, value + reach, blocks, rows, confidence)


def in_units(found: Interval, unit: float) -> Interval | None:
    """The same as a share of ``unit``; None where that is 0. In units of 1 it is what it was.

    >>> in_units(Interval(2.0, 1.0, 3.0, 5, 50, 0.95), 4.0).value
    0.5
    """
    if unit == 1.0:
        return found
    if unit <= 0.0:
        return None
    value, low, high = (one / unit for one in (found.value, found.low, found.high))
    return Interval(value, low, high, found.blocks, found.rows, found.confidence)


def _enough(blocks: int) -> int:
    if blocks < MIN_BLOCKS:
        raise NotEnoughData(
            f"{blocks} blocks are too few for an interval; {MIN_BLOCKS} are the least.",
            mend="Take a longer span.",
            blocks=blocks,
            least=MIN_BLOCKS,
        )
    return blocks


def _tail(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"{confidence} is no confidence.", mend="Pass a number in (0, 1), such as 0.95.")
    return (1.0 + confidence) / 2.0
