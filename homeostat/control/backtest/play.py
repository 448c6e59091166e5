"""A policy played through the history, week by week: what it would have seen, said and served."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from homeostat.control.backtest.matrix import Matrix
from homeostat.control.backtest.release import Release, Releases, asked_of
from homeostat.control.days import Day, Outcomes
from homeostat.control.state import LoopState, Standing, initial_state
from homeostat.kernel.clock import Instant
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN, Reason, Verdict
from homeostat.serving.routing import Route
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.intervals import Interval

Shares = Mapping[int, float]
"""The versions that answer on a day, by their weeks, and their shares of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A version that a policy asked for, why, and what became of it."""

    week: int
    because: tuple[str, ...]
    release: Release


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known when week ``week`` begins: days that ended, outcomes that are mature, and who serves.

    ``champion`` is the week of the version that serves, ``asked`` are the versions that the policy asked for so far,
    ``versions`` the weeks of those that there are.
    """

    week: int
    champion: int
    now: Instant
    state: LoopState
    days: Sequence[Day]
    promise: Interval | None
    asked: Sequence[Asked]
    versions: Sequence[int]


Judge = Callable[[Seen], Verdict]


@dataclass(frozen=True, slots=True)
class Played:
    """Who served on each day, every version that was asked for, and in how many weeks nothing could be told."""

    serving: tuple[Shares, ...]
    asked: tuple[Asked, ...]
    inconclusive: int = 0


def play(matrix: Matrix, releases: Releases, judge: Judge, confidence: float) -> Played:
    """Ask a policy at the beginning of each week in which nothing is under way, and do what it says.

    ``confidence`` is that of the promises that versions make.
    """
    serving: list[Shares] = [{0: 1.0}] * matrix.first_day(1)
    asked, champion, week, inconclusive = list[Asked](), 0, 1, 0
    while week < matrix.weeks:
        verdict = judge(_seen(matrix, serving, asked, champion, week, confidence))
        if verdict.name != RETRAIN:
            serving += [{champion: 1.0}] * len(matrix.days_of(week))
            week, inconclusive = week + 1, inconclusive + (verdict.name == INCONCLUSIVE)
            continue
        release = releases.of(champion, week)
        asked.append(Asked(week, verdict.texts, release))
        days, after, week = served_through(matrix, champion, week, release)
        serving, champion = [*serving, *days], after
    return Played(tuple(serving), tuple(asked), inconclusive)


def served_through(matrix: Matrix, champion: int, week: int, release: Release) -> tuple[list[Shares], int, int]:
    """Who serves from the week in which a version is asked for until the next decision, who then, and when that is."""
    free = min(max(matrix.week_of(release.until), week + 1), matrix.weeks)
    after = week if release.outcome == "promoted" else champion
    days: list[Shares] = []
    for place in range(matrix.first_day(week), matrix.first_day(free)):
        share = release.shares[place - release.begins] if release.begins <= place < release.until else None
        if share is None:
            days.append({after if place >= release.until else champion: 1.0})
        else:
            days.append({champion: 1.0 - share, week: share} if share < 1 else {week: 1.0})
    return days, after, free


def planned(weeks: frozenset[int]) -> Judge:
    """A policy that knows beforehand in which weeks it will retrain."""

    def judge(seen: Seen) -> Verdict:
        name, text = (RETRAIN, "planned") if seen.week in weeks else (HOLD, "not planned")
        return Verdict(name, (Reason("planned", None, None, text),))

    return judge


def _seen(
    matrix: Matrix, serving: Sequence[Shares], asked: Sequence[Asked], champion: int, week: int, confidence: float
) -> Seen:
    now = matrix.begins(week)
    taken = sorted({0, champion, *(one.week for one in asked if one.release.outcome != "failed")})
    places = range(matrix.lead, matrix.first_day(week))
    days, served = list[Day](), 0
    for place in places:
        most = _most(serving[place])
        served = served + 1 if place > matrix.lead and most == _most(serving[place - 1]) else 1
        days.append(_day(matrix, place, serving[place], taken, now, served))
    state, promise = _state(matrix, asked, champion), matrix.promise(champion, confidence)
    return Seen(week, champion, now, state, days, promise, tuple(asked), tuple(taken))


def _state(matrix: Matrix, asked: Sequence[Asked], champion: int) -> LoopState:
    first, version = matrix.trials[0], matrix.trials[champion].version
    began = matrix.begins(champion) if champion else first.asked_at
    return dataclasses.replace(
        initial_state("backtest"),
        route=Route(loop="backtest", generation=1, champion=version),
        versions={version: Standing("champion", began)},
        retrained_at=matrix.begins(asked[-1].week) if asked else first.asked_at,
        trainings=tuple(matrix.begins(one.week) for one in asked),
        first_version=first.version,
        next_version=len(asked) + 2,
    )


def _most(shares: Shares) -> int:
    """The version that answers most."""
    return max(shares, key=lambda week: shares[week])


def _day(matrix: Matrix, place: int, shares: Shares, taken: Sequence[int], now: Instant, served: int) -> Day:
    past, most = matrix.days[place], _most(shares)
    trial = matrix.trials[most]
    inputs = asked_of(past.asked, {matrix.trials[week].version: share for week, share in shares.items()})
    inputs = dataclasses.replace(
        inputs,
        reference=trial.version,
        drift=matrix.monitor.drift(trial, most, place, served),
        estimated=matrix.monitor.expected(trial, most, place),
    )
    day = Day(past.window.name, past.window.start, past.window.end, past.mature_at, inputs)
    if past.mature_at > now:
        return day
    sums: dict[str, Sums] = {
        matrix.trials[week].version: found for week in taken if (found := matrix.trials[week].sums.get(place))
    }
    return day.with_outcomes(Outcomes(past.labelled, past.unlabelled, 0, sums[trial.version], sums))
