"""Checkpoints of state at release boundaries: what is recorded of one, and which way state goes when a version does."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from homeostat.control.state import Flip, LoopState, Restoring
from homeostat.control.transitions import Transition, draft_of
from homeostat.control.versioned_state import First, Way
from homeostat.governance.audit import Draft
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import Reason, Verdict
from homeostat.kernel.words import plural
from homeostat.serving.routing import Route

KIND = "checkpoint"
RESTORE, REPLAY, LEAVE = "RESTORE", "REPLAY", "LEAVE"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """State of ``version`` as it was at ``at`` (event time), while the route had ``generation``.

    ``because`` names what it was taken for; ``hash`` covers every name, mode and byte of its ``files``.
    """

    id: str
    loop: str
    version: str
    generation: int
    at: Instant
    because: str
    files: int
    size: int
    hash: str

    @property
    def number(self) -> int:
        """Checkpoints of a loop are counted.

        >>> Checkpoint("c7", "late", "v1", 3, 0, "asked for", 1, 9, "").number
        7
        """
        return int(self.id.removeprefix("c"))


def checkpoint_draft(state: LoopState, taken: Checkpoint, now: Instant, actor: str = "policy") -> Draft:
    """What the ledger keeps of a checkpoint, written once."""
    text = f"{plural(taken.files, 'file')}, {taken.size} bytes, sha256 {taken.hash[:12]}"
    verdict = Verdict("KEEP", (Reason("taken", taken.size, None, f"{taken.because}: {text}"),))
    title = f"Checkpoint {taken.id} of the state of {taken.version}"
    facts = {KIND: plain(taken)}
    return draft_of(
        state, checkpoint_action(state.loop, taken.id), KIND, title, verdict, taken.version, now, facts, actor
    )


def checkpoint_action(loop: str, checkpoint: str) -> str:
    """Homeostat's own id of the taking of a checkpoint."""
    return f"{loop}/checkpoint/{checkpoint}"


@dataclass(frozen=True, slots=True)
class Return:
    """A version that comes back, the one that leaves, and the share of users that this one answered."""

    version: str
    leaving: str
    share: float


def returning(before: Route, after: Route) -> Return | None:
    """Who comes back by a change of the route; None when nobody does.

    >>> returning(Route("late", 4, "v2", standby="v1"), Route("late", 5, "v1"))
    Return(version='v1', leaving='v2', share=1.0)
    """
    if before.champion is None or after.champion is None:
        return None
    if after.champion != before.champion:
        whole = before.canary if before.share >= 1.0 else None
        return Return(after.champion, whole or before.champion, 1.0)
    if before.canary is not None and after.canary is None:
        return Return(after.champion, before.canary, before.share)
    return None


