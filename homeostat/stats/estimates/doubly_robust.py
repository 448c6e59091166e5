"""Figures of all rows where only some have a label that counts: weighted, and put right by what scores are worth.

Each labelled row stands for as many as it was drawn from. Chance then gives some scores too many rows and others too
few; a model of what each score is worth moves them to where all rows are. The figure is right if either is: the
chances with which rows were drawn, which are known, or the model.
Source: Robins, Rotnitzky and Zhao (1994), Journal of the American Statistical Association 89(427), 846-866.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.estimates.class_confidence import chances_by_class
from homeostat.stats.estimates.confidence import jackknifed
from homeostat.stats.figures.calibration import fit_calibration
from homeostat.stats.figures.class_figures import CLASS_FIGURES, ClassFigure
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.scores import FIGURES, Figure, Tables, cut_of, table_of
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import MIN_BLOCKS, Interval, student_interval


def doubly_robust(
    scores: ArrayLike, weighted: Sequence[ScoreSums], *, threshold: float = 0.5, confidence: float = 0.95
) -> dict[str, Interval | None]:
    """Every figure of `FIGURES` over blocks, with bounds by leaving out a block at a time, the model with it.

    Args: ``scores`` has one row per block: how many rows it had in all, by bin of score. ``weighted`` are the sums of
    its labelled rows, each row as often as it stands for rows.
    Returns: None for a figure that is undefined, of all blocks or without one of them.
    Raises: NotEnoughData with fewer than 3 blocks, or unless both outcomes occur; InvalidInput for other shapes.

    >>> rng = np.random.default_rng(1)
    >>> days = [ScoreSums.of(rng.random(400) < 0.3, np.full(400, 0.3)) for _ in range(5)]
    >>> every = [[a + b for a, b in zip(day.negatives_by_score, day.positives_by_score)] for day in days]
    >>> found = doubly_robust(every, days)["base_rate"]
    >>> round(found.value, 2), found.blocks
    (0.29, 5)
    """
    every = np.asarray(scores, dtype=np.float64)
    if every.shape != (len(weighted), SCORE_BINS) or not np.isfinite(every).all():
        raise InvalidInput("Scores do not fit their blocks.", mend="Pass one count per bin of score and block.")
    if len(weighted) < MIN_BLOCKS:
        raise NotEnoughData(
            f"{len(weighted)} blocks are too few for an interval; {MIN_BLOCKS} are the least.",
            mend="Take a longer span.",
            blocks=len(weighted),
        )
    counted = np.array([table_of(one) for one in weighted])
    tables, rows = _left_out(every, counted, _table), int(every.sum())
    cut = cut_of(threshold)
    return {name: _interval(one.of(tables, cut), one, rows, confidence) for name, one in FIGURES.items()}


def doubly_robust_classes(
    scores: ArrayLike, weighted: Sequence[ClassSums], *, confidence: float = 0.95
) -> dict[str, Interval | None]:
    """The same over several classes, of `class_figures.class_counts`, flat.

    Raises: as `doubly_robust`, and where days did not count chances.
    """
    kept = [table for one in weighted if (table := one.table) is not None]
    if len(kept) < max(MIN_BLOCKS, len(weighted)):
        raise NotEnoughData(
            f"{len(kept)} blocks with chances are too few; {MIN_BLOCKS} are the least.",
            mend="Take a longer span.",
            blocks=len(kept),
        )
    every = np.asarray(scores, dtype=np.float64)
    if every.size != len(kept) * kept[0].size // 2 or not np.isfinite(every).all():
        raise InvalidInput("Scores do not fit their blocks.", mend="Pass the counts of class_counts for each block.")
    every = every.reshape(len(kept), *kept[0].shape[:2], -1)
    tables, rows = _left_out(every, np.stack(kept), _table_of_classes), int(every[:, 0].sum())
    return {name: _interval(one.of(tables), one, rows, confidence) for name, one in CLASS_FIGURES.items()}


def _left_out(every: Floats, counted: Floats, table: Callable[[Floats, Floats], Floats]) -> Floats:
    """Tables of all blocks, and without each."""
    whole, told = every.sum(axis=0), counted.sum(axis=0)
    return np.array([table(whole, told), *(table(whole - a, told - b) for a, b in zip(every, counted, strict=True))])


def _table_of_classes(every: Floats, told: Floats) -> Floats:
    chance = chances_by_class(told)
    missing = every - told.sum(axis=-2)
    return np.asarray(told + np.stack([missing * (1.0 - chance), missing * chance], axis=-2))


def _table(every: Floats, told: Tables) -> Tables:
    """Rows by outcome and score: expected of all rows, and corrected by how the labelled ones differ from that."""
    chance = fit_calibration(told[0], told[1], method="beta").chances
    missing = every - told.sum(axis=0)
    return np.asarray(told + np.stack([missing * (1.0 - chance), missing * chance]))


def _interval(figures: Floats, figure: Figure | ClassFigure, rows: int, confidence: float) -> Interval | None:
    values = figures.clip(figure.low, figure.high)
    if not np.isfinite(values).all():
        return None
    left_out, blocks = values[1:], len(values) - 1
    error = jackknifed(left_out)
    found = student_interval(float(values[0]), error, blocks=blocks, rows=rows, confidence=confidence)
    return Interval(found.value, max(found.low, figure.low), min(found.high, figure.high), blocks, rows, confidence)
