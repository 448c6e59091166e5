"""Aggregates that need a window's facts themselves: deviations, quantiles, distinct counts, first and last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.features.aggregates import SHRINK
from homeostat.features.ranges import Floats, Ints
from homeostat.features.timeline import Block

Array = npt.NDArray[Any]


def listed(kind: str, q: float | None, values: Array, blocks: Iterable[Block], questions: int) -> Array:
    """The aggregate of each question's facts: float64, NaN where it is missing.

    ``values`` are the column in the timeline's order: numbers with NaN for null, or codes with -1 for null.
    For ``first`` and ``last`` the result is the place in the timeline instead, -1 where it is missing.
    """
    places = kind in ("first", "last")
    found = np.full(questions, -1, np.int64) if places else np.full(questions, 0.0 if kind == "distinct" else np.nan)
    present = values >= 0 if values.dtype.kind == "i" else ~np.isnan(values)
    for block in blocks:
        at, facts, low, high = _present(block, present)
        if not len(at):
            continue
        if places:
            found[at] = facts[low] if kind == "first" else facts[high - 1]
        elif kind == "distinct":
            found[at] = _distinct(values[facts], low, high)
        elif kind == "quantile":
            found[at] = _quantiles(values[facts], low, high, q or 0.0)
        else:
            found[at] = _deviations(values[facts], low, high)
    return found


def _present(block: Block, present: Array) -> tuple[Ints, Ints, Ints, Ints]:
    """Questions with facts that are not null, those facts one question after the other, and their bounds."""
    kept = present[block.facts]
    before = np.concatenate(([0], np.cumsum(kept)))
    low, high = before[block.low], before[block.high]
    some = high > low
    return block.questions[some], block.facts[kept], low[some], high[some]


def _distinct(codes: Ints, low: Ints, high: Ints) -> Floats:
    owner = _owner(low, high)
    order = np.lexsort((codes, owner))
    ordered = codes[order]
    new = np.ones(len(codes), dtype=np.int64)
    new[1:] = (ordered[1:] != ordered[:-1]) | (owner[1:] != owner[:-1])
    return np.add.reduceat(new, low).astype(np.float64)


def _quantiles(values: Floats, low: Ints, high: Ints, q: float) -> Floats:
    ordered = values[np.lexsort((values, _owner(low, high)))]
    place = (high - low - 1) * q
    below = np.floor(place).astype(np.int64)
    least, next_ = ordered[low + below], ordered[np.minimum(low + below + 1, high - 1)]
    with np.errstate(over="ignore", invalid="ignore"):
        found: Floats = least + (next_ - least) * (place - below)
    found[~np.isfinite(found)] = np.nan
    return found


def _deviations(values: Floats, low: Ints, high: Ints) -> Floats:
    """Around a mean that is refined once, scaled by the greatest distance: see ``aggregates.deviation``."""
    many, owner = high - low, _owner(low, high)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        total = np.add.reduceat(values * SHRINK, low) / SHRINK
        centre = total / many
        centre = centre + np.add.reduceat(values - centre[owner], low) / many
        apart = values - centre[owner]
        greatest = np.maximum.reduceat(np.abs(apart), low)
        exponent = np.frexp(np.where(np.isfinite(greatest), greatest, 1.0))[1]
        near = np.ldexp(apart, -exponent[owner])
        squares = np.add.reduceat(near * near, low) - np.add.reduceat(near, low) ** 2 / many
        found: Floats = np.ldexp(np.sqrt(np.maximum(squares, 0.0) / (many - 1)), exponent)
    found[np.maximum.reduceat(values, low) == np.minimum.reduceat(values, low)] = 0.0
    found[(many < 2) | ~np.isfinite(total) | ~np.isfinite(greatest)] = np.nan
    return found


def _owner(low: Ints, high: Ints) -> Ints:
    return np.repeat(np.arange(len(low)), high - low)
