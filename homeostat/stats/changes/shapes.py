"""Whether a figure jumped or crept: the step and the ramp that fit a history best, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.arrays import Floats, counts, finite, same_length

_LEAST_BLOCKS = 8
_SIDE = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the variance between blocks, what a step at the best block explains, and a ramp that begins at the best one.

    ``ramp_from`` and ``step_at`` are places in the history, counted from 0. Both have as much freedom, so the better
    fit is the likelier one; ``log_ratio`` is how many nats likelier a ramp is than a step.
    """

    step_at: int
    ramp_from: int
    step: float
    ramp: float
    log_ratio: float

    @property
    def gradual(self) -> bool:
        """Whether the ramp fits better."""
        return self.log_ratio > 0.0


def shape_of(sums: ArrayLike, sizes: ArrayLike) -> Shape:
    """Fit both to a history of block means, each weighted by its rows.

    A ramp is level until it begins and then a straight line to the end; a line from the first block on is one, too.
    Args: one sum and one row count per block, in order of time; blocks without rows do not count.
    Raises: NotEnoughData with fewer than 8 blocks that have rows, or all alike.

    >>> days = np.where(np.arange(40) < 25, 0.4, 0.6) + np.random.default_rng(1).normal(0, 0.03, 40)
    >>> shape_of(days, np.ones(40)).gradual, shape_of(days, np.ones(40)).step_at
    (False, 25)
    """
    totals, rows = finite("sums", sums), counts("sizes", sizes)
    same_length(sums=totals, sizes=rows)
    places = np.flatnonzero(rows > 0)
    if places.size < _LEAST_BLOCKS or np.ptp(totals[places] / rows[places]) == 0.0:
        raise NotEnoughData(
            f"{places.size} blocks, or blocks that are all alike, show no shape.",
            mend="Take a longer history.",
            blocks=int(places.size),
        )
    means, weights = totals[places] / rows[places], rows[places] / rows[places].sum()
    whole = _left(means, weights, np.zeros(means.size))
    at = np.arange(means.size)
    steps = [_left(means, weights, np.where(at >= cut, 1.0, 0.0)) for cut in range(_SIDE, means.size - _SIDE + 1)]
    ramps = [_left(means, weights, np.maximum(at - knot, 0).astype(np.float64)) for knot in range(means.size - _SIDE)]
    step, ramp = min(steps), min(ramps)
    tiny = 1e-12 * whole
    return Shape(
        int(places[_SIDE + int(np.argmin(steps))]),
        int(places[int(np.argmin(ramps))]),
        1.0 - step / whole,
        1.0 - ramp / whole,
        float(0.5 * means.size * np.log(max(step, tiny) / max(ramp, tiny))),
    )


def _left(means: Floats, weights: Floats, form: Floats) -> float:
    """The weighted variance that a level and a multiple of ``form`` leave."""
    around, formed = means - weights @ means, form - weights @ form
    spread = float(weights @ np.square(formed))
    slope = float(weights @ (around * formed)) / spread if spread > 0.0 else 0.0
    return float(weights @ np.square(around - slope * formed))
