"""How long a block of time must be for its neighbours to say nothing about it, by the figures' own autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, counts, finite, same_length

LEAST_BLOCKS = 20
"""With fewer blocks an autocorrelation of 0.2, by which intervals are a fifth too narrow, looks like chance."""
_ROUNDING = 1e-9
_STRICT = 0.8416212335729143
"""The normal quantile at 80 %: a correlation that is missed makes intervals too narrow, a long block only wide."""


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """Lag-1 correlation of neighbouring blocks of ``length`` steps, and ``noise``: what chance exceeds once in 5."""

    length: int
    correlation: float
    noise: float
    blocks: int

    @property
    def within_noise(self) -> bool:
        """Whether chance alone would explain it."""
        return self.correlation <= self.noise

    def to_json(self) -> dict[str, float | int]:
        """The JSON form, one key per field."""
        return {
            "length": self.length,
            "correlation": self.correlation,
            "noise": self.noise,
            "blocks": self.blocks,
        }


@dataclass(frozen=True, slots=True)
class BlockChoice:
    """The shortest block, of ``length`` steps, that is nearly independent of the next; ``blocks`` whole ones are left.

    ``seen`` holds every length that was tried, up to the one chosen. ``inflation`` is by what factor an interval would
    have to be wider for the correlation that is left, if it is more than chance: at least 1.
    """

    length: int
    blocks: int
    seen: tuple[Autocorrelation, ...]

    @property
    def inflation(self) -> float:
        """sqrt((1 + r) / (1 - r)) for the lag-1 correlation r that is left, as of a first-order process."""
        left = min(max(self.seen[-1].correlation, 0.0), 0.99)
        return float(np.sqrt((1.0 + left) / (1.0 - left)))

    def to_json(self) -> dict[str, object]:
        """The JSON form, with the inflation."""
        seen = [one.to_json() for one in self.seen]
        return {"length": self.length, "blocks": self.blocks, "inflation": self.inflation, "seen": seen}


def choose_block(sums: ArrayLike, sizes: ArrayLike, *, unit: int = 1, least_blocks: int = LEAST_BLOCKS) -> BlockChoice:
    """The smallest multiple of ``unit`` steps at which neighbouring blocks are correlated no more than by chance.

    Args: ``sums`` and ``sizes`` have one entry per step of time (an hour, a day), in order and without gaps; a step
    without rows is 0 and 0. ``unit`` is the shortest block worth trying, such as 24 hourly steps: a day whole, so that
    no block is a night. ``least_blocks`` must be left.
    Correlated are the residuals ``sum - mean * size``, so that large steps weigh more, as in the mean; the oldest steps
    are left out where they fill no block. Independent blocks pass with probability 80 %, around their expected
    correlation of -1/n. On hours of first-order memory, intervals widened by `BlockChoice.inflation` covered 91 to
    96 % where 95 % was promised (`python -m benchmarks.coverage`); 90 days were too few one time in eight.
    Raises: NotEnoughData when the history is too short, when all steps are alike, or when ``least_blocks`` of the
    longest possible length are still correlated; InvalidInput for steps that do not fit.
    Source: Bartlett (1946), JRSS Supplement 8(1), 27-41, for the band.

    >>> import numpy as np
    >>> hours = np.random.default_rng(1).normal(size=24 * 60)
    >>> found = choose_block(hours, np.ones(hours.size), unit=24)
    >>> found.length, found.blocks
    (24, 60)
    """
    totals, counted = finite("sums", sums), counts("sizes", sizes)
    same_length(sums=totals, sizes=counted)
    if unit < 1 or least_blocks < 3:
        raise InvalidInput("No such block.", mend="Pass unit >= 1 and least_blocks >= 3.")
    if counted.size < unit * least_blocks or not counted.any():
        raise _too_short(counted.size, unit * least_blocks)
    residuals, seen = totals - totals.sum() / counted.sum() * counted, list[Autocorrelation]()
    if np.abs(residuals).max() <= _ROUNDING * np.abs(totals).max():
        raise _too_short(counted.size, unit * least_blocks)
    for length in range(unit, counted.size // least_blocks + 1, unit):
        seen.append(_neighbours(residuals, length))
        if seen[-1].within_noise:
            return BlockChoice(length, seen[-1].blocks, tuple(seen))
    raise NotEnoughData(
        f"Blocks of {seen[-1].length} steps are still correlated ({seen[-1].correlation:.2f} > {seen[-1].noise:.2f}).",
        mend="Take a longer history, so that longer blocks are left in number; or look for a trend.",
        length=seen[-1].length,
        correlation=seen[-1].correlation,
    )


def _neighbours(residuals: Floats, length: int) -> Autocorrelation:
    blocks = residuals.size // length
    whole = residuals[residuals.size - blocks * length :].reshape(blocks, length).sum(axis=1)
    apart = whole - whole.mean()
    spread = float(np.dot(apart, apart))
    correlation = float(np.dot(apart[:-1], apart[1:])) / spread if spread > 0.0 else 0.0
    return Autocorrelation(length, correlation, _STRICT / float(np.sqrt(blocks)) - 1.0 / blocks, blocks)


def _too_short(steps: int, least: int) -> NotEnoughData:
    return NotEnoughData(
        f"{steps} steps, or steps that are all alike, do not show how far they depend on one another.",
        mend=f"Take a history of at least {least} steps.",
        steps=steps,
        least=least,
    )
