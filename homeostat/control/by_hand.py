"""Changes of a route that a person asks for, as pure steps: versions taken back, redeployed, or shown traffic."""

from __future__ import annotations

import dataclasses

from homeostat.control.state import LoopState, Retraining
from homeostat.control.transitions import (
    Facts,
    Transition,
    ask_retraining,
    draft_of,
    next_route,
    route_facts,
    take_back,
)
from homeostat.data.checks import did_you_mean
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotFound, Refused
from homeostat.kernel.verdicts import RETRAIN, ROLL_BACK, Reason, Verdict
from homeostat.registry.models import Variant
from homeostat.serving.routing import Shadow

_MARKED = ("rolled_back", "rejected")
_NEVER_MADE = ("training", "failed")


def roll_back_by_hand(state: LoopState, verdict: Verdict, now: Instant, actor: str) -> Transition:
    """What a person means by rollback: an open rollout ends, else the standby takes over."""
    assert verdict.name == ROLL_BACK
    _must_not_rehearse(state)
    if state.rollout is not None:
        return take_back(state, verdict, now, {}, actor)
    return flip_to_standby(state, verdict, now, actor)


def flip_to_standby(
    state: LoopState, verdict: Verdict, now: Instant, actor: str, facts: Facts | None = None
) -> Transition:
    """The champion leaves; the standby serves everything. Raises: Refused when there is none."""
    champion, standby = state.route.champion, state.route.standby
    if champion is None or standby is None:
        raise Refused(
            f"Loop {state.loop!r} has no version to go back to.",
            mend="A standby exists after the first promotion; until then, stop asking this loop.",
            loop=state.loop,
            champion=champion,
        )
    route = next_route(state.route, champion=standby, standby=None)
    after = state.standing(champion, "rolled_back", now).standing(standby, "champion", now)
    after = dataclasses.replace(after, route=route)
    title = f"{champion} is taken back; {standby} serves"
    name, evidence = f"{state.loop}/flip/{route.generation}", {**(facts or {}), **route_facts(route)}
    return Transition(after, (draft_of(state, name, "rollback", title, verdict, champion, now, evidence, actor),))


def roll_back_by_limits(state: LoopState, verdict: Verdict, now: Instant) -> Transition:
    """What breaks a limit leaves: an open rollout's candidate first, then the champion, where somebody stands by."""
    if state.drill is not None or (state.rollout is None and state.route.standby is None):
        return Transition(state, ())
    return roll_back_by_hand(state, verdict, now, "limits")


def redeploy(
    state: LoopState, version: str, verdict: Verdict, now: Instant, actor: str, *, override: bool
) -> Transition:
    """A version that was registered before serves everything; the champion leaves, and an open rollout ends.

    Raises: NotFound for a version that never was; Refused for the champion itself, one that was never finished, and,
    without ``override``, one that was taken back or turned away.
    """
    _must_not_rehearse(state)
    _must_be_fit(state, version, override)
    champion, rollout = str(state.route.champion), state.rollout
    route = next_route(state.route, champion=version, canary=None, share=0.0, standby=None)
    after = state.standing(champion, "rolled_back", now)
    if rollout is not None:
        after = after.standing(rollout.candidate, "rolled_back", now)
    if state.route.standby is not None:
        after = after.standing(state.route.standby, "retired", now)
    held = None if state.held is not None and state.held.version == version else state.held
    after = dataclasses.replace(after.standing(version, "champion", now), rollout=None, route=route, held=held)
    marked = state.versions[version].name in _MARKED
    title = f"{champion} is taken back; {version} serves again{', by override' if marked else ''}"
    name = f"{state.loop}/redeploy/{route.generation}"
    return Transition(
        after, (draft_of(state, name, "rollback", title, verdict, champion, now, route_facts(route), actor),)
    )


def cast_shadow(state: LoopState, version: str, share: float, now: Instant, actor: str) -> Transition:
    """A version sees ``share`` of the units without answering them; 0 ends it.

    Raises: NotFound and Refused as ``redeploy`` does, but for versions that were taken back: seeing harms nobody.
    """
    others = tuple(one for one in state.route.shadows if one.version != version)
    if share > 0.0:
        _must_be_fit(state, version, override=True)
    elif len(others) == len(state.route.shadows):
        names = [one.version for one in state.route.shadows]
        raise NotFound(f"{version!r} is no shadow of {state.loop!r}.", mend=did_you_mean(version, names))
    route = next_route(state.route, shadows=(*others, Shadow(version, share)) if share > 0.0 else others)
    title = (
        f"{version} sees {share:.0%} of the traffic as a shadow" if share > 0.0 else f"{version} is no shadow any more"
    )
    verdict = Verdict("SHADOW", (Reason("asked_for", actor, None, f"asked for by {actor}"),))
    name, facts = f"{state.loop}/shadow/{route.generation}", {**route_facts(route), "share": share}
    draft = draft_of(state, name, "shadow", title, verdict, version, now, facts, actor)
    return Transition(dataclasses.replace(state, route=route), (draft,))


