"""How large the errors of predicted numbers are likely to be before labels come: learnt from the errors of past days.

Where a classifier tells by its score how sure it is, a predicted number does not: what inputs went with large errors
has to be learnt. Any learner may be passed in; the one here is small.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats

Matrix = NDArray[np.float64]
Foretell = Callable[[Matrix], Floats]
Learn = Callable[[Matrix, Floats], Foretell]
"""From inputs (rows, columns) and the loss of each row to a function that foretells losses of other rows."""
_RANKS = np.array([0.005, 0.02, *np.arange(1, 16) / 16, 0.98, 0.995])
"""Where bins end: those at both ends are narrow, for that is where inputs that moved will lie."""
BINS, _ROUNDS, _DRAWN = _RANKS.size + 1, 10, 8.0


def binned_losses(features: Matrix, losses: Floats, *, least: float = 0.0) -> Foretell:
    """Learn losses as a mean plus a part for each input's bin; inputs that only together matter are not seen.

    20 quantile bins for each column, missing values in one of their own; parts are fitted in turns and drawn to 0 as
    by 8 rows. Foretold losses are at least ``least``; -inf lets errors be foretold that may be below 0.
    Source: Hastie and Tibshirani (1986), Statistical Science 1(3), 297-310 (backfitting).

    >>> x = np.linspace(0, 1, 4_000).reshape(-1, 1)
    >>> foretell = binned_losses(x, np.where(x[:, 0] < 0.5, 1.0, 3.0))
    >>> foretell(np.array([[0.1], [0.9], [np.nan]])).round(1).tolist()
    [1.0, 3.0, 2.0]
    """
    edges = [_edges(column) for column in features.T]
    places = [_places(column, edge) for column, edge in zip(features.T, edges, strict=True)]
    mean, parts = float(losses.mean()), [np.zeros(BINS + 1) for _ in edges]
    left = losses - mean
    for _ in range(_ROUNDS):
        for column, place in enumerate(places):
            left = left + parts[column][place]
            rows = np.bincount(place, minlength=BINS + 1)
            parts[column] = np.bincount(place, weights=left, minlength=BINS + 1) / (rows + _DRAWN)
            left = left - parts[column][place]

    def foretell(others: Matrix) -> Floats:
        found = np.full(len(others), mean)
        for column, (edge, part) in enumerate(zip(edges, parts, strict=True)):
            found = found + part[_places(others[:, column], edge)]
        return np.asarray(np.maximum(found, least))

    return foretell


def foretold(tell: Foretell, features: Matrix) -> Floats:
    """The foretold loss of each row. Raises: InvalidInput for anything else."""
    found = np.asarray(tell(features), dtype=np.float64)
    if found.shape != (len(features),) or not np.isfinite(found).all():
        raise InvalidInput("The learner foretells no finite loss for each row.", mend="Let it return one per row.")
    return found


def _edges(column: Floats) -> Floats:
    known = column[~np.isnan(column)]
    return np.unique(np.quantile(known, _RANKS)) if known.size else np.zeros(0)


def _places(column: Floats, edges: Floats) -> NDArray[np.int64]:
    found = np.searchsorted(edges, column, side="right")
    return np.where(np.isnan(column), BINS, found).astype(np.int64)
