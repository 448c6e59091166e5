"""What a person or a limit changes of a home: it works whether or not an instance runs."""

from __future__ import annotations

import fcntl
from typing import Any

from homeostat.adapters.files.routes import write_route, write_waiting
from homeostat.app.shown import views
from homeostat.app.shown.standings import Standings
from homeostat.app.versioned_state.keeper import Change, StateKeeper
from homeostat.control.approvals import approve, refuse
from homeostat.control.by_hand import (
    ask_variant,
    cast_shadow,
    redeploy,
    retrain_by_hand,
    roll_back_by_hand,
    roll_back_by_limits,
)
from homeostat.control.checkpoints import leave_alone, must_be_free
from homeostat.control.keeping import STATELESS
from homeostat.control.loop import Loop
from homeostat.control.proposals import answer_proposal
from homeostat.control.releasing import answer_release
from homeostat.control.state import Flip, LoopState
from homeostat.control.transitions import Transition
from homeostat.control.versioned_state import Way
from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, NotFound, Refused
from homeostat.kernel.verdicts import REJECT, ROLL_BACK, Reason, Verdict
from homeostat.registry.binding import Binding, binding_of, judge_binding
from homeostat.registry.models import Precision, Registry, Variant
from homeostat.serving.waiting import Waiting

Json = dict[str, Any]