def ask_variant(state: LoopState, variant: Variant, now: Instant, actor: str) -> Transition:
    """A version is to be made of another one's model; it is judged, and comes in, as a trained one does.

    Raises: NotFound and Refused for a version that never was, was never finished, taken back or turned away; Refused
    while no champion is there to be compared with, and while another version is in the making, on trial or rehearsing.
    """
    if state.route.champion is None:
        mend = "A first version passes the gate first."
        raise Refused(f"Loop {state.loop!r} has no champion yet.", mend=mend, loop=state.loop)
    _must_be_made(state, variant.of)
    if state.versions[variant.of].name in _MARKED:
        mend = "Name a version that was not."
        raise Refused(f"{variant.of} of {state.loop!r} was {_marked(state, variant.of)}.", mend=mend, loop=state.loop)
    _must_be_free(state)
    version = f"v{state.next_version}"
    title, workflow = f"Make {version} of {variant.of}: {variant.precision}", f"{state.loop}/quantise/{version}"
    verdict = Verdict("QUANTISE", (Reason("asked_for", actor, None, f"asked for by {actor}"),))
    asked = Retraining(workflow, version, now, "asked_for", variant)
    after = dataclasses.replace(
        state.standing(version, "training", now), retraining=asked, next_version=state.next_version + 1
    )
    facts = {"of": variant.of, "precision": variant.precision}
    return Transition(after, (draft_of(state, workflow, "quantise", title, verdict, version, now, facts, actor),))


def retrain_by_hand(state: LoopState, now: Instant, actor: str, reason: str) -> Transition:
    """The next version is trained now, whatever the policy says of cool-down, quiet hours and budget; it is judged, and
    comes in, as any other does, and counts in the budget.

    Raises: Refused while another version is in the making, held or on trial, a rollback rehearses, or state is on its
    way.
    """
    _must_be_free(state)
    verdict = Verdict(RETRAIN, (Reason("asked_for", actor, None, f"asked for by {actor}: {reason}"),))
    return ask_retraining(state, verdict, now, {}, actor)


def _must_be_free(state: LoopState) -> None:
    made, held, tried = state.retraining, state.held, state.rollout
    if not (made or held or tried or state.drill or state.restoring):
        return
    busy = made.version if made else held.version if held else tried.candidate if tried else None
    rest = "a drill" if state.drill else "state on its way back"
    raise Refused(
        f"Loop {state.loop!r} has {busy or rest} under way, and looks at one candidate at a time.",
        mend="Wait until it has ended; see 'homeostat status'.",
        loop=state.loop,
    )


def _must_not_rehearse(state: LoopState) -> None:
    """Raises: Refused while a copy serves for the champion: who leaves would be the copy."""
    if state.drill is not None:
        raise Refused(
            f"A rollback of {state.loop!r} is being rehearsed.",
            mend="It ends within seconds: ask again then.",
            loop=state.loop,
        )


def _must_be_made(state: LoopState, version: str) -> None:
    standing = state.versions.get(version)
    if standing is None:
        mend = did_you_mean(version, state.versions)
        raise NotFound(f"Loop {state.loop!r} has no version {version!r}.", mend=mend, loop=state.loop, version=version)
    if standing.name == "deleted":
        mend = "Name a version that is still there; see 'homeostat versions'."
        raise Refused(f"{version} of {state.loop!r} was deleted.", mend=mend, loop=state.loop, version=version)
    if standing.name in _NEVER_MADE:
        mend = "Name a version that was registered; see 'homeostat versions'."
        raise Refused(f"{version} of {state.loop!r} was never finished.", mend=mend, loop=state.loop, version=version)


def _must_be_fit(state: LoopState, version: str, override: bool) -> None:
    _must_be_made(state, version)
    standing = state.versions[version]
    if version == state.route.champion:
        raise Refused(f"{version} serves {state.loop!r} already.", mend="Name another version.", loop=state.loop)
    if state.route.champion is None:
        mend = "A first version passes the gate first."
        raise Refused(f"Loop {state.loop!r} has no champion yet.", mend=mend, loop=state.loop)
    if standing.name in _MARKED and not override:
        raise Refused(
            f"{version} of {state.loop!r} was {_marked(state, version)}.",
            mend="If it is to serve all the same, say --override; the ledger keeps it.",
            loop=state.loop,
            version=version,
            standing=standing.name,
        )


def _marked(state: LoopState, version: str) -> str:
    return "taken back" if state.versions[version].name == "rolled_back" else "turned away at the gate"
