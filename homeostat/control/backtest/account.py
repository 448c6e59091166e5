"""What came of each policy, as JSON values: week by week, its versions, its costs, and its regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.control.backtest.costs import Costs, costs_of
from homeostat.control.backtest.matrix import Matrix
from homeostat.control.backtest.oracle import best_weeks
from homeostat.control.backtest.play import Asked, Judge, Played, planned, play
from homeostat.control.backtest.prices import Prices
from homeostat.control.backtest.regret import regret_of
from homeostat.control.backtest.release import Releases, Rules
from homeostat.kernel.clock import format_instant
from homeostat.stats.figures.sums import ScoreSums, pooled

Json = dict[str, Any]
ORACLE, NEVER = "oracle", "never"


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy by its name; ``about`` says in a few words what it goes by."""

    name: str
    about: str
    judge: Judge


def back_test(
    matrix: Matrix, rules: Rules, contenders: Sequence[Contender], prices: Prices, rng: np.random.Generator
) -> Json:
    """Play every policy, ``never`` and the oracle, and hold them against one another, all on the same drawn weeks."""
    releases, costs = Releases(matrix, rules), costs_of(matrix, prices)
    known = Contender(ORACLE, "knows everything beforehand", planned(best_weeks(matrix, releases, costs)))
    first = Contender(NEVER, "keeps the first version", planned(frozenset()))
    everyone = {one.name: one for one in (first, *contenders, known)}
    played = {name: play(matrix, releases, one.judge, rules.gate.confidence) for name, one in everyone.items()}
    weekly = {name: _weekly(matrix, costs, one) for name, one in played.items()}
    told, best, worst = list[Json](), _total(weekly[ORACLE]), _total(weekly[NEVER])
    for name, one in played.items():
        regret = regret_of(_total(weekly[name]), best, worst, deepcopy(rng))
        told.append(_policy(matrix, costs, everyone[name], one, weekly[name], regret.to_json()))
    return {
        "unit": prices.unit,
        "weeks": [_week(matrix, week) for week in range(matrix.weeks)],
        "versions": [_version(matrix, week) for week in range(matrix.weeks)],
        "policies": sorted(told, key=lambda one: float(one["total_cost"])),
    }


def _weekly(matrix: Matrix, costs: Costs, played: Played) -> list[tuple[float, float]]:
    """What a policy lost to age and what it spent, week by week."""
    lost = costs.lost_each(played.serving)
    spent = {one.week: costs.spent_on(one.week, one.release) for one in played.asked}
    return [(sum(lost[place] for place in matrix.days_of(week)), spent.get(week, 0.0)) for week in range(matrix.weeks)]


def _total(weekly: Sequence[tuple[float, float]]) -> list[float]:
    return [lost + spent for lost, spent in weekly]


def _policy(
    matrix: Matrix,
    costs: Costs,
    contender: Contender,
    played: Played,
    weekly: Sequence[tuple[float, float]],
    regret: Mapping[str, object],
) -> Json:
    weeks = [_served(matrix, played, week, *weekly[week]) for week in range(matrix.weeks)]
    known = [(one["skill"], one["labelled"]) for one in weeks if one["skill"] is not None]
    lost, spent = (sum(one[at] for one in weekly) for at in (0, 1))
    return {
        "name": contender.name,
        "about": contender.about,
        "inconclusive": played.inconclusive,
        "retrains": len(played.asked),
        "released": sum(1 for one in played.asked if one.release.released),
        "taken_back": sum(1 for one in played.asked if one.release.outcome == "taken_back"),
        "labels": _labels(matrix, played),
        "metric": _mean(known),
        "metric_name": "skill",
        "loss": _mean([(one["loss"], one["labelled"]) for one in weeks if one["labelled"]]),
        "staleness_cost": lost,
        "retraining_cost": spent,
        "total_cost": lost + spent,
        "regret": regret["value"],
        "regret_low": regret["low"],
        "regret_high": regret["high"],
        "regret_unknown": regret["unknown"],
        "weeks": weeks,
        "asked": [_asked(matrix, costs, one) for one in played.asked],
    }


def _served(matrix: Matrix, played: Played, week: int, lost: float, spent: float) -> Json:
    """A week as a policy had it: skill and loss of those who answered, by their shares."""
    places = matrix.days_of(week)
    first = [matrix.trials[0].sums[place] for place in places]
    rows, constant = sum(one.rows for one in first), pooled(first).constant()
    loss = sum(_loss(matrix, played, place) for place in places)
    mean = loss / rows if rows else None
    skill = None if mean is None or constant <= 0.0 else 1.0 - mean / constant
    serving = played.serving[places[-1]]
    return {
        "week": week,
        "version": matrix.trials[max(serving, key=lambda one: serving[one])].version,
        "labelled": rows,
        "skill": skill,
        "loss": mean,
        "staleness_cost": lost,
        "retraining_cost": spent,
    }


def _loss(matrix: Matrix, played: Played, place: int) -> float:
    return sum(share * matrix.trials[week].sums[place].loss for week, share in played.serving[place].items())


def _labels(matrix: Matrix, played: Played) -> int:
    """Labels that any of its versions learnt from, each counted once."""
    spans = sorted(matrix.trials[week].labels for week in (0, *(one.week for one in played.asked)))
    used, until = 0, 0
    for first, after in spans:
        used += max(0, after - max(first, until))
        until = max(until, after)
    return used


def _asked(matrix: Matrix, costs: Costs, one: Asked) -> Json:
    release = one.release
    free = release.until if release.until < len(matrix.days) else None
    return {
        "week": one.week,
        "at": format_instant(matrix.begins(one.week)),
        "version": matrix.trials[one.week].version,
        "because": list(one.because),
        "outcome": release.outcome,
        "why": list(release.why),
        "decided_on": None if free is None else matrix.days[free].window.name,
        "cost": costs.spent_on(one.week, release),
    }


def _week(matrix: Matrix, week: int) -> Json:
    days = [matrix.days[place] for place in matrix.days_of(week)]
    whole = pooled([matrix.trials[0].sums[place] for place in matrix.days_of(week)])
    return {
        "week": week,
        "first_day": days[0].window.name,
        "last_day": days[-1].window.name,
        "asked": sum(day.asked for day in days),
        "labelled": whole.rows,
        "base_rate": whole.base_rate() if isinstance(whole, ScoreSums) and whole.rows else None,
    }


def _version(matrix: Matrix, week: int) -> Json:
    trial = matrix.trials[week]
    return {
        "version": trial.version,
        "asked_at": format_instant(trial.asked_at),
        "cutoff": format_instant(trial.cutoff),
        "rows": trial.labels[1] - trial.labels[0],
        "seconds": trial.seconds,
        "problem": trial.problem,
    }


def _mean(pairs: Sequence[tuple[float, int]]) -> float | None:
    """The mean of figures, each weighed."""
    if not pairs:
        return None
    values, weights = zip(*pairs, strict=True)
    return float(np.average(values, weights=weights))
