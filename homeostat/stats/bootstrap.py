"""How a figure varies from one stretch of time to another: whole runs of blocks are drawn again, never single rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, Integers
from homeostat.stats.intervals import MIN_BLOCKS, Interval

Kind = Literal["circular", "stationary"]


def resampled(blocks: int, *, length: int, draws: int, rng: np.random.Generator, kind: Kind = "circular") -> Integers:
    """Places of blocks in ``draws`` histories as long as the real one, made of runs of it: shape (draws, blocks).

    Args: ``length`` is that of a run in blocks, or its mean for "stationary", whose runs end by chance so that no
    place in the history is special; the end is followed by the beginning. Neighbours stay neighbours within a run, so
    autocorrelation up to ``length`` is kept.
    Raises: NotEnoughData with fewer than 3 blocks or not two runs; InvalidInput for no draws or no length.
    Source: Politis and Romano (1992), in LePage and Billard (eds.), Exploring the Limits of Bootstrap, 263-270
    (circular); Politis and Romano (1994), JASA 89(428), 1303-1313 (stationary).

    >>> import numpy as np
    >>> resampled(6, length=3, draws=2, rng=np.random.default_rng(4)).tolist()
    [[4, 5, 0, 3, 4, 5], [5, 0, 1, 3, 4, 5]]
    """
    if length < 1 or draws < 1:
        raise InvalidInput("No runs, or no draws.", mend="Pass length >= 1 and draws >= 1.")
    if blocks < max(MIN_BLOCKS, 2 * length):
        raise NotEnoughData(
            f"{blocks} blocks do not hold two runs of {length}.", mend="Take a longer history.", blocks=blocks
        )
    first = rng.integers(0, blocks, (draws, blocks))
    if kind == "circular":
        starts = first[:, ::length][:, :, None]
        return np.asarray((starts + np.arange(length)).reshape(draws, -1)[:, :blocks] % blocks)
    begins = rng.random((draws, blocks)) < 1.0 / length
    begins[:, 0] = True
    since = np.maximum.accumulate(np.where(begins, np.arange(blocks), 0), axis=1)
    return np.asarray((np.take_along_axis(first, since, axis=1) + np.arange(blocks) - since) % blocks)


def block_bootstrap(
    statistic: Callable[[Floats], float],
    block_sums: ArrayLike,
    *,
    length: int,
    draws: int,
    rng: np.random.Generator,
    kind: Kind = "circular",
) -> Floats:
    """A figure of totals, such as skill or AUC, as it might have been: one value per draw.

    Args: ``block_sums`` has one row of additive sums per block, in order of time; ``statistic`` reads the total of
    drawn blocks; the rest is as for `resampled`. What the statistic raises in a draw is raised.
    Raises: as `resampled`; InvalidInput when the table is not full.

    >>> import numpy as np
    >>> table = [[1.0, 2.0], [3.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    >>> drawn = block_bootstrap(lambda total: total[0] / total[1], table, length=1, draws=500,
    ...                         rng=np.random.default_rng(1))
    >>> drawn.size, round(float(drawn.mean()), 1)
    (500, 1.0)
    """
    parts = np.asarray(block_sums, dtype=np.float64)
    if parts.ndim != 2 or not np.isfinite(parts).all():
        raise InvalidInput("Block sums are not a full table.", mend="Pass one row of numbers per block.")
    places = resampled(len(parts), length=length, draws=draws, rng=rng, kind=kind)
    times = np.zeros((draws, len(parts)))
    np.add.at(times, (np.arange(draws)[:, None], places), 1.0)
    return np.array([statistic(total) for total in times @ parts], dtype=np.float64)


def bootstrap_interval(
    statistic: Callable[[Floats], float],
    block_sums: ArrayLike,
    *,
    rows: int,
    length: int,
    draws: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bounds of any figure of totals, for one fixed look, when neighbouring blocks are correlated.

    With few runs the bounds are too narrow: with 30 runs of first-order streams, 95 % covered 88 to 91 %.
    Args: as `block_bootstrap`; ``rows`` is what the figure stands on.
    Raises: as `block_bootstrap`; NotEnoughData when a drawn figure is not a number.
    Source: Kunsch (1989), Annals of Statistics 17(3), 1217-1241.
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"{confidence} is no confidence.", mend="Pass a number in (0, 1), such as 0.95.")
    parts = np.asarray(block_sums, dtype=np.float64)
    drawn = block_bootstrap(statistic, parts, length=length, draws=draws, rng=rng)
    if not np.isfinite(drawn).all():
        raise NotEnoughData("The figure is undefined in some draws.", mend="Take a longer span.", draws=draws)
    low, high = np.quantile(drawn, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(float(statistic(parts.sum(axis=0))), float(low), float(high), len(parts), rows, confidence)
