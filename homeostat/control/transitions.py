"""Every change of a loop's state as a pure step: the state after it, and what the ledger says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from homeostat.control.rollouts import Canary
from homeostat.control.state import Held, LoopState, Retraining, Rollout
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import Reason, Verdict
from homeostat.serving.routing import Route

Facts = Mapping[str, object]
_STAND_DOWN = "stand_down"
_REMEMBERED = duration("32d")
"""Longer than any month: as far back as a budget looks."""


class Transition(NamedTuple):
    """The state after a decision, and the decision."""

    state: LoopState
    drafts: tuple[Draft, ...]


def ask_retraining(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, actor: str = "policy") -> Transition:
    """Give the next version its name and let its workflow begin."""
    version = f"v{state.next_version}"
    because = verdict.reasons[0].code
    retraining = Retraining(f"{state.loop}/retrain/{version}", version, now, because)
    after = dataclasses.replace(
        state.standing(version, "training", now),
        retraining=retraining,
        retrained_at=now,
        next_version=state.next_version + 1,
        held=None,
        trainings=(*(one for one in state.trainings if now - one < _REMEMBERED), now),
        asked=None,
    )
    kind, title = ("bootstrap", f"Train the first version, {version}")
    if state.route.champion is not None:
        kind, title = ("retrain", f"Retrain: {version}")
    draft = draft_of(state, retraining.workflow, kind, title, verdict, version, now, facts, actor)
    return Transition(after, (draft,))


def first_champion(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The first version passed the absolute gate: it serves everything."""
    asked = _retraining(state)
    route = next_route(state.route, champion=asked.version)
    after = dataclasses.replace(
        state.standing(asked.version, "champion", now),
        retraining=None,
        route=route,
        first_version=asked.version,
    )
    gate = draft_of(
        state, asked.workflow, "gate", f"{asked.version} passed the gate", verdict, asked.version, now, facts
    )
    serves = f"{asked.version} serves as the first champion"
    promoted = draft_of(state, asked.workflow, "promote", serves, verdict, asked.version, now, route_facts(route))
    return Transition(after, (gate, promoted))


def open_rollout(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, limits: Canary) -> Transition:
    """The candidate passed the gate: the first share of traffic goes to it."""
    asked = _retraining(state)
    gate = draft_of(
        state, asked.workflow, "gate", f"{asked.version} passed the gate", verdict, asked.version, now, facts
    )
    after, (opened,) = _opened(dataclasses.replace(state, retraining=None), asked.version, verdict, now, limits)
    return Transition(after, (gate, opened))


def _opened(state: LoopState, version: str, verdict: Verdict, now: Instant, limits: Canary) -> Transition:
    name, look_at = f"{state.loop}/rollout/{version}", now + duration(limits.holds[0])
    rollout = Rollout(name, version, str(state.route.champion), 0, now, now, look_at)
    route = next_route(state.route, canary=version, share=limits.steps[0], salt=rollout.id)
    after = dataclasses.replace(state.standing(version, "candidate", now), rollout=rollout, route=route)
    title = f"{version} takes {limits.steps[0]:.0%} of the traffic"
    return Transition(after, (draft_of(state, name, "canary", title, verdict, version, now, route_facts(route)),))


def hold(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, after: int, problem: str) -> Transition:
    """The candidate passed the gate, but there is no checkpoint of the state: nobody is answered by it yet.

    ``after`` is the number of the newest checkpoint there is; a later one of the champion lets the candidate go on.
    """
    asked = _retraining(state)
    gate = draft_of(
        state, asked.workflow, "gate", f"{asked.version} passed the gate", verdict, asked.version, now, facts
    )
    again = f"'homeostat checkpoints {state.loop} --take' takes one, and the release goes on by itself"
    why = Verdict("HOLD", (Reason("no_checkpoint", None, None, problem), Reason("mend", None, None, again)))
    title = f"{asked.version} is held: there is no checkpoint of the state of {state.route.champion}"
    held = draft_of(state, asked.workflow, "hold", title, why, asked.version, now, {})
    waits = Held(asked.version, now, after, problem)
    standing = state.standing(asked.version, "held", now)
    return Transition(dataclasses.replace(standing, retraining=None, held=waits), (gate, held))


