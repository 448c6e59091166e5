"""Sums over many spans of the same days, each day read once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import pooled


def pooled_spans(blocks: Sequence[Sums], spans: Sequence[tuple[int, int]]) -> list[Sums | None]:
    """The sums of ``blocks[first:end]`` for each span; None for one that holds none.

    >>> day = ClassSums.of([0, 1], [[0.9, 0.1], [0.4, 0.6]])
    >>> [one and one.rows for one in pooled_spans([day, day, day], [(0, 2), (1, 1), (0, 3)])]
    [4, None, 6]
    """
    over_classes = [one for one in blocks if isinstance(one, ClassSums) and one.by_score]
    sizes = {len(one.by_score) for one in over_classes}
    if len(over_classes) < len(blocks) or len(sizes) != 1:
        return [pooled(blocks[first:end]) if end > first else None for first, end in spans]
    vectors = np.array([one.vector for one in over_classes])
    upto = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0)])
    return [over_classes[0].read(upto[end] - upto[first]) if end > first else None for first, end in spans]