def judge_way(asked: Way | None, back: Return, kept: Checkpoint | None, *, replays: bool) -> Verdict:
    """Which way the state goes: what was asked for, else what makes it that of the version which comes back.

    A candidate that had a share of the users shared the state with the champion. To restore it would undo what the
    champion did meanwhile, so without a replay it is left. Raises: Refused for what cannot be done.
    """
    if asked == "leave":
        return _way(LEAVE, "asked_for", "asked to leave the state as it is")
    if asked == "replay" and not replays:
        raise Refused("This loop cannot replay: its state declares no replay.", mend="Say --state restore or leave.")
    if kept is None and asked is not None:
        raise Refused(
            f"There is no checkpoint of the state of {back.version}.",
            mend="'homeostat checkpoints' lists those there are; --state leave leaves the state as it is.",
            version=back.version,
        )
    if kept is None:
        return _way(LEAVE, "no_checkpoint", f"there is no checkpoint of the state of {back.version}")
    if asked is None and back.share < 1.0 and not replays:
        text = f"{back.leaving} answered {back.share:.0%} of the users only; a restore would undo the others' state"
        return _way(LEAVE, "shared_state", text)
    name = REPLAY if asked == "replay" or (asked is None and replays) else RESTORE
    return _way(name, "checkpoint", f"{kept.id} holds the state of {back.version} at generation {kept.generation}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How state goes along with a change of the route."""

    verdict: Verdict
    kept: Checkpoint | None
    first: First
    flip: Flip


def along(before: LoopState, moved: Transition, plan: Plan, now: Instant, actor: str) -> Transition:
    """The same change with the state's way back in it: after the route, or before it, as the plan says.

    Where the state goes first, nothing of ``moved`` happens yet; its ``flip`` is done when the state is right.
    """
    back = returning(before.route, moved.state.route)
    if back is None or not moved.drafts:
        return moved
    told: dict[str, object] = {"state": plan.verdict.name.lower(), "because": plan.verdict.texts}
    told_of = dataclasses.replace(moved.drafts[-1], evidence={**moved.drafts[-1].evidence, "versioned_state": told})
    drafts = (*moved.drafts[:-1], told_of)
    if plan.kept is None or plan.verdict.name == LEAVE:
        return Transition(dataclasses.replace(moved.state, restoring=None), drafts)
    restoring = begin(before, plan.verdict, plan.kept, back.leaving, now, actor, moved.drafts[-1].reasons)
    if plan.first == "route":
        return Transition(dataclasses.replace(moved.state, restoring=restoring), drafts)
    restoring = dataclasses.replace(restoring, flip=plan.flip)
    title = f"{back.leaving} is to be taken back, once the state of {back.version} is"
    then = {"title": moved.drafts[-1].title, "reasons": moved.drafts[-1].reasons, "evidence": moved.drafts[-1].evidence}
    told = {**told, "restoring": restoring.id, "then": then}
    draft = draft_of(before, restoring.id, "begin", title, plan.verdict, back.version, now, told, actor)
    return Transition(dataclasses.replace(before, restoring=restoring), (*moved.drafts[:-1], draft))


def leave_alone(before: LoopState, moved: Transition, now: Instant) -> Transition:
    """The same change, on record that the state stays as it is."""
    back = returning(before.route, moved.state.route)
    if back is None:
        return moved
    verdict = judge_way("leave", back, None, replays=False)
    return along(before, moved, Plan(verdict, None, "route", Flip()), now, moved.drafts[-1].actor)


def begin(
    state: LoopState,
    verdict: Verdict,
    kept: Checkpoint,
    leaving: str,
    now: Instant,
    actor: str,
    because: tuple[str, ...],
) -> Restoring:
    """Give the way back a name of its own: no other one began at this revision of the loop's state."""
    way: Literal["restore", "replay"] = "replay" if verdict.name == REPLAY else "restore"
    name = f"{state.loop}/state/{state.revision}"
    return Restoring(
        name, way, kept.version, leaving, kept.id, kept.hash, kept.at, now, actor, because, kept.generation
    )


def must_be_free(state: LoopState) -> None:
    """Raises: Refused while state is on its way back."""
    if state.restoring is not None:
        raise Refused(
            f"The state of {state.restoring.version} is being put back.",
            mend="Wait for it, see 'homeostat status'; or say --state leave to change the route at once.",
            loop=state.loop,
            restoring=state.restoring.id,
        )


def restore_by_hand(state: LoopState, kept: Checkpoint, now: Instant, actor: str, *, replays: bool) -> Transition:
    """Put a checkpoint back without a change of the route. Raises: Refused while another one is on its way."""
    must_be_free(state)
    champion = str(state.serving)
    if state.route.champion is None:
        raise Refused(f"Nothing serves {state.loop!r} yet.", mend="State goes with a version that serves.")
    way = REPLAY if replays else RESTORE
    verdict = _way(way, "asked_for", f"asked for by {actor}: {kept.id}")
    restoring = begin(state, verdict, kept, champion, now, actor, verdict.texts)
    title = f"Checkpoint {kept.id} is to be put back"
    draft = draft_of(state, restoring.id, "begin", title, verdict, kept.version, now, {}, actor)
    return Transition(dataclasses.replace(state, restoring=restoring), (draft,))


def _way(name: str, code: str, text: str) -> Verdict:
    return Verdict(name, (Reason(code, None, None, text),))
