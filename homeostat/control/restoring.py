"""The workflow that puts state back: restore, replay, conclude; each step may be run again after a crash."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from homeostat.control.by_hand import redeploy, roll_back_by_hand
from homeostat.control.checkpoints import Checkpoint, checkpoint_draft, returning
from homeostat.control.state import ControlStore, LoopState, Restoring
from homeostat.control.transitions import Transition, draft_of
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.kernel.verdicts import ROLL_BACK, Reason, Verdict
from homeostat.kernel.words import plural
from homeostat.training.pipeline import Steps, WorkflowState

Json = dict[str, Any]
DONE, FAILED = ENDS = ("restore", "restore_failed")
"""The decisions in which a way back ends."""


class RestoringWork(Protocol):
    """What the workflow does to the world; every call finds what an earlier one made."""

    def restore(self, ask: Json) -> Json:
        """Keep what is there and put the checkpoint in its place: ``kept`` (a checkpoint or None), ``not_kept``."""
        ...

    def replay(self, ask: Json) -> Json:
        """Let the loop rebuild what was asked since: ``rows`` given out, ``of`` those there were."""
        ...


def workflow_name(loop: str) -> str:
    """The name under which a loop's way back is registered."""
    return f"restore-{loop}"


def restoring_body(
    store: ControlStore, work: RestoringWork, on_change: Callable[[LoopState], None]
) -> Callable[[Steps, Json], Json]:
    """The workflow's body; ``on_change`` publishes the route it may have changed."""

    def body(steps: Steps, ask: Json) -> Json:
        done: Json = steps.run("restore", lambda: work.restore(ask))
        if ask["way"] == "replay":
            done = {**done, **steps.run("replay", lambda: work.replay(ask))}
        outcome: Json = steps.run("conclude", lambda: conclude(store, ask, done, on_change))
        return outcome

    return body


def conclude(store: ControlStore, ask: Json, done: Json, on_change: Callable[[LoopState], None]) -> Json:
    """Write down that the state is back and do the flip that waited for it, once."""
    while True:
        state = store.state(str(ask["loop"]))
        if state.restoring is None or state.restoring.id != ask["id"]:
            break
        after, drafts = _concluded(state, state.restoring, done)
        try:
            state = store.commit(state, after, drafts, ())
        except Conflict:
            continue
        break
    on_change(state)
    return {"generation": state.route.generation}


def _concluded(state: LoopState, restoring: Restoring, done: Json) -> Transition:
    try:
        moved = _flipped(state, restoring)
    except HomeostatError as error:
        return not_restored(state, error.to_dict())
    return Transition(moved.state, (*_told(state, restoring, done), *moved.drafts))


def _flipped(state: LoopState, restoring: Restoring) -> Transition:
    """The change of the route that waited; none where it went first. Raises: Conflict when it moved on meanwhile."""
    free, flip = dataclasses.replace(state, restoring=None), restoring.flip
    if flip is None:
        return Transition(free, ())
    verdict = Verdict(ROLL_BACK, tuple(Reason("asked_for", None, None, text) for text in restoring.because))
    if flip.to is None:
        moved = roll_back_by_hand(free, verdict, restoring.asked_at, restoring.actor)
    else:
        moved = redeploy(free, flip.to, verdict, restoring.asked_at, restoring.actor, override=flip.override)
    back = returning(state.route, moved.state.route)
    if back is None or back.version != restoring.version:
        raise Conflict("The route moved on while the state was put back.", mend="Look again, then decide.")
    return moved


def _told(state: LoopState, restoring: Restoring, done: Json) -> tuple[Any, ...]:
    now, kept = restoring.asked_at, done.get("kept")
    drafts = [] if kept is None else [checkpoint_draft(state, Checkpoint(**kept), now, restoring.actor)]
    title = f"The state of {restoring.version} is back, from {restoring.checkpoint}"
    if restoring.way == "replay":
        title += f", and {done['rows']:,} of {plural(done['of'], 'prediction')} since are replayed"
    reasons = tuple(Reason("asked_for", None, None, text) for text in restoring.because)
    verdict = Verdict("RESTORED", reasons)
    told = {"restoring": restoring.id, "leaving": restoring.leaving}
    facts = {**told, "checkpoint": restoring.checkpoint, "hash": restoring.hash, **done}
    drafts.append(draft_of(state, restoring.id, DONE, title, verdict, restoring.version, now, facts, restoring.actor))
    return tuple(drafts)


def collect_failure(state: LoopState, ended: WorkflowState) -> Transition:
    """A way back that ended in an error is written down and over: nothing is tried again by itself."""
    return not_restored(state, ended.error or {"problem": "The workflow ended in an error.", "mend": "Ask again."})


def not_restored(state: LoopState, error: Json) -> Transition:
    """The route stays as it is, whichever that is."""
    restoring = state.restoring
    if restoring is None:
        return Transition(state, ())
    now: Instant = restoring.asked_at
    text = f"{error.get('problem', '')} {error.get('mend', '')}".strip()
    verdict = Verdict(
        "FAILED", (Reason(str(error.get("code", "failed")), None, None, text), *_what_now(state, restoring))
    )
    title = f"The state of {restoring.version} could not be put back"
    draft = draft_of(
        state,
        restoring.id,
        FAILED,
        title,
        verdict,
        restoring.version,
        now,
        {"restoring": restoring.id, "leaving": restoring.leaving, "error": error},
        restoring.actor,
    )
    return Transition(dataclasses.replace(state, restoring=None), (draft,))


def _what_now(state: LoopState, restoring: Restoring) -> tuple[Reason, ...]:
    again = f"homeostat checkpoints {state.loop} --restore {restoring.checkpoint}"
    text = f"{state.route.champion} serves with the state that is there; '{again}' tries again"
    if restoring.flip is not None:
        text = f"{restoring.leaving} still answers; 'homeostat rollback {state.loop} --state leave' does not wait"
    return (Reason("route", None, None, text),)
