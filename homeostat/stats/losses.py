"""How large the errors of predicted numbers are likely to be before labels come: learnt from the errors of past days.

Where a classifier tells by its score how sure it is, a predicted number does not: what inputs went with large errors
has to be learnt. Any learner may be passed in; the one here is small.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.ahead import ahead
from homeostat.stats.arrays import Floats, counts
from homeostat.stats.confidence import Estimated
from homeostat.stats.intervals import MIN_BLOCKS

Matrix = NDArray[np.float64]
Foretell = Callable[[Matrix], Floats]
Learn = Callable[[Matrix, Floats], Foretell]
"""From inputs (rows, columns) and the loss of each row to a function that foretells losses of other rows."""
_RANKS = np.array([0.005, 0.02, *np.arange(1, 16) / 16, 0.98, 0.995])
"""Where bins end: those at both ends are narrow, for that is where inputs that moved will lie."""
BINS, _ROUNDS, _DRAWN = _RANKS.size + 1, 10, 8.0
FOLDS = 10


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


def estimated_loss(
    features: ArrayLike,
    past_features: ArrayLike,
    past_losses: ArrayLike,
    past_days: ArrayLike,
    *,
    learn: Learn = binned_losses,
    root: bool = False,
    confidence: float = 0.95,
) -> Estimated:
    """Estimate the mean loss of rows without labels from their inputs, with what past days say of its error.

    Args: inputs are tables of rows and columns, NaN for missing (give the predicted number as a column, too);
    ``past_losses`` are at least 0, such as absolute errors, or squared ones with ``root`` for RMSE; ``past_days``
    names each past row's day. Days are divided into up to 10 parts; each part is foretold by a learner that saw the
    others, and what it missed day by day is the error of the estimate (``missed``). ``rows`` are those estimated.
    It holds while inputs go with the errors they went with before: not where the relation has changed since.
    Raises: NotEnoughData without rows or with fewer than 3 past days; InvalidInput for tables that do not fit,
    infinite inputs, or a learner that foretells no finite number for each row.

    >>> rng = np.random.default_rng(1)
    >>> x, days = rng.random((6_000, 2)), np.repeat(np.arange(30), 200)
    >>> found = estimated_loss(x[:500] ** 0.5, x, np.abs(rng.normal(size=6_000)) * (1 + 2 * x[:, 0]), days)
    >>> found.interval.low < 0.798 * (1 + 2 * float((x[:500, 0] ** 0.5).mean())) < found.interval.high
    True
    """
    now, past = _table("features", features), _table("past_features", past_features)
    losses, names = counts("past_losses", past_losses), np.asarray(past_days)
    if past.shape[1] != now.shape[1] or not len(past) == losses.size == names.size:
        raise InvalidInput("Rows or columns differ.", mend="Pass the same columns, and one loss and day per past row.")
    days, day = np.unique(names, return_inverse=True)
    if days.size < MIN_BLOCKS or not len(now):
        mend = "Wait for traffic, and for labels to mature."
        raise NotEnoughData(f"{len(now)} rows, {days.size} past days: too few.", mend=mend, days=int(days.size))
    folds = day % min(FOLDS, days.size)
    said_of, others = np.zeros(losses.size), []
    for fold in range(int(folds.max()) + 1):
        tell = learn(past[folds != fold], losses[folds != fold])
        said_of[folds == fold] = foretold(tell, past[folds == fold])
        others.append(_figure(foretold(tell, now), root))
    value = _figure(foretold(learn(past, losses), now), root)
    sizes = np.bincount(day)
    means = [np.bincount(day, weights=values) / sizes for values in (losses, said_of)]
    seen, said = np.sqrt(means) if root else means
    missed = float(np.sqrt(np.mean((seen - said) ** 2)))
    spread = float(np.std(losses - said_of)) / np.sqrt(len(now))
    sampling = spread / (2.0 * value) if root and value > 0.0 else spread
    apart = np.array(others) - np.mean(others)
    calibration = float(np.sqrt((len(others) - 1) / len(others) * np.dot(apart, apart)))
    chance, blocks = float(np.hypot(sampling, calibration)), int(days.size)
    around = ahead(seen - said).around(value, chance, blocks=blocks, rows=len(now), confidence=confidence)
    return Estimated(dataclasses.replace(around, low=max(0.0, around.low)), sampling, calibration, missed)


def _figure(losses: Floats, root: bool) -> float:
    return float(np.sqrt(losses.mean()) if root else losses.mean())


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


def _table(name: str, values: ArrayLike) -> Matrix:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or np.isinf(table).any():
        raise InvalidInput(f"{name} is no table of finite numbers.", mend="Pass rows of columns; NaN for missing.")
    return table
