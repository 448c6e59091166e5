"""Sums of rows block by block, as tests have them: rows with the name of their block."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from homeostat.stats.figures.sums import ScoreSums


def sums_by_block(labels: ArrayLike, scores: ArrayLike, blocks: ArrayLike) -> tuple[ScoreSums, ...]:
    """One `ScoreSums` per block name, in sorted order of the names."""
    truth, told, names = np.asarray(labels), np.asarray(scores), np.asarray(blocks)
    return tuple(ScoreSums.of(truth[names == name], told[names == name]) for name in np.unique(names))
