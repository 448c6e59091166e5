"""Quality by age without a formula: a curve that only falls, for histories that no exponential fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.changes.decay import Aged

_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class AgeCurve:
    """The share of its first quality that a model still has, by age in days; it never rises.

    Below 0, the model is worse than knowing nothing. ``start`` is the first quality, on the mean of the series.
    Beyond the last age nothing is claimed.
    """

    ages: tuple[float, ...]
    kept: tuple[float, ...]
    start: float

    def since(self, age: float) -> AgeCurve:
        """The curve of a model that begins to serve at this age.

        Raises: InvalidInput where nothing was seen after it; NotEnoughData where no quality is left by then.
        """
        if age >= self.ages[-1]:
            raise InvalidInput(
                f"No version was seen older than {self.ages[-1]:.1f} days.",
                mend="Begin at an age that was seen.",
                age=age,
            )
        ages = np.array(self.ages)
        first = float(np.interp(age, ages, self.kept))
        if first <= 0:
            raise NotEnoughData("At that age no skill is left.", mend="Begin at an age at which there is some.")
        later = np.flatnonzero(ages > age)
        kept = [self.kept[place] / first for place in later]
        return AgeCurve((0.0, *(ages[later] - age).tolist()), (1.0, *kept), self.start * first)

    def lost(self, days: Floats) -> Floats:
        """The integral of what is lost from age 0 to each of ``days``: lost shares times days.

        >>> curve = AgeCurve((0.0, 10.0, 20.0), (1.0, 1.0, 0.5), 0.4)
        >>> curve.lost(np.array([10.0, 20.0])).tolist()
        [0.0, 2.5]
        """
        ages, gone = np.array(self.ages), 1.0 - np.array(self.kept)
        steps = np.concatenate([[0.0], np.cumsum(np.diff(ages) * (gone[1:] + gone[:-1]) / 2)])
        place = np.clip(np.searchsorted(ages, days, side="right") - 1, 0, ages.size - 2)
        into = days - ages[place]
        now = np.interp(days, ages, gone)
        return np.asarray(steps[place] + into * (gone[place] + now) / 2, dtype=np.float64)


def age_curve(seen: Aged) -> AgeCurve:
    """Show how quality fell, whatever the shape: one falling curve for all series, a start for each.

    Fitted in turns: the curve by isotonic regression, the starts by least squares, both weighed by rows.
    Raises: NotEnoughData where no series has quality above 0, or all have one age.
    Source: Barlow et al. (1972), Statistical Inference under Order Restrictions.

    >>> days = np.arange(40)
    >>> curve = age_curve(Aged.of(["v1"] * 40, days, np.where(days < 20, 0.4, 0.1), [100] * 40, days))
    >>> round(curve.start, 3), round(float(curve.lost(np.array([19.0]))[0]), 6)
    (0.4, 0.0)
    """
    from scipy.optimize import isotonic_regression

    _, member = seen.of_series
    of, weight = member.argmax(axis=1), member * seen.rows[:, None]
    starts = np.array([_young(seen, series) for series in member.T > 0])
    used = starts[of] > 0
    if np.unique(seen.age[used]).size < 2:
        raise NotEnoughData("No version with skill was seen at two ages.", mend="Wait for more labelled days.")
    ages, place = np.unique(seen.age, return_inverse=True)
    share = np.ones_like(ages)
    for _ in range(_ROUNDS):
        size = np.bincount(place[used], weights=(seen.rows * starts[of] ** 2)[used], minlength=ages.size)
        total = np.bincount(place[used], weights=(seen.rows * starts[of] * seen.quality)[used], minlength=ages.size)
        known = size > 0
        fall = isotonic_regression(total[known] / size[known], weights=size[known], increasing=False).x
        if fall[0] <= 0:
            raise NotEnoughData("No version with skill was seen young.", mend="Wait for more labelled days.")
        share = np.interp(ages, ages[known], fall) / fall[0]
        curve = share[place]
        starts = np.maximum((curve * seen.quality) @ weight / np.maximum(curve**2 @ weight, 1e-12), 0.0)
    mean = float(np.average(starts[of][used], weights=seen.rows[used]))
    return AgeCurve(tuple(ages.tolist()), tuple(share.tolist()), mean)


def _young(seen: Aged, series: NDArray[np.bool_]) -> float:
    """The mean quality of a series in its youngest third."""
    ages = seen.age[series]
    young = ages <= np.quantile(ages, 1 / 3)
    return float(np.average(seen.quality[series][young], weights=seen.rows[series][young]))
