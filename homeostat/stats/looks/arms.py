"""How much two arms differ, at every look at once."""

from __future__ import annotations

from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, counts, finite, same_length
from homeostat.stats.looks.betting import BoundedMean
from homeostat.stats.looks.bounded import Bounded


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


def _blocks(name: str, sums: ArrayLike, sizes: ArrayLike) -> tuple[Floats, Floats]:
    totals, counted = finite(f"{name} sums", sums), counts(f"{name} sizes", sizes)
    if totals.size != counted.size:
        raise InvalidInput(f"The {name} arm has other sums than sizes.", mend="Pass one of each per block.")
    return totals, counted
