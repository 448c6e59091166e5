"""How much of what the hindsight oracle saves over never retraining a policy lets go, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homeostat.control.economics.figures import Figure, Missing, Told
from homeostat.stats.arrays import Floats
from homeostat.stats.bootstrap import block_bootstrap

RUN = 4
"""Weeks that are drawn together: neighbouring weeks share their versions."""
DRAWS = 2_000
UNIT = "share"
_NOTHING = "never retraining costs no more than the oracle: there is nothing to regret"


def regret_of(
    policy: Sequence[float], oracle: Sequence[float], never: Sequence[float], rng: np.random.Generator
) -> Told:
    """(cost of the policy - cost of the oracle) / (cost of never - cost of the oracle), from the costs of each week.

    0 is the oracle, 1 is as dear as never retraining; above 1 is worse. Bounds (95 %) draw runs of 4 weeks again;
    with fewer than 8 weeks there are none. A draw in which never costs no more than the oracle has no regret: it counts
    as unbounded, so that where such draws are many the bounds are unknown.

    >>> found = regret_of([2.0] * 8, [1.0] * 8, [5.0] * 8, np.random.default_rng(1))
    >>> found.value, found.low, found.high
    (0.25, 0.25, 0.25)
    """
    parts = np.array([policy, oracle, never], dtype=np.float64).T
    total = parts.sum(axis=0)
    if total[2] - total[1] <= 1e-12 * max(1.0, float(np.abs(parts).sum())):
        return Missing(UNIT, _NOTHING)
    basis = f"{len(parts)} weeks"
    if len(parts) < 2 * RUN:
        return Figure(_share(total), UNIT, f"{basis}: too few for bounds")
    drawn = block_bootstrap(_share, parts, length=RUN, draws=DRAWS, rng=rng)
    low, high = _quantile(drawn, 0.025, -np.inf), _quantile(drawn, 0.975, np.inf)
    return Figure(_share(total), UNIT, f"{basis}, drawn in runs of {RUN}", low, high)


def _share(total: Floats) -> float:
    most = float(total[2] - total[1])
    return float(total[0] - total[1]) / most if most > 0 else float("nan")


def _quantile(drawn: Floats, level: float, unknown: float) -> float | None:
    """A bound; None where draws without a regret may lie beyond it."""
    filled = np.sort(np.where(np.isnan(drawn), unknown, drawn))
    place = min(int(level * filled.size), filled.size - 1)
    return float(filled[place]) if np.isfinite(filled[place]) else None