def release_held(state: LoopState, held: Held, verdict: Verdict, now: Instant, limits: Canary) -> Transition:
    """The checkpoint that the candidate waited for is there: the first share of traffic goes to it."""
    return _opened(dataclasses.replace(state, held=None), held.version, verdict, now, limits)


def reject(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The candidate did not pass the gate: nothing changes for anyone."""
    asked = _retraining(state)
    after = dataclasses.replace(state.standing(asked.version, "rejected", now), retraining=None)
    title = f"{asked.version} did not pass the gate"
    return Transition(after, (draft_of(state, asked.workflow, "reject", title, verdict, asked.version, now, facts),))


def fail(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The workflow ended in an error: no candidate came of it."""
    asked = _retraining(state)
    after = dataclasses.replace(state.standing(asked.version, "failed", now), retraining=None)
    title = f"{'Training' if asked.variant is None else 'Quantising'} {asked.version} failed"
    return Transition(after, (draft_of(state, asked.workflow, "fail", title, verdict, asked.version, now, facts),))


def advance(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, limits: Canary) -> Transition:
    """The next share of traffic goes to the candidate."""
    rollout = _rollout(state)
    step = rollout.step + 1
    look_at = now + duration(limits.holds[step])
    moved = dataclasses.replace(
        rollout, step=step, entered_at=now, look_at=look_at, looks=rollout.looks + 1, asked=None
    )
    route = next_route(state.route, share=limits.steps[step])
    after = dataclasses.replace(state, rollout=moved, route=route)
    title = f"{rollout.candidate} advances to {limits.steps[step]:.0%}"
    name = f"{rollout.id}/{step}"
    return Transition(
        after,
        (draft_of(state, name, "advance", title, verdict, rollout.candidate, now, {**facts, **route_facts(route)}),),
    )


def look_again(state: LoopState, now: Instant, limits: Canary) -> LoopState:
    """A look that decided nothing still counts; the next one comes after the same hold."""
    rollout = _rollout(state)
    look_at = now + duration(limits.holds[rollout.step])
    return dataclasses.replace(state, rollout=dataclasses.replace(rollout, look_at=look_at, looks=rollout.looks + 1))


def promote(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """The candidate becomes champion; the old champion stays warm as standby."""
    rollout = _rollout(state)
    old, standby = state.route.champion, state.route.standby
    route = next_route(state.route, champion=rollout.candidate, canary=None, share=0.0, standby=old)
    after = state.standing(rollout.candidate, "champion", now).standing(str(old), "standby", now)
    if standby is not None and standby != old:
        after = after.standing(standby, "retired", now)
    after = dataclasses.replace(after, rollout=None, route=route)
    title = f"{rollout.candidate} is champion; {old} stands by"
    return Transition(
        after,
        (
            draft_of(
                state, rollout.id, "promote", title, verdict, rollout.candidate, now, {**facts, **route_facts(route)}
            ),
        ),
    )


def take_back(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, actor: str = "policy") -> Transition:
    """The candidate leaves; the champion serves everything again."""
    rollout = _rollout(state)
    route = next_route(state.route, canary=None, share=0.0)
    after = dataclasses.replace(state.standing(rollout.candidate, "rolled_back", now), rollout=None, route=route)
    title = f"{rollout.candidate} is taken back; {state.route.champion} serves"
    evidence = {**facts, **route_facts(route)}
    draft = draft_of(state, rollout.id, "rollback", title, verdict, rollout.candidate, now, evidence, actor)
    return Transition(after, (draft,))


def stand_down(state: LoopState, verdict: Verdict, now: Instant, successor: str | None) -> Transition:
    """The champion cannot be fed any more: ``successor`` serves everything, or nothing does and all begins anew."""
    champion, rollout = str(state.route.champion), state.rollout
    route = next_route(state.route, champion=successor, canary=None, share=0.0, standby=None)
    after = state.standing(champion, "retired", now)
    if state.route.standby is not None:
        after = after.standing(state.route.standby, "retired", now)
    if rollout is not None:
        after = after.standing(rollout.candidate, "rolled_back", now)
    if successor is not None:
        after = after.standing(successor, "champion", now)
    else:
        after = dataclasses.replace(after, retrained_at=None)
    after = dataclasses.replace(after, rollout=None, route=route)
    follows = f"{successor} serves again" if successor else "a first version is trained anew"
    title, name = f"{champion} stands down: its definitions changed; {follows}", _place(state.loop, route.generation)
    return Transition(after, (draft_of(state, name, _STAND_DOWN, title, verdict, champion, now, route_facts(route)),))


def stand_down_id(loop: str, generation: int) -> str:
    """The ledger's id of the decision that emptied the route of this generation."""
    return f"{_place(loop, generation)}/{_STAND_DOWN}"


def dismiss_standby(state: LoopState, verdict: Verdict, now: Instant) -> Transition:
    """The standby cannot be fed any more: nobody may be sent back to it."""
    standby = str(state.route.standby)
    route = next_route(state.route, standby=None)
    after = dataclasses.replace(state.standing(standby, "retired", now), route=route)
    title, name = f"{standby} stands by no more: its definitions changed", _place(state.loop, route.generation)
    return Transition(after, (draft_of(state, name, "dismiss", title, verdict, standby, now, route_facts(route)),))


def _place(loop: str, generation: int) -> str:
    return f"{loop}/route/{generation}"


def next_route(route: Route, **changes: object) -> Route:
    """The route of the next generation; who answers is no shadow, and without a champion there is nothing beside it.

    Only an arm of an experiment stays halted: one that comes in otherwise is judged anew.
    """
    champion = changes.get("champion", route.champion)
    shadows = changes.get("shadows", route.shadows)
    beside: dict[str, object] = {"shadows": tuple(one for one in shadows if one.version != champion)}  # type: ignore[attr-defined]
    if champion is None:
        beside = {"shadows": (), "experiments": ()}
    after = dataclasses.replace(route, generation=route.generation + 1, **{**changes, **beside})  # type: ignore[arg-type]
    arms = [arm.version for one in after.experiments for arm in one.arms]
    halted = tuple(one for one in after.halted if one in arms and one not in (after.champion, after.canary))
    return dataclasses.replace(after, halted=halted)


def route_facts(route: Route) -> dict[str, object]:
    """What the ledger keeps of a route."""
    return {
        "generation": route.generation,
        "champion": route.champion,
        "canary": route.canary,
        "share": route.share,
    }


def draft_of(
    state: LoopState,
    action: str,
    kind: str,
    title: str,
    verdict: Verdict,
    version: str,
    now: Instant,
    facts: Facts,
    actor: str = "policy",
) -> Draft:
    """A decision for the ledger; its id is ``action`` and ``kind``, so that it is written once."""
    return Draft(
        id=f"{action}/{kind}",
        loop=state.loop,
        at=now,
        kind=kind,
        verdict=verdict.name,
        title=title,
        reasons=verdict.texts,
        version=version,
        actor=actor,
        evidence=dict(facts),
    )


def _retraining(state: LoopState) -> Retraining:
    if state.retraining is None:
        raise Refused(f"Loop {state.loop!r} is not retraining.", mend="Read its state again.", loop=state.loop)
    return state.retraining


def _rollout(state: LoopState) -> Rollout:
    if state.rollout is None:
        raise Refused(f"Loop {state.loop!r} has no open rollout.", mend="Read its state again.", loop=state.loop)
    return state.rollout
