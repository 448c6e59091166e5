"""What age and retraining cost now, as a policy sees it: from the loop's own history and its declared prices."""

from __future__ import annotations

import math

import numpy as np

from homeostat.control.economics.ageing import NO_DECAY, Ageing, ageing_of, stakes_of
from homeostat.control.economics.figures import Figure, Missing, missing_of
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.intervals import Pace, Stakes, best_interval, best_interval_on
from homeostat.control.economics.observed import Observed, traffic_of
from homeostat.control.economics.spending import given, retraining_of, sum_of
from homeostat.control.policies.situation import Outlook

_SPENT = ("compute", "validation", "deployment")


def outlook_of(seen: Observed, prices: Economics | None, windows: int = 1) -> Outlook:
    """The outlook as of the newest day of ``seen``, with what age cost on each of the last ``windows`` days.

    The cost is that of ``homeostat economics``; what lacks there lacks here, with the same words.
    """
    if prices is None:
        why = "no prices are declared: give the loop economics=hs.Economics(...)"
        return Outlook(None, unknown=why, each_unknown=why)
    parts = retraining_of(seen, prices)
    each = sum_of(prices.currency, "", {name: parts[name] for name in _SPENT})
    ageing = ageing_of(seen)
    stakes = stakes_of(ageing, traffic_of(seen), given(prices, "skill_value", prices.currency), parts["total"])
    if not isinstance(stakes, Missing) and seen.champion_age is None:
        stakes = Missing("days", "nothing serves yet")
    gap = missing_of("", [one for one in (each, stakes) if isinstance(one, Missing)])
    spent = {
        "each": each.value if isinstance(each, Figure) else None,
        "each_unknown": each.why if isinstance(each, Missing) else "",
        "asks": gap.asks if gap else (),
    }
    if isinstance(stakes, Missing):
        return Outlook(prices.currency, unknown=stakes.why, **spent)  # type: ignore[arg-type]
    pace = _pace(ageing, stakes)
    return Outlook(
        prices.currency,
        lost=_lost(seen, ageing, stakes, windows),
        bearable=pace.cost_per_day if pace is not None and pace.days is not None else None,
        interval=pace.days if pace is not None else None,
        basis=ageing.text if pace is not None else NO_DECAY,
        **spent,  # type: ignore[arg-type]
    )


def _pace(ageing: Ageing, stakes: Stakes) -> Pace | None:
    """The best interval; None where quality does not fall with age."""
    if ageing.curve is not None:
        return best_interval_on(stakes, ageing.curve)
    rate = ageing.decay.rate.value if ageing.decay else 0.0
    return best_interval(stakes, rate) if rate > 0 else None


def _lost(seen: Observed, ageing: Ageing, stakes: Stakes, windows: int) -> tuple[float, ...]:
    """Money that the champion's age costs a day, as of each of the last days, oldest first."""
    age = (seen.champion_age or 0.0) - seen.lag
    ages = np.maximum(age - np.arange(windows)[::-1], 0.0)
    if ageing.curve is not None:
        shares = 1 - np.interp(ages, ageing.curve.ages, ageing.curve.kept)
    else:
        rate = max(ageing.decay.rate.value, 0.0) if ageing.decay else 0.0
        shares = np.array([-math.expm1(-rate * one) for one in ages])
    return tuple((stakes.per_day * shares).tolist())
