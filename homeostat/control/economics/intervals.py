"""How often retraining pays: what staleness costs against what a retraining costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.changes.ageing import AgeCurve

_GRID = 4_000


@dataclass(frozen=True, slots=True)
class Stakes:
    """What is at stake. ``queries_per_day`` predictions are asked for; each unit of quality makes one of them worth
    ``value`` more; ``quality`` is that of a fresh version, above 0; ``retraining`` is what one retraining costs.

    Raises: InvalidInput for what is not finite, below 0, or 0 where nothing would be at stake.
    """

    queries_per_day: float
    value: float
    quality: float
    retraining: float

    def __post_init__(self) -> None:
        _above_zero(queries_per_day=self.queries_per_day, value=self.value, quality=self.quality)
        _above_zero(retraining=self.retraining)

    @property
    def per_day(self) -> float:
        """What all of the quality is worth a day."""
        return self.queries_per_day * self.value * self.quality


@dataclass(frozen=True, slots=True)
class Pace:
    """Retraining every so many ``days``, and what staleness and retraining then cost a day together.

    ``days`` is None where no interval is cheaper than never retraining. ``bounded``: nothing is known of older
    versions, and the best may be longer.
    """

    days: float | None
    cost_per_day: float
    bounded: bool = False


def staleness_cost(stakes: Stakes, rate: float, days: float) -> float:
    """Money lost to age over ``days`` since a retraining, where quality falls by ``rate`` a day.

    Raises: InvalidInput for a rate not above 0 or days below 0.

    >>> round(staleness_cost(Stakes(1_000_000, 0.5, 0.95, 5_000), 0.02, 1.0), 2)
    4718.49
    """
    _above_zero(rate=rate)
    if not (math.isfinite(days) and days >= 0):
        raise InvalidInput(f"{days} days are no age.", mend="Give days of at least 0.")
    return stakes.per_day * (days + math.expm1(-rate * days) / rate)


def square_root_interval(stakes: Stakes, rate: float) -> float:
    """Days between retrainings by the square-root law, sqrt(2 C / (Q V A0 rate)): exact where little decays meanwhile.

    Raises: InvalidInput for a rate not above 0.

    >>> round(square_root_interval(Stakes(1_000_000, 0.5, 0.95, 5_000), 0.02), 6)
    1.025978
    """
    _above_zero(rate=rate)
    return math.sqrt(2 * stakes.retraining / (stakes.per_day * rate))


def best_interval(stakes: Stakes, rate: float) -> Pace:
    """Days between retrainings at which a day costs least, exactly, for exponential decay at ``rate``.

    With x = rate * T the least is where 1 - (1 + x) exp(-x) = rate * C / (Q V A0); the left side is the distribution
    of a Gamma(2) variable. Where the right side reaches 1, never retraining is cheapest: it loses all there is.
    Raises: InvalidInput for a rate not above 0.

    >>> pace = best_interval(Stakes(1_000_000, 0.5, 0.95, 5_000), 0.02)
    >>> round(pace.days, 6), round(pace.cost_per_day, 4)
    (1.033063, 9713.4037)
    """
    from scipy import special

    _above_zero(rate=rate)
    share = rate * stakes.retraining / stakes.per_day
    if share >= 1:
        return Pace(None, stakes.per_day)
    days = float(special.gammaincinv(2, share)) / rate
    return Pace(days, cost_per_day(stakes, rate, days))


def cost_per_day(stakes: Stakes, rate: float, days: float) -> float:
    """Staleness and retraining together, a day, when a retraining comes every ``days``, above 0."""
    _above_zero(days=days)
    return (staleness_cost(stakes, rate, days) + stakes.retraining) / days


def best_interval_on(stakes: Stakes, curve: AgeCurve) -> Pace:
    """The same on the curve of quality by age as it was seen, whatever its shape, and no further than it was seen.

    >>> curve = AgeCurve((0.0, 10.0, 11.0, 60.0), (1.0, 1.0, 0.5, 0.5), 0.4)
    >>> round(best_interval_on(Stakes(1_000, 1.0, 0.4, 500), curve).days)
    10
    """
    days = np.linspace(0, curve.ages[-1], _GRID + 1)[1:]
    costs = (stakes.per_day * curve.lost(days) + stakes.retraining) / days
    best = int(costs.argmin())
    return Pace(float(days[best]), float(costs[best]), bounded=best == _GRID - 1)


def _above_zero(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            named = name.replace("_", " ")
            raise InvalidInput(f"{value} is no {named} above 0.", mend=f"Give {name} as a number above 0.")