class Operations(Standings):
    """Reads and changes one home."""

    __slots__ = ()

    def rollback(
        self,
        loop: str,
        reason: str,
        *,
        actor: str,
        now: Instant | None,
        generation: int | None = None,
        way: Way | None = None,
        declared: Loop | None = None,
    ) -> Json:
        """End an open rollout, or flip to the standby, in one compare-and-set; done when every replica follows.

        With ``generation``, only what that route says is taken back, and asking again takes nothing more back. Where
        the loop declares state, that is on its way then, by control; ``way`` overrides how. Only then is the loop's
        file read, unless it is known as ``declared``.
        Raises: Conflict when another route serves by now; Refused when there is nothing to go back to.
        """
        verdict = _asked_for(actor, reason)

        def change(state: LoopState, at: Instant) -> Transition:
            if generation in (None, state.route.generation):
                return roll_back_by_hand(state, verdict, at, actor)
            raise _moved_on(state)

        try:
            return self._change(loop, self._with_own_state(loop, declared, change, way), now)
        except (Conflict, Refused):
            state = self.store.state(loop)
            done = None if generation is None else self._decided(state, generation, verdict, actor)
            if done is None:
                raise
            return self._published(state, done)

    def answer(
        self, loop: Loop, question: str | None, reason: str, *, approved: bool, actor: str, now: Instant | None
    ) -> Json:
        """Answer what a rollout asks. Approved, control takes its next step; refused, the candidate leaves at once.

        Raises: Refused when nothing is asked, Conflict when somebody was faster.
        """
        said = approve if approved else refuse

        def answered(state: LoopState, at: Instant) -> Transition:
            asked = state.rollout.asked if state.rollout else None
            self._must_be_unanswered(question or (asked.id if asked else None), approved or asked is None)
            if approved:
                must_be_free(state)
            return said(state, question, at, actor, reason)

        change = answered if approved else self._with_state(loop, answered, None, Flip())
        return self._change(loop.name, change, now)

    def answer_proposal(
        self, loop: Loop, question: str | None, reason: str, *, approved: bool, actor: str, now: Instant | None
    ) -> Json:
        """Answer what is asked about retraining. Approved, control begins at its next look; refused, it asks later.

        Raises: Refused when nothing is asked, Conflict when somebody was faster.
        """

        def answered(state: LoopState, at: Instant) -> Transition:
            return answer_proposal(state, question, at, actor, reason, loop.retrain, approved=approved)

        return self._change(loop.name, answered, now)

    def answer_release(
        self, loop: Loop, question: str | None, reason: str, *, approved: bool, actor: str, now: Instant | None
    ) -> Json:
        """Answer what a gate asks. Approved, control lets the candidate in at its next look; refused, it leaves.

        Raises: Refused when nothing is asked or the author would approve, Conflict when somebody was faster.
        """

        def answered(state: LoopState, at: Instant) -> Transition:
            self._must_be_unanswered(question, refused=True)
            return answer_release(state, question, at, actor, reason, loop.gate, approved=approved)

        return self._change(loop.name, answered, now)

    def answer_any(
        self, loop: Loop, question: str, reason: str, *, approved: bool, actor: str, now: Instant | None
    ) -> Json:
        """Answer what a rollout, a policy or a gate asks, by the question's id.

        Raises: NotFound for a question that is not open.
        """
        asked = {one["question"]: one["kind"] for one in self.approvals(loop, now)}
        said = {"rollout": self.answer, "retrain": self.answer_proposal, "release": self.answer_release}
        if question not in asked:
            self._must_be_unanswered(question, refused=True)
            raise NotFound(
                f"Nothing is asked as {question!r} now.",
                mend=did_you_mean(question, asked) if asked else "See 'homeostat approvals'.",
                question=question,
            )
        return said[asked[question]](loop, question, reason, approved=approved, actor=actor, now=now)

    def _must_be_unanswered(self, question: str | None, refused: bool) -> None:
        """An answer may have ended the rollout that asked: who gave it is in the ledger. ``refused``: a refusal counts;
        to refuse what could not leave the first time is no second answer."""
        for kind in ("approve", "refuse")[: 1 + refused] if question else ():
            entry = self.store.entry(f"{question}/{kind}")
            if entry is not None:
                raise Conflict(
                    f"{entry.draft.actor} was faster: {entry.draft.title} ({'; '.join(entry.draft.reasons)}).",
                    mend="See 'homeostat decisions' for what became of it.",
                    question=question,
                    answered_by=entry.draft.actor,
                )

    def take_back(self, loop: Loop, verdict: Verdict, now: Instant) -> bool:
        """Act on a limit that fired; whether there was anything to go back to. Without, nothing is written."""
        before = self.store.state(loop.name)
        if before.restoring is not None:
            return True  # somebody is on the way back already
        if not roll_back_by_limits(before, verdict, now).drafts:
            return False

        stateful = self.keeper(loop) or STATELESS

        def change(state: LoopState, at: Instant) -> Transition:
            return stateful.along(state, roll_back_by_limits(state, verdict, at), at)

        done = self._change(loop.name, change, now)
        return int(done["route"]["generation"]) > before.route.generation or "restoring" in done

    def redeploy(
        self,
        loop: Loop,
        version: str,
        reason: str,
        registry: Registry,
        *,
        actor: str,
        override: bool,
        way: Way | None = None,
    ) -> Json:
        """Serve any registered version again, its files fetched anew; done when every replica follows.

        Raises: NotFound, Refused, IntegrityError and what taking a checkpoint raises, before anything has changed.
        """
        verdict = _asked_for(actor, reason)

        def redeployed(state: LoopState, at: Instant) -> Transition:
            return redeploy(state, version, verdict, at, actor, override=override)

        change = self._with_state(loop, redeployed, way, Flip(version, override))
        change(self.store.state(loop.name), 0)
        found = judge_binding(binding_of(registry.get(loop.name, version)), Binding.of(loop.feature_set))
        if found.name == REJECT:
            raise Refused(
                f"{version} cannot be fed any more: {'; '.join(found.texts)}.",
                mend="Put the definitions back and restart, or name another version.",
                version=version,
            )
        registry.folder(loop.name, version, anew=True)
        self._keep_before(loop, version, way, actor)
        return self._change(loop.name, change, None)

    def cast_shadow(self, loop: Loop, version: str, share: float, *, actor: str, now: Instant | None) -> Json:
        """Let a version see a share of the traffic without answering it; 0 ends that."""
        return self._change(loop.name, lambda state, at: cast_shadow(state, version, share, at, actor), now)

    def quantise(
        self, loop: Loop, version: str | None, precision: Precision, registry: Registry, *, actor: str
    ) -> Json:
        """Ask for a variant of a version, the champion's where none is named; control makes and judges it.

        Raises: NotFound, Refused and IntegrityError, before anything has changed.
        """
        before = self.store.state(loop.name)
        variant = Variant(version or before.route.champion or "", precision)
        ask_variant(before, variant, 0, actor)
        from homeostat.app.pipeline.variants import check_quantisable  # takes the libraries of training with it

        check_quantisable(registry.folder(loop.name, variant.of), loop.name, variant.of)
        while True:
            state = self.store.state(loop.name)
            after, drafts = ask_variant(state, variant, state.decided_until or 0, actor)
            try:
                state = self.store.commit(state, after, drafts, ())
            except Conflict:
                continue
            decision = next(one for one in reversed(self.decisions(loop.name)) if one["kind"] == "quantise")
            return {"version": decision["version"], "variant": plain(variant), "decision": decision}

    def retrain(self, loop: Loop, reason: str, *, actor: str, now: Instant | None) -> Json:
        """Ask for a training now; control trains, judges and lets in as ever. ``now``: None in a replay.

        Raises: Refused while something else is under way, and in a replay that has decided nothing yet.
        """
        while True:
            state = self.store.state(loop.name)
            at = now or state.decided_until
            if at is None:
                mend = "Send it events and a barrier first; a first version is trained by itself once labels suffice."
                raise Refused(f"Nothing is known of loop {loop.name!r} yet.", mend=mend, loop=loop.name)
            after, drafts = retrain_by_hand(state, at, actor, reason)
            try:
                self.store.commit(state, after, drafts, ())
            except Conflict:
                continue
            entry = self.store.entry(drafts[0].id)
            assert entry is not None
            return {"version": entry.draft.version, "decision": views.decision(entry)}

    def _change(self, loop: str, change: Change, now: Instant | None) -> Json:
        """Commit what a person asked for, publish it, and wait until serving follows."""
        while True:
            state = self.store.state(loop)
            after, drafts = change(state, now or state.decided_until or 0)
            try:
                state = self.store.commit(state, after, drafts, ())
            except Conflict:
                continue
            return self._published(state, self.store.entries(loop)[-1])

    def _published(self, state: LoopState, decision: Entry) -> Json:
        """Give serving a new route, wait until it follows, and tell what was decided."""
        self.publish(state.loop)
        followed = self.fleet.follow(state.loop, state.route.generation)
        moving = {} if state.restoring is None else {"restoring": plain(state.restoring)}
        return {
            "route": views.route_of(state),
            "decision": views.decision(decision),
            "followed": plain(followed),
            **moving,
        }

    def _decided(self, state: LoopState, generation: int, verdict: Verdict, actor: str) -> Entry | None:
        """The decision by which what a person asked for at a route's generation is done already, or on its way."""
        entries, moving = self.store.entries(state.loop), state.restoring
        if moving is not None and moving.flip is not None:
            same = generation == state.route.generation and (moving.actor, moving.because) == (actor, verdict.texts)
            return next((one for one in reversed(entries) if one.draft.kind == "begin"), None) if same else None
        newest = next((one for one in reversed(entries) if one.draft.kind == "rollback"), None)
        if newest is None or generation != state.route.generation - 1:
            return None
        return newest if (newest.draft.actor, newest.draft.reasons) == (actor, verdict.texts) else None

    def _keep_before(self, loop: Loop, version: str, way: Way | None, actor: str) -> None:
        """A version without a state to come back to is released by hand: what serves is kept before it answers.

        Raises: as ``StateKeeper.take_by_hand``; then the route stays, unless the state is asked to be left alone.
        """
        keeper = self.keeper(loop)
        if keeper is not None and way is None and keeper.latest(version) is None:
            keeper.take_by_hand(actor)

    def _with_state(self, loop: Loop, change: Change, way: Way | None, flip: Flip) -> Change:
        keeper = self.keeper(loop)
        if keeper is not None:
            return keeper.going(change, way, flip)
        if way is not None:
            mend = "Leave --state out, or give it state=hs.StateFolder(...) or hs.State(...)."
            raise Refused(f"Loop {loop.name!r} declares no state.", mend=mend, loop=loop.name)
        return change

    def _with_own_state(self, loop: str, declared: Loop | None, change: Change, way: Way | None) -> Change:
        """As ``_with_state``, reading the loop's file only where it keeps state that is not to be left alone."""
        if declared is None:
            stateful = self.home.told().get("stateful", ())
            if loop not in stateful and way is None and self.store.state(loop).restoring is None:
                return change
            if loop in stateful and way == "leave":
                return lambda state, at: leave_alone(state, change(state, at), at)
            from homeostat.app.loops.loader import load_loop

            declared = load_loop(self.home.loop_file(), loop)
        return self._with_state(declared, change, way, Flip())

    def keeper(self, loop: Loop) -> StateKeeper | None:
        """The keeper of a loop's state; None for one that declares none."""
        return StateKeeper.of(loop, self.home, self.store)

    def publish(self, loop: str) -> LoopState:
        """Give serving its copy of the newest route, whoever decided it; one writer at a time. Gives its state."""
        self.home.routes.mkdir(parents=True, exist_ok=True)
        with open(self.home.routes / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self.store.state(loop)
            if state.route.generation > 0:
                write_route(self.home.routes, state.route)
        return state

    def say_waiting(self, loop: str, waiting: Waiting | None) -> None:
        """Let the doors and everyone who asks know why nothing serves; None once something does."""
        write_waiting(self.home.routes, loop, waiting)


def _asked_for(actor: str, reason: str) -> Verdict:
    return Verdict(ROLL_BACK, (Reason("asked_for", actor, None, f"asked for by {actor}: {reason}"),))


def _moved_on(state: LoopState) -> Conflict:
    route = state.route
    return Conflict(
        f"The route of loop {state.loop!r} has changed since: {route.champion} serves, at generation"
        f" {route.generation}.",
        mend="Look at it with 'homeostat route', and ask again if it still has to go.",
        loop=state.loop,
        generation=route.generation,
    )
