"""Rehearsing a rollback on live traffic: begun and ended as any change of a route, judged by what was seen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from homeostat.control.rehearsals import BEGINS, KIND
from homeostat.control.state import Drill, LoopState
from homeostat.control.transitions import Transition, draft_of, next_route, route_facts
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT, DRILL, INCONCLUSIVE, REJECT, Reason, Verdict, figure
from homeostat.kernel.words import plural

LONGEST_SECONDS = 1.0
"""From the command to the last reply of the version that is left."""
TOLERANCE = 1e-6
"""The greatest difference in probability between a version and its own copy."""


@dataclass(frozen=True, slots=True)
class DrillSeen:
    """What a drill saw. Times are seconds from the command back: until every replica had followed, and until the last
    reply of the copy (None where it gave none). ``rows`` were answered by the copy, ``worst`` is the greatest
    difference from what the champion says of them. ``lagging`` replicas did not follow."""

    replicas: int
    followed_seconds: float
    last_reply_seconds: float | None
    rows: int
    worst: float | None
    lagging: tuple[str, ...]


def begin(
    state: LoopState, copy: str, now: Instant, actor: str, because: tuple[Reason, ...] | None = None
) -> Transition:
    """The champion's copy takes its place; the champion stands by. ``because``: why, where nobody asked for it.

    Raises: Refused while anything else is under way.
    """
    champion = state.route.champion
    under_way = {
        "a rollout is open": state.rollout,
        "a version is in the making": state.retraining,
        "one is under way": state.drill,
        "state is put back": state.restoring,
    }
    busy = [why for why, found in under_way.items() if found is not None]
    if champion is None or busy:
        raise Refused(
            f"No rollback of {state.loop!r} can be rehearsed now: {busy[0] if busy else 'nothing serves yet'}.",
            mend="Try again when a champion serves alone; see 'homeostat status'.",
            loop=state.loop,
        )
    drill = Drill(copy, champion, state.route.standby, now)
    route = next_route(state.route, champion=copy, standby=champion)
    verdict = Verdict(DRILL, because or (Reason("asked_for", actor, None, f"asked for by {actor}"),))
    title, name = f"Rollback drill: a copy of {champion} serves", f"{state.loop}/drill/{route.generation}"
    draft = draft_of(state, name, BEGINS, title, verdict, champion, now, route_facts(route), actor)
    return Transition(dataclasses.replace(state, drill=drill, route=route), (draft,))


def go_back(state: LoopState) -> LoopState:
    """The flip that is rehearsed: the champion takes its place again. Raises: Refused when there is no drill."""
    drill = state.drill
    if drill is None:
        raise Refused(f"Loop {state.loop!r} is in no drill.", mend="Read its state again.", loop=state.loop)
    route = next_route(state.route, champion=drill.champion, standby=drill.standby)
    return dataclasses.replace(state, drill=None, route=route)


def filed(state: LoopState, champion: str, seen: DrillSeen, now: Instant, actor: str) -> Transition:
    """What the ledger keeps of a drill; the route does not change."""
    verdict = judge_drill(seen)
    title = f"Rollback drill of {champion}: {_TITLES[verdict.name]}"
    name = f"{state.loop}/drill/{state.route.generation}"
    draft = draft_of(state, name, KIND, title, verdict, champion, now, {"seen": plain(seen)}, actor)
    return Transition(state, (draft,))


def judge_drill(seen: DrillSeen) -> Verdict:
    """Accept a drill in which every replica went back in time and answers agreed; without traffic nothing is proven.

    >>> judge_drill(DrillSeen(2, 0.03, 0.02, 100, 0.0, ())).name
    'ACCEPT'
    >>> judge_drill(DrillSeen(2, 0.03, None, 0, None, ())).name
    'INCONCLUSIVE'
    """
    if seen.lagging or not seen.replicas:
        return _verdict(REJECT, "not_followed", seen.replicas, None, "; ".join(seen.lagging) or "no replica serves")
    took = seen.followed_seconds if seen.last_reply_seconds is None else seen.last_reply_seconds
    if max(took, seen.followed_seconds) > LONGEST_SECONDS:
        slow = max(took, seen.followed_seconds)
        text = f"{figure(slow)} s until the last reply or replica > {figure(LONGEST_SECONDS)} s"
        return _verdict(REJECT, "too_slow", slow, LONGEST_SECONDS, text)
    if seen.worst is not None and seen.worst > TOLERANCE:
        text = f"answers of the copy and of the champion differ by {figure(seen.worst)} > {figure(TOLERANCE)}"
        return _verdict(REJECT, "answers_differ", seen.worst, TOLERANCE, text)
    if seen.worst is None:
        text = (
            f"{plural(seen.replicas, 'replica')} went back within {figure(seen.followed_seconds)} s, but"
            " nobody asked meanwhile"
        )
        return _verdict(INCONCLUSIVE, "no_traffic", 0, 1, text)
    text = (
        f"{plural(seen.replicas, 'replica')} went back within {figure(took)} s <= {figure(LONGEST_SECONDS)} s;"
        f" {seen.rows} answers agree within {figure(seen.worst)}"
    )
    return _verdict(ACCEPT, "went_back_in_time", took, LONGEST_SECONDS, text)


_TITLES = {ACCEPT: "passed", REJECT: "failed", INCONCLUSIVE: "proves nothing"}


def _verdict(name: str, code: str, observed: float, limit: float | None, text: str) -> Verdict:
    return Verdict(name, (Reason(code, observed, limit, text),))
