"""The hindsight oracle: the cheapest weeks in which to retrain, had all that came later been known."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.control.backtest.costs import Costs
from homeostat.control.backtest.matrix import Matrix
from homeostat.control.backtest.play import served_through
from homeostat.control.backtest.release import Releases


@dataclass(frozen=True, slots=True)
class _Best:
    """The least that can be lost and spent from a week on, and whether a version is asked for there."""

    cost: float
    retrain: bool
    after: tuple[int, int]


def best_weeks(matrix: Matrix, releases: Releases, costs: Costs) -> frozenset[int]:
    """The weeks in which to retrain so that what is lost and spent is least; of equals, those with less work.

    A dynamic programme, from the last week back, over who serves when a week begins. Labels mature, training takes
    its time, and gate and rollout judge as they do for everybody: nobody who goes by the same rules can do better.
    Source: Bellman (1957), Dynamic Programming.
    """
    best: dict[tuple[int, int], _Best] = {
        (matrix.weeks, week): _Best(0.0, False, (0, 0)) for week in range(matrix.weeks)
    }
    for week in range(matrix.weeks - 1, 0, -1):
        for champion in range(week):
            if matrix.trials[champion].problem is None:
                best[week, champion] = _best(matrix, releases, costs, best, week, champion)
    chosen, at = set[int](), (1, 0)
    while at[0] < matrix.weeks:
        if best[at].retrain:
            chosen.add(at[0])
        at = best[at].after
    return frozenset(chosen)


def _best(
    matrix: Matrix, releases: Releases, costs: Costs, best: dict[tuple[int, int], _Best], week: int, champion: int
) -> _Best:
    held = costs.lost_on([{champion: 1.0}] * len(matrix.days_of(week)), matrix.first_day(week))
    hold = held + best[week + 1, champion].cost
    release = releases.of(champion, week)
    if not release.released:
        return _Best(hold, False, (week + 1, champion))
    days, after, free = served_through(matrix, champion, week, release)
    tried = costs.spent_on(week, release) + costs.lost_on(days, matrix.first_day(week)) + best[free, after].cost
    if tried < hold:
        return _Best(tried, True, (free, after))
    return _Best(hold, False, (week + 1, champion))
