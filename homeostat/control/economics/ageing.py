"""What age costs a loop: its decay, the money lost to it, and how often retraining pays."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from homeostat.control.economics.figures import Figure, Missing, Told, missing_of, undefined
from homeostat.control.economics.intervals import (
    Pace,
    Stakes,
    best_interval,
    best_interval_on,
    cost_per_day,
    square_root_interval,
)
from homeostat.control.economics.observed import Observed
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.changes.ageing import AgeCurve, age_curve
from homeostat.stats.changes.decay import Aged, Decay, fit_decay

Json = dict[str, object]
NO_DECAY = "quality did not fall with age, so that no interval of retraining follows from decay"
_SHOWN = 12
"""Points of the curve of skill by age that are told."""
_SPAN, _DRAWN = 6.0, 49
"""How far around the best interval costs are told, as a factor, and at how many intervals."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """How a loop's skill falls: the exponential where it fits, and the curve as seen where it does not."""

    decay: Decay | None
    curve: AgeCurve | None
    quality: Told
    rate: Told
    text: str
    points: tuple[Json, ...] = ()

    @property
    def by_curve(self) -> bool:
        """Whether the exponential was turned down."""
        return self.curve is not None

    def to_json(self) -> Json:
        """The decay, its bounds and how well it fits."""
        half = self.decay and self.decay.half_life
        return {
            "model": None if self.decay is None else "curve as seen" if self.by_curve else "exponential",
            "rate": self.rate.to_json(),
            "fresh_skill": self.quality.to_json(),
            "half_life_days": half,
            "fit": self.decay and {**plain(self.decay.fit), "fits": self.decay.fit.fits},
            "text": self.text,
            "points": list(self.points),
        }


def ageing_of(seen: Observed) -> Ageing:
    """Fit the loop's own history, version by version."""
    aged = seen.aged()
    try:
        decay = fit_decay(aged)
    except NotEnoughData as error:
        return Ageing(None, None, undefined("skill", error), undefined("1/day", error), error.problem)
    names = sorted(set(aged.series))
    basis = f"{', '.join(names)} over {decay.rate.blocks} weeks, {decay.rate.rows:,} scored predictions"
    rate = Figure(decay.rate.value, "1/day", basis, decay.rate.low, decay.rate.high)
    curve = _curve(aged, seen.lag) if decay.fit.fits is False else None
    return Ageing(decay, curve, _fresh(decay, curve, seen), rate, _text(decay, curve, names), _points(aged, decay))


def staleness_of(seen: Observed, ageing: Ageing, traffic: Told, value: Told, unit: str) -> Told:
    """Money that the champion's age costs a day, now."""
    gap = missing_of(unit, (traffic, value, ageing.rate))
    if gap or ageing.decay is None or not isinstance(ageing.quality, Figure):
        return gap or Missing(unit, _why(ageing.quality))
    age, lag = seen.champion_age, seen.lag
    if age is None:
        return Missing(unit, "nothing serves yet")
    worth = traffic.value * value.value * ageing.quality.value  # type: ignore[union-attr]
    served = max(0.0, age - lag)
    if ageing.curve is not None:
        kept = float(np.interp(served, ageing.curve.ages, ageing.curve.kept))
        return Figure(worth * (1 - kept), unit, f"the champion is {age:.0f} days old; from the curve as seen")
    gone = [worth * -math.expm1(-rate * served) for rate in _rates(ageing.decay)]
    return Figure(
        gone[0], unit, f"the champion is {age:.0f} days old, {lag:.0f} when it was registered", gone[1], gone[2]
    )


def stakes_of(ageing: Ageing, traffic: Told, value: Told, retraining: Told) -> Stakes | Missing:
    """What the interval of retraining stands on, or what is missing for it."""
    gap = missing_of("days", (traffic, value, retraining, ageing.quality))
    if gap is not None:
        return gap
    numbers = [one.value for one in (traffic, value, ageing.quality, retraining) if isinstance(one, Figure)]
    try:
        return Stakes(*numbers)
    except InvalidInput as error:
        return Missing("days", error.problem)


def intervals_of(ageing: Ageing, stakes: Stakes | Missing, unit: str) -> Json:
    """Days between retrainings by the square-root law, exactly, and on the curve as seen; and what a day costs then."""
    per_day = f"{unit}/day"
    gap = stakes if isinstance(stakes, Missing) else None
    if gap is None and ageing.decay is not None and ageing.decay.rate.value <= 0:
        gap = Missing("days", NO_DECAY)
    if gap is not None or isinstance(stakes, Missing) or ageing.decay is None:
        why = gap or Missing("days", ageing.text)
        cost = Missing(per_day, why.why, why.asks)
        told: dict[str, Told | str | None] = {
            "square_root": why,
            "exact": why,
            "curve": why,
            "cost_per_day": cost,
            "used": None,
        }
    else:
        told = _intervals(ageing, ageing.decay, stakes, per_day)
    return {name: one.to_json() if isinstance(one, Figure | Missing) else one for name, one in told.items()}


def sensitivity_of(ageing: Ageing, stakes: Stakes | Missing) -> list[Json]:
    """What the interval becomes where an input is half or twice what was said, and what the old one then costs too
    much a day; empty where there is no interval. On the curve as seen there is no rate to vary."""
    if isinstance(stakes, Missing) or ageing.decay is None or ageing.decay.rate.value <= 0:
        return []
    rate, found = ageing.decay.rate.value, list[Json]()
    said = _best(ageing, stakes, rate).days
    names = ("retraining", "queries_per_day", "value", "quality", *(() if ageing.by_curve else ("rate",)))
    for name, factor in itertools.product(names, (0.5, 2.0)):
        true_rate = rate * factor if name == "rate" else rate
        values = plain(stakes)
        true = stakes if name == "rate" else Stakes(**{**values, name: values[name] * factor})
        best = _best(ageing, true, true_rate)
        wasted = None if said is None else _spent(ageing, true, true_rate, said) - best.cost_per_day
        found.append({"input": name, "factor": factor, "days": best.days, "wasted_per_day": wasted})
    return found


