"""Limits on quality, which fire without a human: who is proven worse on the same rows answers nobody any more."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeostat.control.by_hand import flip_to_standby
from homeostat.control.state import LoopState
from homeostat.control.transitions import Facts, Transition, draft_of, next_route, route_facts, take_back
from homeostat.kernel.clock import Instant
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, ROLL_BACK, Reason, Verdict, figure
from homeostat.kernel.words import plural
from homeostat.stats.looks.sequential import part_of_look

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval

MIN_DAYS = 3
"""With fewer matured days no interval is defined."""
_BUDGET = 0.05
"""The chance that any look at one pair of versions, however many there are, is wrong about which is worse."""
_ACTOR = "limits"


@dataclass(frozen=True, slots=True)
class QualitySeen:
    """The ``loss`` of ``who`` minus ``against`` on the same matured rows, each of ``days`` a block; one look a day."""

    who: str
    against: str
    days: int
    difference: Interval | None
    loss: str = "log-loss"


def confidence_of(days: int) -> float:
    """Two-sided confidence of the look at so many days, so that all looks at a pair err with one in twenty at most."""
    return 1 - 2 * _BUDGET * part_of_look(max(days - MIN_DAYS + 1, 1))


def judge_quality(seen: QualitySeen, limit: float) -> Verdict:
    """Take ``who`` back when it is proven worse by more than ``limit`` nats per row; unknown never fires."""
    if seen.difference is None:
        text = (
            f"{plural(seen.days, 'day')} on which both {seen.who} and {seen.against} were scored, or no"
            " interval on them"
        )
        return Verdict(INCONCLUSIVE, (Reason("too_few_days", seen.days, MIN_DAYS, text),))
    low, on = (
        seen.difference.low,
        f"on {plural(seen.difference.rows, 'row')} of {plural(seen.difference.blocks, 'day')}",
    )
    quoted = f"{seen.loss} of {seen.who} minus that of {seen.against} on the same rows"
    if low > limit:
        text = f"{quoted} at least {figure(low)} > {figure(limit)}, {on}"
        return Verdict(ROLL_BACK, (Reason("worse_outcomes", low, limit, text),))
    text = f"{quoted} may be {figure(low)} <= {figure(limit)}, {on}"
    return Verdict(HOLD, (Reason("not_proven_worse", low, limit, text),))


def leave_for_standby(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The champion leaves for its standby. A candidate was judged against it, and leaves first, by a step of its own:
    the champion goes at the next look, for what is proven stays proven."""
    if state.rollout is None:
        return flip_to_standby(state, verdict, now, _ACTOR, facts)
    text = f"{state.rollout.candidate} was judged against {state.route.champion}, which is to leave"
    why = Reason("champion_leaves", None, None, text)
    return take_back(state, Verdict(ROLL_BACK, (why, *verdict.reasons)), now, facts, _ACTOR)


def halt(state: LoopState, version: str, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The breaker of an experiment's arm opens: its units stay its own, and the champion answers them."""
    route = next_route(state.route, halted=(*state.route.halted, version))
    arms = [f"{one.name}/{arm.name}" for one in route.experiments for arm in one.arms if arm.version == version]
    title = f"{version} is not asked any more as {', '.join(arms)}; {route.champion} answers"
    name, evidence = f"{state.loop}/route/{route.generation}", {**facts, **route_facts(route), "halted": route.halted}
    draft = draft_of(state, name, "halt", title, verdict, version, now, evidence, _ACTOR)
    return Transition(dataclasses.replace(state, route=route), (draft,))
