"""When a figure changed, looking back: the likeliest moment, how sure that is, and how much it changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, counts, finite, same_length
from homeostat.stats.bootstrap import resampled

LEAST_SIDE = 3
"""Blocks that must be left on either side of a change, so that both levels have a spread."""


@dataclass(frozen=True, slots=True)
class Change:
    """The figure is ``before`` up to block ``at`` (counted from 0) and ``after`` from that block on.

    ``earliest`` and ``latest`` bound the place with the stated ``confidence``. ``p_value`` is the chance that a history
    without change, with the same autocorrelation within runs, shows one as clear; judge it before the place.
    """

    at: int
    earliest: int
    latest: int
    before: float
    after: float
    p_value: float
    blocks: int
    confidence: float

    @property
    def size(self) -> float:
        """By how much the figure rose; negative where it fell."""
        return self.after - self.before

    def to_json(self) -> dict[str, float | int]:
        """The JSON form, one key per field."""
        return {
            "at": self.at,
            "earliest": self.earliest,
            "latest": self.latest,
            "before": self.before,
            "after": self.after,
            "p_value": self.p_value,
            "blocks": self.blocks,
            "confidence": self.confidence,
        }


def change_point(
    sums: ArrayLike,
    sizes: ArrayLike,
    *,
    rng: np.random.Generator,
    length: int = 1,
    draws: int = 499,
    confidence: float = 0.95,
) -> Change:
    """The one change of level that explains a history best, for the question of what happened near it.

    The moment is where the weighted CUSUM of the row-weighted residuals peaks. Its p-value is against histories
    made of runs of ``length`` blocks of this one, in any order; its interval is from histories with the change and
    runs of the residuals around both levels, in which the moment is looked for again.
    Args: ``sums`` and ``sizes`` have one entry per block, in order of time; ``length`` is in blocks, longer where
    neighbouring blocks are correlated; ``draws`` bounds the p-value from below at
    ``1 / (draws + 1)``. Runs too short for the memory make p-values too small (with a lag-1 correlation of 0.6 and 120
    blocks, 5 % came out 14, 8 and 6 % of the time with runs of 5, 10 and 20); long ones see less.
    A slow drift gives a small p-value, too: its place is then where it is half done.
    Raises: NotEnoughData with fewer than 6 blocks that have rows, too few for two runs, or blocks that are all alike;
    InvalidInput for no draws or no confidence.
    Source: Csorgo and Horvath (1997), Limit Theorems in Change-Point Analysis, chapter 2; Antoch and Huskova (1999)
    for the bootstrap of its place.

    >>> import numpy as np
    >>> days = np.random.default_rng(1).normal(size=60) + 3.0 * (np.arange(60) >= 40)
    >>> found = change_point(days, np.ones(60), rng=np.random.default_rng(2))
    >>> found.at, found.earliest <= 40 <= found.latest, found.p_value
    (40, True, 0.002)
    """
    if not 0.0 < confidence < 1.0 or draws < 1:
        raise InvalidInput("No draws or no confidence.", mend="Pass draws >= 1 and confidence in (0, 1).")
    totals, rows, places = _with_rows(sums, sizes)
    at, height = _peaks(totals[None], rows)
    cut = int(at[0])
    before, after = (float(totals[part].sum() / rows[part].sum()) for part in (slice(cut), slice(cut, None)))
    level = np.where(np.arange(rows.size) < cut, before, after)
    mean = np.full(rows.size, totals.sum() / rows.sum())
    runs = resampled(rows.size, length=length, draws=draws, rng=rng)
    calm = _peaks(_residuals(totals, rows, mean)[runs] * np.sqrt(rows), rows)[1]
    moved = _peaks(_residuals(totals, rows, level)[runs] * np.sqrt(rows) + level * rows, rows)[0]
    p_value = float((1 + np.count_nonzero(calm >= height[0])) / (draws + 1))
    tail = (1.0 - confidence) / 2.0
    misses = np.sort(moved - cut)
    back, on = np.quantile(misses, [tail, 1.0 - tail], method="inverted_cdf")
    first, last = (int(np.clip(cut - miss, 1, rows.size - 1)) for miss in (on, back))
    return Change(
        int(places[cut]), int(places[first]), int(places[last]), before, after, p_value, rows.size, confidence
    )


def _with_rows(sums: ArrayLike, sizes: ArrayLike) -> tuple[Floats, Floats, np.ndarray]:
    totals, rows = finite("sums", sums), counts("sizes", sizes)
    same_length(sums=totals, sizes=rows)
    places = np.flatnonzero(rows > 0)
    totals, rows = totals[places], rows[places]
    if places.size < 2 * LEAST_SIDE or np.ptp(totals / rows) == 0.0:
        raise NotEnoughData(
            f"{places.size} blocks, or blocks that are all alike, show no moment of change.",
            mend="Take a longer history.",
            blocks=int(places.size),
        )
    return totals, rows, places


def _peaks(totals: Floats, rows: Floats) -> tuple[np.ndarray, Floats]:
    """For every history: the first block of the new level, and the height of the weighted CUSUM there.

    Heights are in standard deviations of the blocks around both levels, so that histories can be compared.
    """
    weight = np.cumsum(rows)[:-1] / rows.sum()
    mean = totals.sum(axis=1, keepdims=True) / rows.sum()
    path = np.cumsum(totals - mean * rows, axis=1)[:, :-1]
    heights = np.square(path) / (weight * (1.0 - weight))
    heights[:, : LEAST_SIDE - 1] = heights[:, heights.shape[1] - LEAST_SIDE + 1 :] = -1.0
    at = heights.argmax(axis=1)
    most = heights[np.arange(len(at)), at] / rows.sum()
    whole = (np.square(totals - mean * rows) / rows).sum(axis=1)
    left = np.maximum(whole - most, 1e-12 * np.maximum(whole, 1e-300))
    return at + 1, np.sqrt(most / left * rows.size)


def _residuals(totals: Floats, rows: Floats, level: Floats) -> Floats:
    """Residuals of blocks, made alike in spread: a block's mean varies as one over the root of its rows."""
    apart = (totals - level * rows) / np.sqrt(rows)
    return np.asarray(apart - apart.mean())
