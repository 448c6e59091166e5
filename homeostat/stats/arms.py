"""How much two arms differ, at every look at once."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, counts, finite, same_length
from homeostat.stats.betting import BoundedMean
from homeostat.stats.bounded import Bounded
from homeostat.stats.intervals import Interval


class MeanSequence(Protocol):
    """Whatever bounds one mean at every look: `betting.BoundedMean`, `bernstein.MovingMean`."""

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """Bounds that hold at all looks together."""
        ...


def difference_of_arms(first: MeanSequence, second: MeanSequence, *, confidence: float = 0.95) -> Interval:
    """The first arm's mean less the second's, each bounded with half the error budget.

    Holds whatever the arms have in common, the weather of their days too, and for arms of different days. For arms of
    the same days `difference_by_block` is narrower where those days differ, and `paired` where the rows are the same.
    Returns: ``blocks`` are those of the arm with fewer, ``rows`` those of both.
    Raises: NotEnoughData before the first block of either; InvalidInput for confidence outside (0, 1).

    >>> a = BoundedMean.of_means([0.8] * 60, low=0.0, high=1.0)
    >>> b = BoundedMean.of_means([0.5] * 60, low=0.0, high=1.0)
    >>> found = difference_of_arms(a, b)
    >>> round(found.low, 2), round(found.value, 2), round(found.high, 2)
    (0.19, 0.3, 0.36)
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"{confidence} is no confidence.", mend="Pass a number in (0, 1), such as 0.95.")
    each = (1.0 + confidence) / 2.0
    one, other = first.interval(confidence=each), second.interval(confidence=each)
    return Interval(
        value=one.value - other.value,
        low=one.low - other.high,
        high=one.high - other.low,
        blocks=min(one.blocks, other.blocks),
        rows=one.rows + other.rows,
        confidence=confidence,
    )


def difference_by_block(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], bounded: Bounded
) -> BoundedMean:
    """The mean over blocks of (mean of the first arm - mean of the second): what both share in a block cancels.

    Args: each arm is (sums, sizes) of the same blocks in the same order; a block in which one arm has no rows is left
    out. ``bounded`` is the promise for the rows of both arms.
    Returns: a sequence of block means, in which every block counts the same, however many rows it has.
    Raises: InvalidInput for arms with different numbers of blocks, or rows that break the promise.

    >>> by_day = difference_by_block(([30, 18], [40, 20]), ([12, 5], [20, 10]), Bounded(0.0, 1.0, largest=50))
    >>> round(by_day.interval().value, 3)
    0.275
    """
    (sums, sizes), (others, other_sizes) = _blocks("first", *first), _blocks("second", *second)
    same_length(first=sums, second=others)
    both = (sizes > 0) & (other_sizes > 0)
    bounded.scaled(sums[both], sizes[both])
    bounded.scaled(others[both], other_sizes[both])
    gaps = sums[both] / sizes[both] - others[both] / other_sizes[both]
    return BoundedMean.of_means(gaps.clip(-bounded.width, bounded.width), low=-bounded.width, high=bounded.width)


def paired(differences: ArrayLike, rows: ArrayLike, bounded: Bounded) -> BoundedMean:
    """The mean difference per row of two scorers on the very same rows; above 0, the first has more.

    Args: ``differences`` are sums over the ``rows`` of each block; ``bounded`` is the promise for either scorer's
    rows, so that differences are within plus and minus its width.
    Raises: InvalidInput where the promise is broken.

    >>> days = paired([4.0] * 40, [100] * 40, Bounded(0.0, 1.0, largest=100))
    >>> round(days.interval().low, 3), round(days.interval().value, 3)
    (-0.072, 0.04)
    """
    return BoundedMean(Bounded(-bounded.width, bounded.width, bounded.largest)).seen(differences, rows)


def _blocks(name: str, sums: ArrayLike, sizes: ArrayLike) -> tuple[Floats, Floats]:
    totals, counted = finite(f"{name} sums", sums), counts(f"{name} sizes", sizes)
    if totals.size != counted.size:
        raise InvalidInput(f"The {name} arm has other sums than sizes.", mend="Pass one of each per block.")
    return totals, counted
