"""How much likelier an input is now than before, learnt by telling old rows from new ones: density ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Booleans, Floats, Integers, same_length

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RIDGES = (0.1, 0.01, 0.001, 0.0003)
"""Penalties that are tried, strongest first; the one that foretells held-out days best is taken."""
_NEARLY = 1e-3
"""Of penalties that are that close, in nats, the weakest is taken: a strong one leaves shifts unexplained."""
_FOLDS = 4
_STEPS = 40
_MOST_LEARNT = 6_000
"""Rows that a fold is learnt on: more make it slower, and the days are what it is short of."""


@dataclass(frozen=True, slots=True, eq=False)
class Recency:
    """Per row the chance that it is a new one, were as many old as new; told by a model that never saw its day.

    The density ratio of a row is ``chance / (1 - chance)``. ``ridge`` is the penalty taken; None where no model
    foretold held-out days better than a coin, and every chance is one half. ``loss`` is the log-loss on held-out days
    in nats: ln 2 where old and new inputs cannot be told apart.
    """

    chance: Floats
    ridge: float | None
    loss: float


def recency(bins: Integers, sizes: Sequence[int], new: Booleans, days: Integers, *, folds: int = _FOLDS) -> Recency:
    """Tell new rows from old ones by their inputs' bins, each row by a model fitted to other days.

    Args: ``bins`` has shape (rows, inputs): the bin of each input, from 0 to below its entry of ``sizes``; a bin of
    its own for what is missing treats numbers and texts alike. ``days`` are the rows' blocks: all rows of a day are in
    one fold, for they share their weather.
    It is a logistic regression on one indicator per bin, with a quadratic penalty, old and new weighted alike. So it
    sees shifts of every single input, whatever their shape; of combinations of inputs only what adds up in log-odds.
    A model of the last input alone is tried beside it, which holds where the others only name days: pass last what
    sums up the others, such as a score.
    Raises: NotEnoughData with fewer than two days on either side; InvalidInput where shapes do not fit.
    Source: Qin (1998), Biometrika 85(3), 619-630, for ratios from a classifier.

    >>> old_new = np.repeat([False, True], 400)
    >>> inputs = np.random.default_rng(1).integers(0, 2, (800, 1)) | old_new[:, None]
    >>> found = recency(inputs, [2], old_new, np.arange(800) % 40 + 40 * old_new)
    >>> ratio = found.chance / (1 - found.chance)
    >>> bool(1.8 < ratio[old_new].mean() < 2.2)
    True
    """
    same_length(bins=bins, new=new, days=days)
    if bins.ndim != 2 or bins.shape[1] != len(sizes) or (bins.size and (bins >= np.array(sizes)).any()):
        raise InvalidInput("Bins do not fit their sizes.", mend="Pass one column of bins per size, each below it.")
    fold = _folds(new, days, folds)
    design = _design(bins, sizes)
    weights = np.where(new, 0.5 / new.sum(), 0.5 / (~new).sum())
    last = _design(bins[:, -1:], sizes[-1:])
    odds = np.zeros((len(RIDGES) + 1, new.size))
    for one in range(folds):
        rest, asked = _some(np.flatnonzero(fold != one)), np.flatnonzero(fold == one)
        for places, ridges, basis in ((range(1, len(RIDGES) + 1), RIDGES, design), ((0,), RIDGES[-1:], last)):
            held, learnt, start = basis[asked], basis[rest], np.zeros(basis.shape[1] + 1)
            for place, ridge in zip(places, ridges, strict=True):
                start = _fitted(learnt, new[rest], weights[rest], ridge, start)
                odds[place, asked] = held @ start[:-1] + start[-1]
    losses = np.logaddexp(0.0, np.where(new, -odds, odds)) @ weights
    if losses.min() >= np.log(2.0):
        return Recency(np.full(new.size, 0.5), None, float(np.log(2.0)))
    best = int(np.flatnonzero(losses <= losses.min() + _NEARLY)[-1])
    return Recency(_logistic(odds[best]), (RIDGES[-1], *RIDGES)[best], float(losses[best]))


def _some(rows: Integers) -> Integers:
    return rows[:: -(-rows.size // _MOST_LEARNT)] if rows.size > _MOST_LEARNT else rows


def _folds(new: Booleans, days: Integers, folds: int) -> Integers:
    """Days dealt out in turn on either side, so that each fold has some of both."""
    fold = np.zeros(new.size, dtype=np.int64)
    for side in (~new, new):
        names, place = np.unique(days[side], return_inverse=True)
        if names.size < 2:
            raise NotEnoughData(
                f"{names.size} days on one side cannot be learnt on and judged apart.",
                mend="Take a longer span.",
                days=int(names.size),
            )
        fold[side] = place % min(folds, names.size)
    return fold


def _design(bins: Integers, sizes: Sequence[int]) -> csr_matrix:
    from scipy.sparse import csr_matrix  # the import takes longer than most figures

    rows, inputs = bins.shape
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    places = (bins + offsets[:-1]).ravel()
    return csr_matrix(
        (np.ones(places.size), places, np.arange(rows + 1) * inputs), shape=(rows, max(int(offsets[-1]), 1))
    )


def _fitted(design: csr_matrix, new: Booleans, weights: Floats, ridge: float, start: Floats) -> Floats:
    from scipy.optimize import minimize

    share, back = weights / weights.sum(), design.T.tocsr()
    sign = np.where(new, 1.0, -1.0)

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ beta[:-1] + beta[-1])
        pull = -share * sign * _logistic(-margin)
        value = float(share @ np.logaddexp(0.0, -margin) + 0.5 * ridge * beta[:-1] @ beta[:-1])
        return value, np.append(back @ pull + ridge * beta[:-1], pull.sum())

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    return np.asarray(found.x, dtype=np.float64)


def _logistic(odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(odds), dtype=np.float64)
