"""What a policy loses to age and spends on versions, in money where prices are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.control.backtest.matrix import Matrix
from homeostat.control.backtest.prices import Prices
from homeostat.control.backtest.release import Release
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.sums import pooled

_HOUR = 3_600


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """``lost``: what every version loses on every day, against the newest version there was that day, with shape
    (weeks, days); below 0 where the older one was better. ``counted``: days that count."""

    prices: Prices
    lost: Floats
    trainings: Floats
    counted: Floats

    def lost_on(self, serving: Sequence[Mapping[int, float]], first: int = 0) -> float:
        """What is lost to age by those who serve on the days from ``first`` on."""
        return float(sum(self.lost_each(serving, first)))

    def lost_each(self, serving: Sequence[Mapping[int, float]], first: int = 0) -> list[float]:
        """The same day by day."""
        return [
            sum(share * float(self.lost[week, place]) for week, share in shares.items())
            for place, shares in enumerate(serving, start=first)
        ]

    def spent_on(self, week: int, release: Release) -> float:
        """What a version cost: its training, its release where it came to that, and its way back."""
        spent = float(self.trainings[week])
        if release.released:
            spent += self.prices.release
        return spent + (self.prices.taken_back if release.outcome == "taken_back" else 0.0)


def costs_of(matrix: Matrix, prices: Prices) -> Costs:
    """Price every version on every day that it could serve on.

    Skill is held against the base rate of its week, as everywhere; weeks that saw one outcome only do not count.
    """
    lost = np.full((matrix.weeks, len(matrix.days)), np.nan)
    lost[:, : matrix.lead] = 0.0
    counted = np.zeros(len(matrix.days))
    for week in range(matrix.weeks):
        weight = _weight(matrix, week, prices)
        newest = max(one for one in range(week + 1) if matrix.trials[one].problem is None)
        for place in matrix.days_of(week):
            fresh = matrix.trials[newest].sums[place]
            counted[place] = fresh.rows * (weight > 0)
            for one in range(week + 1):
                if matrix.trials[one].problem is None:
                    lost[one, place] = weight * (matrix.trials[one].sums[place].loss - fresh.loss)
    trainings = [prices.training + prices.training_hour * trial.seconds / _HOUR for trial in matrix.trials]
    return Costs(prices, lost, np.array(trainings), counted)


def _weight(matrix: Matrix, week: int, prices: Prices) -> float:
    """What one nat is worth in a week; of numbers, one unit of loss, in shares of what the best constant costs."""
    first = matrix.trials[0].sums
    whole = pooled([first[place] for place in matrix.days_of(week)])
    if whole.constant() <= 0.0:
        return 0.0
    return 1.0 / whole.unit if prices.skill_value is None else prices.skill_value / whole.constant()
