"""Days of a loop as they are measured, each with what is expected of it when it ends, and labels that come later."""

from __future__ import annotations

import dataclasses

import numpy as np

from homeostat.control.days import Counted, Day, Inputs, Outcomes
from homeostat.control.performance.estimating import with_estimates
from homeostat.monitoring.absent import SCORES, by_score
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.windows import day_name
from homeostat.stats.figures.sums import ScoreSums, score_counts
from tests.harness.world import BEGINS, DAY

ROWS, LACKING = 300, 20


def foretold_days(
    number: int, *, delay: int = 2, shock: float = 0.3, turns: int = 10_000, one_class: bool = False, rows: int = ROWS
) -> list[Day]:
    """So many days; labels of a day are mature ``delay`` days after it ended, but for ``LACKING`` of the highest
    scores, which never come. From day ``turns`` on, the relation is the opposite."""
    rng, days, to_come = np.random.default_rng(1), list[Day](), dict[str, Outcomes]()
    for place in range(number):
        start = BEGINS + place * DAY
        name = day_name(19_723 + place)
        score = rng.beta(2, 4, rows)
        odds = np.log(score / (1 - score)) + shock * rng.normal()
        label = (rng.random(rows) < 1 / (1 + np.exp(-odds * (1 if place < turns else -1)))) & (not one_class)
        order = np.argsort(score)
        there, lacking = order[: rows - LACKING], order[rows - LACKING :]
        sums = ScoreSums.of(label[there], score[there])
        grouped = by_score(score_counts(score[lacking]))
        absent = {SCORES: Counted(grouped, 0), "x": Counted((0, lacking.size), 0)}
        to_come[name] = Outcomes(there.size, lacking.size, 0, sums, {"v1": sums}, absent=absent)
        inputs = Inputs(
            *(rows, {"v1": rows}, {}, 0, "v1", {}, {}, None, {}, {}),
            counted={"x": Counted((rows // 2, rows - rows // 2), 0)},
            estimated=EstimatedDay(score_counts(score)),
        )
        ended = Day(name, start, start + DAY, start + DAY + delay * DAY, inputs)
        days = [
            day.with_outcomes(to_come[day.day]) if day.outcomes is None and day.mature_at <= ended.end else day
            for day in days
        ]
        days += with_estimates(days, [ended], 0.5)
    return days


def without_estimates(days: list[Day]) -> list[Day]:
    """The same days as older code kept them."""
    return [
        dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, estimated=None, counted={})) for day in days
    ]
