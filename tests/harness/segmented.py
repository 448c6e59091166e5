"""Days of a loop whose rows come from four sites, at all hours; the smallest of the sites may go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.data.profiles import Profile
from homeostat.monitoring.slices import Judged, sliced
from homeostat.monitoring.windows import day_name
from homeostat.stats.figures.own import Own
from homeostat.stats.figures.sums import ScoreSums
from tests.harness.world import BEGINS, DAY

SLICES = (("site",), ("hour",), ("site", "hour"))
PROFILES = {"hour": Profile.of("hour", "number", np.arange(24.0).repeat(40))}
ROWS = 400
_SITES, _SHARES = np.array(["A", "B", "C", "small"], dtype=object), (0.5, 0.3, 0.15, 0.05)


def rows_of(rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """The columns of a day's rows."""
    return {"site": _SITES[rng.choice(4, ROWS, p=_SHARES)], "hour": rng.integers(0, 24, ROWS).astype(float)}


OWN = (Own("missed", "lower", lambda late, score: late & (score < 0.5)),)


def judged_rows(rng: np.random.Generator, wrong: float = 0.0) -> tuple[dict[str, NDArray[Any]], Judged]:
    """A day with weather of its own and a calibrated scorer, but of the small site a share of outcomes is turned
    round."""
    columns = rows_of(rng)
    chance = np.clip(rng.beta(1.5, 3.0, ROWS) + rng.normal(0.0, 0.05), 0.02, 0.98)
    truth = rng.random(ROWS) < chance
    turned = (columns["site"] == "small") & (rng.random(ROWS) < wrong)
    return columns, Judged.of(truth ^ turned, chance, 0.5, own=OWN)


def segmented_days(before: int, after: int, wrong: float, seed: int = 1) -> list[Day]:
    """Days with labels, of which the last ``after`` are wrong for the small site."""
    rng, days = np.random.default_rng(seed), []
    for place in range(before + after):
        columns, rows = judged_rows(rng, wrong if place >= before else 0.0)
        sums, start = ScoreSums.of(rows.truth, rows.scores), BEGINS + place * DAY
        kept = sliced(SLICES, columns, PROFILES, rows)
        inputs = Inputs(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {})
        outcomes = Outcomes(ROWS, 0, 0, sums, {"v1": sums}, slices=kept)
        days.append(Day(day_name(19_723 + place), start, start + DAY, start + 3 * DAY, inputs, outcomes))
    return days
