"""What a person may ask of a loop's checkpoints: see them, verify them, take one, put one back, wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from homeostat.app.by_hand.operations import Operations
from homeostat.app.versioned_state.keeper import StateKeeper
from homeostat.control.checkpoints import Checkpoint, restore_by_hand
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound, Refused

Json = dict[str, Any]
_EVERY_SECONDS = 0.05


def listed(operations: Operations, loop: Loop, *, verify: bool) -> list[Json]:
    """Every checkpoint, newest first, with what of it is not as it was taken; None where that was not looked at.

    Of versions on the route, the newest one is listed though it is gone from the disk.
    """
    keeper = _keeper(operations, loop)
    known = {one.id: one for one in keeper.kept.all()} | {one.id: one for one in _missed(operations, keeper)}
    told = []
    for one in sorted(known.values(), key=lambda one: -one.number):
        recorded = keeper.recorded(one.id)
        due = one.hash if recorded is None else recorded.hash
        problems = keeper.kept.problems(one.id, due) if verify else None
        told.append({**_told(one), "recorded": recorded is not None, "problems": problems})
    return told


def take(operations: Operations, loop: Loop, *, actor: str) -> Json:
    """A checkpoint of the champion's state, taken now. Raises: Refused while state is on its way; as ``take``."""
    return _told(_keeper(operations, loop).take_by_hand(actor))


def put_back(operations: Operations, loop: Loop, checkpoint: str, *, actor: str) -> Json:
    """Send a checkpoint on its way, without a change of the route. Raises: NotFound, IntegrityError, Refused."""
    keeper = _keeper(operations, loop)
    known = {one.id: one for one in keeper.kept.all()}
    found = keeper.recorded(checkpoint) or known.get(checkpoint)
    if found is None:
        raise NotFound(f"Loop {loop.name!r} has no checkpoint {checkpoint!r}.", mend=did_you_mean(checkpoint, known))
    problems = keeper.kept.problems(checkpoint, found.hash)
    if problems:
        raise IntegrityError(
            f"Checkpoint {checkpoint} is damaged: {'; '.join(problems[:5])}.",
            mend=f"Name another one; 'homeostat checkpoints {loop.name}' tells which are intact.",
            checkpoint=checkpoint,
        )
    while True:
        state = operations.state(loop.name)
        replays = keeper.declared.replay is not None
        after, drafts = restore_by_hand(state, found, state.decided_until or 0, actor, replays=replays)
        try:
            return {"restoring": plain(operations.store.commit(state, after, drafts, ()).restoring)}
        except Conflict:
            continue


def waited(operations: Operations, loop: Loop, restoring: str, say: Callable[[str], None]) -> Json:
    """Wait until state on its way has come, or could not; the decision that says so, and the route then.

    Raises: NotFound while no instance runs: what was asked for is done when one does.
    """
    pause, progress = threading.Event(), _keeper(operations, loop).progress
    while (asked := operations.state(loop.name).restoring) is not None and asked.id == restoring:
        operations.home.running()
        say(progress.told())
        pause.wait(_EVERY_SECONDS)
    ended = [one for one in operations.decisions(loop.name) if str(one["evidence"].get("restoring")) == restoring]
    return {"decision": ended[-1] if ended else None, "route": operations.route(loop.name)}


def _keeper(operations: Operations, loop: Loop) -> StateKeeper:
    keeper = operations.keeper(loop)
    if keeper is None:
        mend = "Give it state=hs.StateFolder(...) or state=hs.State(...)."
        raise Refused(f"Loop {loop.name!r} declares no state.", mend=mend, loop=loop.name)
    return keeper


def _missed(operations: Operations, keeper: StateKeeper) -> list[Checkpoint]:
    """The newest recorded one of each version on the route that is not on the disk as it should be."""
    newest: dict[str, Checkpoint] = {}
    for entry in operations.store.entries(keeper.loop.name):
        if entry.draft.kind == "checkpoint":
            told: Any = entry.draft.evidence["checkpoint"]
            newest[str(told["version"])] = Checkpoint(**told)
    versions = operations.state(keeper.loop.name).route.versions
    return [one for version, one in newest.items() if version in versions]


def _told(one: Checkpoint) -> Json:
    return {**plain(one), "at": format_instant(one.at)}
