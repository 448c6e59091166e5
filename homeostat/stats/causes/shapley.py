"""Shares of a score among the inputs that made it, by Shapley's rule: what each adds, over every order of adding.

Inputs that are not yet added keep the value of a background row, so that a share says what the row's own value did
beside rows as they commonly are. Source: Shapley (1953), A value for n-person games; Strumbelj and Kononenko (2014),
Knowl. Inf. Syst. 41, 647-665, for the sampling; pairs of opposite orders after Mitchell et al. (2022), JMLR 23(43).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Booleans, Floats, Integers

Score = Callable[[Booleans, Integers], Floats]
"""Scores of made-up rows. Each takes the inputs that are True (of shape [rows, inputs]) from the row that is explained,
and the others from the background row of its number."""
BUDGET = 16_384
"""Rows that are scored for one explanation, unless told."""
_MOST_EXACT = 16
_LEAST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Shares:
    """``base`` is the background's mean score and ``whole`` the row's; ``values`` lead from the one to the other.

    ``errors`` are standard errors of the sampling, for this very background: 0 where every order was looked at
    (``exact``). ``scored`` rows were asked for.
    """

    base: float
    whole: float
    values: tuple[float, ...]
    errors: tuple[float, ...]
    exact: bool
    scored: int

    @property
    def gap(self) -> float:
        """By how much base and values miss the row's score: rounding, and nothing else."""
        return self.whole - self.base - math.fsum(self.values)


def shares(score: Score, inputs: int, background: int, *, seed: int, budget: int = BUDGET) -> Shares:
    """The share of each input in a row's score, exact where that takes at most ``budget`` rows, else sampled.

    Args: ``inputs`` and ``background`` say how many there are. Sampling looks at pairs of opposite orders, equally
    many for every background row; at least two pairs, whatever the budget. The same seed gives the same shares.
    Raises: NotEnoughData without background; InvalidInput without inputs.

    >>> rows = np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> def total(own, number):
    ...     return np.where(own, [1.0, 4.0], rows[number]).sum(axis=1)
    >>> shares(total, 2, 2, seed=0).values
    (0.0, 4.0)
    """
    if background < 1:
        raise NotEnoughData("There is no row to compare with.", mend="Give at least one background row.")
    if inputs < 1:
        raise InvalidInput("A score of no inputs has no shares.", mend="Give at least one input.")
    if inputs <= _MOST_EXACT and (background << inputs) <= budget:
        return _exact(score, inputs, background)
    return _sampled(score, inputs, background, np.random.default_rng(seed), budget)


def _exact(score: Score, inputs: int, background: int) -> Shares:
    sets = np.arange(1 << inputs)
    own = (sets[:, None] >> np.arange(inputs)) & 1 == 1
    numbers = np.tile(np.arange(background), len(sets))
    found = score(np.repeat(own, background, axis=0), numbers)
    worth = found.reshape(len(sets), background).mean(axis=1)
    size = own.sum(axis=1)
    weights = np.array([1 / (inputs * math.comb(inputs - 1, k)) for k in range(inputs)])
    values = []
    for one in range(inputs):
        without = sets[~own[:, one]]
        values.append(float(np.dot(weights[size[without]], worth[without | 1 << one] - worth[without])))
    return Shares(float(worth[0]), float(worth[-1]), tuple(values), (0.0,) * inputs, True, found.size)


def _sampled(score: Score, inputs: int, background: int, chance: np.random.Generator, budget: int) -> Shares:
    """From each background row to the row, one input after the other; both ends of all walks are scored once."""
    pairs = max(_LEAST_PAIRS, (budget - background - 1) // (2 * background * max(1, inputs - 1)))
    first = chance.permuted(np.tile(np.arange(inputs), (background, pairs, 1)), axis=-1)
    places = np.stack([first, inputs - 1 - first], axis=2)  # when each input is added, in an order and its opposite
    steps = places[:, :, :, None, :] < np.arange(1, inputs)[:, None]
    numbers = np.repeat(np.arange(background), steps[0].size // inputs)
    ends = np.zeros((background + 1, inputs), dtype=bool)
    ends[-1] = True
    asked = np.concatenate([ends, steps.reshape(-1, inputs)])
    found = score(asked, np.concatenate([np.arange(background), [0], numbers]))
    starts, whole = found[:background], float(found[background])
    walks = np.empty((background, pairs, 2, inputs + 1))
    walks[..., 0] = starts[:, None, None]
    walks[..., 1:-1] = found[background + 1 :].reshape(background, pairs, 2, inputs - 1)
    walks[..., -1] = whole
    added = np.take_along_axis(np.diff(walks, axis=-1), places, axis=-1).mean(axis=2)
    spread = added.var(axis=1, ddof=1).sum(axis=0) / pairs
    values, errors = added.mean(axis=(0, 1)), np.sqrt(spread) / background
    return Shares(float(starts.mean()), whole, tuple(values.tolist()), tuple(errors.tolist()), False, found.size)
