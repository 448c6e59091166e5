"""Takes checkpoints of a loop's state and sends it along with changes of the route, whether or not control runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.adapters.files.checkpoints import CheckpointStore
from homeostat.adapters.files.folders import copy_folder
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.versioned_state.places import check_place, place_of
from homeostat.app.versioned_state.progress import Progress
from homeostat.app.versioned_state.runner import StateJob, StateRunner
from homeostat.control import transitions
from homeostat.control.checkpoints import (
    Checkpoint,
    Plan,
    along,
    checkpoint_action,
    checkpoint_draft,
    judge_way,
    must_be_free,
    returning,
)
from homeostat.control.loop import Loop
from homeostat.control.restoring import ENDS, FAILED
from homeostat.control.state import ControlStore, Flip, LoopState
from homeostat.control.transitions import Transition
from homeostat.control.versioned_state import First, StateFolder, VersionedState, Way, timeout_seconds
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import ACCEPT, Reason, Verdict
from homeostat.serving.routing import Route

Json = dict[str, Any]
Change = Callable[[LoopState, Instant], Transition]


@dataclass(frozen=True, slots=True)
class StateKeeper:
    """The state of one loop: where it lies, its checkpoints, and which way it goes when a version does.

    ``replayed``: time is what requests say, not the machine's.
    """

    loop: Loop
    declared: VersionedState
    home: Home
    loop_file: Path
    store: ControlStore
    replayed: bool

    @classmethod
    def of(cls, loop: Loop, home: Home, store: ControlStore) -> StateKeeper | None:
        """None for a loop that declares no state. A route changes whatever became of the state itself."""
        if loop.state is None:
            return None
        return cls(loop, loop.state, home, home.loop_file(), store, home.replayed())

    @property
    def folder(self) -> Path:
        """Where the checkpoints lie."""
        return self.home.checkpoints / self.loop.name

    @property
    def kept(self) -> CheckpointStore:
        """The checkpoints."""
        return CheckpointStore(self.folder, self.loop.name)

    @property
    def progress(self) -> Progress:
        """How far state on its way has come."""
        return Progress(self.folder)

    @property
    def place(self) -> Path:
        """The folder that the loop declares, beside its file where it is relative."""
        place = place_of(self.loop, self.loop_file)
        assert place is not None
        return place

    def check_place(self) -> None:
        """Raises: InvalidInput where the declared folder would take the home, the loop file or a link with it."""
        if isinstance(self.declared, StateFolder):
            check_place(self.loop.name, self.place, self.home, self.loop_file)

    def job(self, action: Any, version: str, folder: Path, **more: int) -> StateJob:
        """A call of one of the loop's functions."""
        return StateJob(
            str(self.loop_file.absolute()), self.loop.name, action, version, str(folder), str(self.home.root), **more
        )

    def run(self, job: StateJob) -> Json:
        """Call it in a child process. Raises: StateFailed."""
        return StateRunner(self.folder / "work", timeout_seconds(self.declared)).run(job)

    def take(
        self, version: str, generation: int, at: Instant, because: str, fill: Callable[[Path], object] | None = None
    ) -> Checkpoint:
        """Keep the state as it is, as that of ``version``; ``fill`` says otherwise where it comes from.

        It is of now; of ``at`` where time is replayed: what is served from then on is replayed on top of it.
        Raises: Refused, Unavailable, StateFailed; then nothing is kept.
        """
        fill = fill or (lambda target: self._fill(target, version))
        self.progress.say(f"keeping the state of {version}")
        at = at if self.replayed else SystemClock().now()
        try:
            return self.kept.take(fill, version=version, generation=generation, at=at, because=because)
        finally:
            self.progress.forget()

    def keep(self, ask: Json) -> Checkpoint:
        """The checkpoint of a retraining, before its candidate answers anybody. Raises: as ``take``, or Refused."""
        state = self.store.state(self.loop.name)
        must_be_free(state)
        taken = self.take(str(state.serving), state.route.generation, int(ask["asked_at"]), str(ask["workflow"]))
        self.prune(state.route)
        return taken

    def take_by_hand(self, actor: str) -> Checkpoint:
        """Keep the champion's state now, on record. Raises: Refused while state is on its way; as ``take``."""
        state = self._free(None)
        version, now = str(state.serving), state.decided_until or 0
        taken = self.take(version, state.route.generation, now, f"asked for by {actor}, after c{self.newest()}")
        while True:
            state = self._free(version)
            try:
                state = self.store.commit(state, state, [checkpoint_draft(state, taken, now, actor)], ())
                break
            except Conflict:
                continue
        self.prune(state.route)
        return taken

    def _free(self, version: str | None) -> LoopState:
        state = self.store.state(self.loop.name)
        must_be_free(state)
        if state.serving is None or version not in (None, state.serving):
            why = "Nothing serves yet" if state.serving is None else f"{state.serving} came meanwhile"
            raise Refused(f"{why}: this is no checkpoint of {self.loop.name!r}.", mend="Look again, then ask again.")
        return state

    def newest(self) -> int:
        """The number of the newest checkpoint; 0 before the first."""
        return self.kept.newest()

    def prune(self, route: Route, *spare: str) -> None:
        """Keep as many as the loop says, and the newest of every version on the route; ``spare`` too."""
        self.kept.prune(self.declared.keep, route.versions, spare)

    def latest(self, version: str) -> Checkpoint | None:
        """The newest checkpoint of a version that the ledger knows of."""
        found = [one for one in self.kept.all() if one.version == version and self.recorded(one.id) is not None]
        return found[-1] if found else None

    def recorded(self, checkpoint: str) -> Checkpoint | None:
        """A checkpoint as the ledger has it."""
        entry = self.store.entry(checkpoint_action(self.loop.name, checkpoint) + "/checkpoint")
        told: Any = None if entry is None else entry.draft.evidence["checkpoint"]
        return None if told is None else Checkpoint(**told)

    def along(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        """A version is taken back: its state goes before or after the route, as the loop says.

        Where it could not be put back before, the route goes first: nobody is held at a bad version by it."""
        first: First = "route" if self._failed(before, moved) else self.declared.first
        return self._along(before, moved, now, None, first, Flip())

    def at_once(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        """A version cannot serve any more: the route goes first."""
        return self._along(before, moved, now, None, "route", Flip())

    def going(self, change: Change, way: Way | None, flip: Flip) -> Change:
        """The same change by hand or by limits, with the state; ``way`` overrides the loop's.

        Raises: Refused while state is on its way, unless it is to be left; and what ``judge_way`` raises.
        """

        def stateful(state: LoopState, at: Instant) -> Transition:
            if way != "leave":
                must_be_free(state)
            return self._along(state, change(state, at), at, way, self.declared.first, flip)

        return stateful

    def release(self, state: LoopState, now: Instant) -> Transition:
        """Open the rollout of a held version, once there is a later checkpoint of the champion; else nothing."""
        held, champion = state.held, state.serving
        kept = None if held is None or champion is None else self.latest(champion)
        if held is None or kept is None or kept.number <= held.after:
            return Transition(state, ())
        text = f"{kept.id} holds the state of {champion}"
        verdict = Verdict(ACCEPT, (Reason("checkpoint", kept.number, held.after, text),))
        return transitions.release_held(state, held, verdict, now, self.loop.rollout)

    def _failed(self, before: LoopState, moved: Transition) -> bool:
        """Whether the last way back of the same version, from the same one, came to nothing."""
        back = returning(before.route, moved.state.route)
        drafts = (one.draft for one in reversed(self.store.entries(self.loop.name)))
        ended = (one for one in drafts if one.kind in ENDS)
        pairs = ((one.kind, one.version, one.evidence.get("leaving")) for one in ended)
        last = next((kind for kind, *pair in pairs if back and pair == [back.version, back.leaving]), None)
        return last == FAILED

    def _along(
        self, before: LoopState, moved: Transition, now: Instant, way: Way | None, first: First, flip: Flip
    ) -> Transition:
        back = returning(before.route, moved.state.route)
        if back is None or before.drill is not None:  # a drill's copy is the same version
            return moved
        kept = self.latest(back.version)
        verdict = judge_way(way, back, kept, replays=self.declared.replay is not None)
        return along(before, moved, Plan(verdict, kept, first, flip), now, moved.drafts[-1].actor)

    def _fill(self, target: Path, version: str) -> None:
        if isinstance(self.declared, StateFolder):
            self.check_place()
            self._copy(self.place, target)
            return
        target.mkdir(mode=0o700)
        self.run(self.job("checkpoint", version, target))

    def _copy(self, place: Path, target: Path) -> None:
        if not place.exists():  # nothing was ever kept: that is the state
            target.mkdir(mode=0o700)
            return
        if not place.is_dir():
            raise Refused(f"{place} is no folder.", mend="Give state= the path of a folder.")
        copy_folder(place, target, lambda done, of: self.progress.say("keeping the state", done, of))