def costs_of(ageing: Ageing, stakes: Stakes | Missing) -> list[Json]:
    """What a day costs by the days between retrainings, from a sixth of the best interval to six times it: lost to age,
    spent on retraining, and both. No further than versions were seen where the curve as seen is used; empty where
    there is no best interval."""
    if isinstance(stakes, Missing) or ageing.decay is None or ageing.decay.rate.value <= 0:
        return []
    rate = ageing.decay.rate.value
    best = _best(ageing, stakes, rate).days
    if best is None:
        return []
    last = best * _SPAN if ageing.curve is None else min(best * _SPAN, ageing.curve.ages[-1])
    found = list[Json]()
    for days in np.geomspace(best / _SPAN, last, _DRAWN).tolist():
        total, spent = _spent(ageing, stakes, rate, days), stakes.retraining / days
        found.append({"days": days, "staleness": total - spent, "retraining": spent, "total": total})
    return found


def _best(ageing: Ageing, stakes: Stakes, rate: float) -> Pace:
    return best_interval(stakes, rate) if ageing.curve is None else best_interval_on(stakes, ageing.curve)


def _spent(ageing: Ageing, stakes: Stakes, rate: float, days: float) -> float:
    if ageing.curve is None:
        return cost_per_day(stakes, rate, days)
    return (stakes.per_day * float(ageing.curve.lost(np.array([days]))[0]) + stakes.retraining) / days


def _intervals(ageing: Ageing, decay: Decay, stakes: Stakes, per_day: str) -> dict[str, Told | str | None]:
    rate, low, high = _rates(decay)
    exact, soonest = best_interval(stakes, rate), best_interval(stakes, high)
    latest = best_interval(stakes, low).days if low > 0 else None
    root = Figure(square_root_interval(stakes, rate), "days", "sqrt(2 C / (Q V A0 rate))")
    told: dict[str, Told | str | None] = {
        "square_root": root,
        "exact": _figure(exact, "the least of staleness and retraining a day", soonest.days, latest),
        "curve": Missing("days", "the exponential was not turned down"),
    }
    used = exact
    if ageing.curve is not None:
        used = best_interval_on(stakes, ageing.curve)
        further = "; nothing older was seen, it may be longer" if used.bounded else ""
        told["curve"] = _figure(used, f"the curve as seen{further}")
    told["cost_per_day"] = Figure(used.cost_per_day, per_day, "staleness and retraining together, at that interval")
    return {**told, "used": "exact" if ageing.curve is None else "curve"}


def _figure(pace: Pace, basis: str, low: float | None = None, high: float | None = None) -> Told:
    if pace.days is None:
        return Missing("days", "no interval is cheaper than never retraining: a retraining costs more than it saves")
    return Figure(pace.days, "days", basis, low, high)


def _rates(decay: Decay) -> tuple[float, float, float]:
    """The rate with its bounds, none below 0: a version that seems to grow better loses nothing, and earns nothing."""
    rate = decay.rate
    value = max(rate.value, 0.0)
    return value, max(rate.low, 0.0), max(rate.high, value)


def _curve(aged: Aged, lag: float) -> AgeCurve | None:
    try:
        return age_curve(aged).since(lag)
    except (NotEnoughData, InvalidInput):
        return None


def _fresh(decay: Decay, curve: AgeCurve | None, seen: Observed) -> Told:
    """The skill with which the champion, or else the average version, begins to serve."""
    if decay.fit.fits is False and curve is None:
        return Missing("skill", "neither an exponential nor any falling curve fits")
    mean = sum(decay.starts.values()) / len(decay.starts)
    start = decay.starts.get(seen.champion or "", mean)
    value = curve.start if curve is not None else start * math.exp(-decay.rate.value * seen.lag)
    if value <= 0:
        return Missing("skill", "versions know nothing more than the base rate")
    whose = "the curve as seen" if curve else seen.champion if seen.champion in decay.starts else "the average version"
    return Figure(value, "skill", f"{whose}, {seen.lag:.1f} days after its training cut-off")


def _text(decay: Decay, curve: AgeCurve | None, names: list[str]) -> str:
    if decay.fit.fits is False:
        told = (
            f"an exponential does not fit{': the curve as seen is used' if curve else ', nor does any falling curve'}"
        )
    elif decay.fit.fits is None:
        told = "too few weeks of each age to say whether an exponential fits; it is used"
    else:
        told = "an exponential fits"
    unsure = "" if decay.rate.low > 0 else "; decay is not proven, its bounds hold 0"
    alone = "; with one version, age and season cannot be told apart" if len(names) == 1 else ""
    return told + unsure + alone


def _points(aged: Aged, decay: Decay) -> tuple[Json, ...]:
    """Mean skill by age beside the fitted one, in equal numbers of weeks."""
    starts = np.array([decay.starts[name] for name in aged.series])
    fitted = starts * np.exp(-decay.rate.value * aged.age)
    parts = np.array_split(np.argsort(aged.age, kind="stable"), min(_SHOWN, aged.age.size))
    sides = {"age": aged.age, "skill": aged.quality, "fitted": fitted}
    return tuple(
        {
            **{name: float(np.average(side[part], weights=aged.rows[part])) for name, side in sides.items()},
            "rows": int(aged.rows[part].sum()),
        }
        for part in parts
    )


def _why(told: Told) -> str:
    return told.why if isinstance(told, Missing) else ""
