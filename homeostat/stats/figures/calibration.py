"""What a score is worth: the chance that a row comes true, by its score, refit from counts of labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, counts
from homeostat.stats.figures.sums import SCORE_BINS

Method = Literal["auto", "beta", "isotonic", "platt"]


@cache
def centres(bins: int) -> Floats:
    """The scores that stand for bins that are equally wide in arcsin(sqrt(score))."""
    return np.asarray(np.sin((np.arange(bins) + 0.5) * (np.pi / (2 * bins))) ** 2)


CENTRES: Floats = centres(SCORE_BINS)
"""The score that stands for each bin of `sums.ScoreSums`."""
MANY = 1_000
"""Rows of the rarer outcome from which steps of any shape are better than a curve of three numbers."""
_ROUNDS, _ENOUGH = 50, 1e-9
_PRIOR = 1.0
"""How hard a curve is drawn to "scores are chances": as one unit of information, next to nothing beside real rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The chance of coming true for each bin of score, never falling with the score; ``rows`` is what it stands on."""

    method: Method
    chances: Floats
    rows: float


def fit_calibration(
    negatives: ArrayLike, positives: ArrayLike, *, method: Method = "auto", bins: int = SCORE_BINS
) -> Calibration:
    """Learn from labelled rows what each score is worth; counts suffice, so stored days refresh it without raw rows.

    Args: rows by bin of score as in `sums.ScoreSums`, that came out false and true; they may be weighted. ``bins``: how
    many there are, always equally wide in arcsin(sqrt(score)). ``method``:
    ``isotonic`` takes any rising steps, which wants thousands of rows; ``beta`` a curve of three numbers, that also
    puts right scores that are too sure at one end; ``platt`` one of two, on the log-odds of the score; ``auto`` is
    `chosen_method`.
    Raises: NotEnoughData unless both outcomes occur; InvalidInput for counts that do not fit, or another method.
    Source: Zadrozny and Elkan (2002), KDD, 694-699 (isotonic); Kull, Silva Filho and Flach (2017), AISTATS, 623-631
    (beta); Platt (1999), Advances in Large Margin Classifiers, 61-74, here on log-odds.

    >>> from homeostat.stats.figures.sums import ScoreSums
    >>> sure = ScoreSums.of([1, 1, 1, 0] * 500, [0.9, 0.9, 0.9, 0.9] * 500)
    >>> too = sure + ScoreSums.of([1, 0, 0, 0] * 500, [0.1, 0.1, 0.1, 0.1] * 500)
    >>> found = fit_calibration(too.negatives_by_score, too.positives_by_score, method="platt")
    >>> round(float(np.interp(0.9, CENTRES, found.chances)), 2)
    0.75
    """
    lost, won = by_score("negatives", negatives, bins), by_score("positives", positives, bins)
    if not (lost.any() and won.any()):
        raise NotEnoughData(
            "Labels of one class do not show what scores are worth.",
            mend="Take a longer span, so that both outcomes occur.",
            negatives=float(lost.sum()),
            positives=float(won.sum()),
        )
    method = chosen_method(lost, won) if method == "auto" else method
    if method not in _FITS:
        raise InvalidInput(f"No calibration {method!r}.", mend=f"Choose one of {', '.join(_FITS)}.", method=method)
    return Calibration(method, _FITS[method](lost, won), float(lost.sum() + won.sum()))


def chosen_method(negatives: ArrayLike, positives: ArrayLike) -> Method:
    """``isotonic`` where both outcomes came a thousand times, ``beta`` where it would follow chance.

    Source: Niculescu-Mizil and Caruana (2005), Predicting good probabilities with supervised learning, ICML, 625-632.

    >>> chosen_method([500, 900], [200, 900]), chosen_method([500, 900], [200, 100])
    ('isotonic', 'beta')
    """
    return "isotonic" if min(np.sum(negatives), np.sum(positives)) >= MANY else "beta"


def by_score(name: str, values: ArrayLike, bins: int = SCORE_BINS) -> Floats:
    """One count for each bin of score. Raises: InvalidInput for anything else, negative or missing counts included."""
    array = counts(name, values)
    if array.size != bins:
        raise InvalidInput(
            f"{name} has {array.size} bins of score, not {bins}.", mend="Count with ScoreSums or score_counts."
        )
    return array


def _isotonic(lost: Floats, won: Floats) -> Floats:
    from scipy.optimize import isotonic_regression

    rows = lost + won
    used = rows > 0
    middles = centres(lost.size)
    steps = isotonic_regression(won[used] / rows[used], weights=rows[used]).x
    return np.asarray(np.interp(middles, middles[used], steps))


def _beta(lost: Floats, won: Floats) -> Floats:
    """Log-odds ``a * log(score) - b * log(1 - score) + c`` with a and b of at least 0."""
    scores = centres(lost.size)
    design = np.stack([np.log(scores), -np.log1p(-scores), np.ones(scores.size)], axis=1)
    found = _logistic(design, lost, won, np.array([1.0, 1.0, 0.0]))
    if found[:2].min() >= 0.0:
        return _chances(design @ found)
    kept = design[:, [1 - int(found[:2].argmin()), 2]]
    found = _logistic(kept, lost, won, np.array([1.0, 0.0]))
    return _chances(kept @ found) if found[0] >= 0.0 else _flat(lost, won)


def _platt(lost: Floats, won: Floats) -> Floats:
    """Log-odds ``a * log-odds of the score + b`` with a of at least 0."""
    scores = centres(lost.size)
    design = np.stack([np.log(scores) - np.log1p(-scores), np.ones(scores.size)], axis=1)
    found = _logistic(design, lost, won, np.array([1.0, 0.0]))
    return _chances(design @ found) if found[0] >= 0.0 else _flat(lost, won)


def _flat(lost: Floats, won: Floats) -> Floats:
    return np.full(lost.size, won.sum() / (lost.sum() + won.sum()))


def _logistic(design: Floats, lost: Floats, won: Floats, start: Floats) -> Floats:
    """Newton's method on the log-likelihood of counts, held to ``start`` by a little; halved where it would overshoot.
    It has one maximum, for the likelihood is concave."""
    used = (lost + won) > 0
    table, lost, won = design[used], lost[used], won[used]
    hold = _PRIOR * np.eye(start.size)

    def cost(at: Floats) -> float:
        odds, away = table @ at, at - start
        return float(np.dot(lost + won, np.logaddexp(0.0, odds)) - np.dot(won, odds) + away @ hold @ away / 2)

    found, before = start.copy(), cost(start)
    for _ in range(_ROUNDS):
        chance = _chances(table @ found)
        slope = table.T @ ((lost + won) * chance - won) + hold @ (found - start)
        bend = (table * ((lost + won) * chance * (1.0 - chance))[:, None]).T @ table + hold
        step = np.linalg.solve(bend, slope)
        now = cost(found - step)
        while now > before and np.abs(step).max() > _ENOUGH:
            step = step / 2.0
            now = cost(found - step)
        if before - now <= _ENOUGH * (1.0 + abs(before)):
            return found
        found, before = found - step, now
    return found


def _chances(odds: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)))


_FITS = {"beta": _beta, "isotonic": _isotonic, "platt": _platt}
