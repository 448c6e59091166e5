"""One reconciler per loop: observe what happened, judge it, decide, act. The only part of control that acts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from homeostat.control import approvals, transitions
from homeostat.control.days import Day, truly_ended
from homeostat.control.drills import go_back
from homeostat.control.honouring import let_go, waiting_of
from homeostat.control.intervening import ASKING, is_refusal, judge_intervention, refusal
from homeostat.control.keeping import STATELESS, Stateful
from homeostat.control.loop import Loop
from homeostat.control.policies.first import First, Matured, first_evidence, judge_first
from homeostat.control.policies.judging import explain_retrain
from homeostat.control.policies.situation import Outlook
from homeostat.control.proposals import propose
from homeostat.control.quality import halt, judge_quality, leave_for_standby
from homeostat.control.reading import canary_window, quality_of, situation_of, trail_of
from homeostat.control.releasing import go_on
from homeostat.control.restoring import collect_failure, workflow_name
from homeostat.control.rollouts import judge_canary, judge_followed
from homeostat.control.state import ControlStore, LoopState
from homeostat.control.transitions import Transition
from homeostat.governance.audit import Draft, Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.kernel.verdicts import ADVANCE, ASK, HOLD, INCONCLUSIVE, PROMOTE, RETRAIN, ROLL_BACK, Reason, Verdict
from homeostat.monitoring.diagnosis import Diagnosis
from homeostat.registry.binding import Binding, judge_binding
from homeostat.serving.waiting import Waiting
from homeostat.stats.intervals import Interval
from homeostat.training.pipeline import WorkflowEngine, WorkflowState

Json = dict[str, Any]
FIRST_RETRY = duration("1d")
"""While nothing serves, a first version that was turned away is tried again after a day."""


class Observer(Protocol):
    """Reads the evidence of one loop; never writes."""

    def observe(self, state: LoopState, days: Sequence[Day], now: Instant) -> list[Day]:
        """Days that ended and days whose labels matured since ``days``, by ``now``, oldest first."""
        ...

    def matured(self, now: Instant) -> Matured:
        """What there is to train a first version on."""
        ...

    def promise(self, version: str) -> Interval | None:
        """The skill that a version promised, if it could be measured."""
        ...

    def learnt(self, version: str) -> int:
        """How many rows a version learnt from."""
        ...

    def binding(self, version: str) -> Binding:
        """The definitions that a version was trained with."""
        ...

    def diagnose(self, state: LoopState, days: Sequence[Day], entries: Sequence[Entry], now: Instant) -> Diagnosis:
        """Why the champion does worse, if it does; unknown where that cannot be told, and never an error."""
        ...


@dataclass(slots=True)
class Reconciler:
    """Moves one loop forward. ``tick`` may be called as often as one likes: it acts on news only.

    ``on_change`` publishes a state's route; it must be idempotent. ``published`` is the generation it was last
    called for: a route that somebody else decided, and may not have lived to publish, is published too.
    ``on_wait`` is told why nothing serves (None once something does) whenever that changes.
    ``lagging`` tells of replicas that do not serve a generation: while there are any, no rollout moves on.
    ``verdict`` is what was last said about retraining. ``outlook`` tells what age and retraining cost, over so many
    days, for policies that look at money. ``stateful`` sends state along with what is taken back, where
    the loop declares any. ``code`` is the hash of what the user has written: where none serves yet, other code than was
    tried before is tried at once.
    """

    loop: Loop
    store: ControlStore
    observer: Observer
    engine: WorkflowEngine
    on_change: Callable[[LoopState], None]
    on_wait: Callable[[str, Waiting | None], None]
    lagging: Callable[[str, int], Sequence[str]] = lambda loop, generation: ()
    days: list[Day] = dataclasses.field(default_factory=list)
    cursor: int = 0
    published: int = -1
    verdict: Verdict | None = None
    said: tuple[Waiting | None, ...] = ()
    judged: dict[str, Verdict] = dataclasses.field(default_factory=dict)
    stateful: Stateful = STATELESS
    code: str = ""
    outlook: Callable[[LoopState, Sequence[Day], int], Outlook] | None = None

    @property
    def workflow_name(self) -> str:
        """The name under which this loop's retraining is registered."""
        return f"retrain-{self.loop.name}"

    def recover(self) -> None:
        """After a start: let go of versions that the loop's file can no longer feed, publish the route again, and
        start a workflow that was decided but not begun."""
        while True:
            state = self.store.state(self.loop.name)
            try:
                state = self._let_go(self._without_drill(state), state.decided_until or 0)
                break
            except Conflict:
                continue
        self._say(state)
        self._publish(state)
        self._begin_retraining(state)
        self._carry_on(state)

    def carry_on(self) -> None:
        """Begin a way back of state that was asked for, or write down that it failed; no time passes for anyone."""
        try:
            self._carry_on(self.store.state(self.loop.name))
        except Conflict:
            return  # somebody else decided: the next look sees what

    def _without_drill(self, state: LoopState) -> LoopState:
        """A drill that nobody lived to end is ended: the champion serves again."""
        return state if state.drill is None else self.store.commit(state, go_back(state), (), ())

    def tick(self, now: Instant) -> LoopState:
        """Observe, judge, decide and act once, as of ``now``; the state after it.

        When a person changed the state meanwhile, it is looked at again. Days that were seen and could not be written
        are seen again.
        """
        while True:
            known = self.days, self.cursor
            try:
                return self._tick(now)
            except Exception as error:
                self.days, self.cursor = known
                if not isinstance(error, Conflict):
                    raise

    def _tick(self, now: Instant) -> LoopState:
        state = self.store.state(self.loop.name)
        if state.drill is not None:
            return state  # somebody rehearses a rollback, for seconds
        if state.restoring is not None:
            return self._carry_on(state)
        state = self._read_days(self._collect_failure(self._let_go(state, now), now), now)
        changed = self._observe(state, now)
        before, seen = state, {day.day for day in changed}
        state = dataclasses.replace(state, early=tuple(name for name in state.early if name not in seen))
        state, drafts = self._decide(state, now)
        if changed or drafts or state != before:
            state = dataclasses.replace(state, decided_until=max(now, state.decided_until or now))
            state = self.store.commit(before, state, drafts, changed)
        self._say(state)
        if state.route.generation != self.published:
            self._publish(state)
        self._begin_retraining(state)
        return self._carry_on(state)

    def settle(self, now: Instant, patience: float) -> LoopState:
        """Tick until nothing more can be decided as of ``now``, waiting for a retraining under way.

        One decision may call for the next: where this stops must not depend on when a process was restarted.
        """
        before, state = None, self.tick(now)
        while state != before or state.retraining is not None or state.restoring is not None:
            for under_way in self._under_way(state):
                self.engine.wait(under_way, patience)
            before, state = state, self.tick(now)
        return state

    def _publish(self, state: LoopState) -> None:
        self.on_change(state)
        self.published = state.route.generation

    def _say(self, state: LoopState) -> None:
        waiting = waiting_of(state, self.store, self.verdict, FIRST_RETRY)
        if self.said != (waiting,):
            self.on_wait(self.loop.name, waiting)
        self.said = (waiting,)

    def _let_go(self, state: LoopState, now: Instant) -> LoopState:
        """The definitions of a loop are those of its file: only a restart changes them."""
        if state.restoring is not None:
            return state
        after, drafts = self.stateful.at_once(state, let_go(state, self._honours, now), now)
        return self.store.commit(state, after, drafts, ()) if drafts else state

    def _honours(self, version: str) -> Verdict:
        """Whether the loop can feed a version; one whose files cannot be read proves nothing."""
        if version not in self.judged:
            try:
                bound = self.observer.binding(version)
            except HomeostatError as error:
                return Verdict(INCONCLUSIVE, (Reason(error.code, None, None, error.problem),))
            self.judged[version] = judge_binding(bound, Binding.of(self.loop.feature_set))
        return self.judged[version]

    def _read_days(self, state: LoopState, now: Instant) -> LoopState:
        """Take in days written since the last look, by this process or the one before it.

        Those that only a clock which was ahead took for ended are let go of, and observed again once they are.
        """
        for cursor, day in self.store.days(self.loop.name, after=self.cursor):
            self.days = [known for known in self.days if known.day != day.day] + [day]
            self.cursor = cursor
        read, self.days = self.days, truly_ended((day for day in self.days if day.day not in state.early), now)
        early = tuple(sorted({*state.early, *(day.day for day in read)} - {day.day for day in self.days}))
        if early == state.early:
            return state
        return self.store.commit(state, dataclasses.replace(state, early=early), (), ())

    def _observe(self, state: LoopState, now: Instant) -> list[Day]:
        changed = self.observer.observe(state, self.days, now)
        by_name = {day.day: day for day in self.days}
        for place, day in enumerate(changed):
            by_name[day.day] = day
            if day.outcomes is not None:
                upto = sorted((d for d in by_name.values() if d.start <= day.start), key=lambda d: d.start)
                changed[place] = by_name[day.day] = dataclasses.replace(day, trail=trail_of(upto, state.first_version))
        self.days = sorted(by_name.values(), key=lambda day: day.start)
        return changed

    def _decide(self, state: LoopState, now: Instant) -> Transition:
        limited = self._limit_quality(state, now)
        if limited.drafts:
            return limited
        if state.retraining is not None:
            return Transition(state, ())
        if state.rollout is not None:
            return self._judge_rollout(state, now)
        if state.held is not None and state.held.asked is not None:
            return go_on(state, now, self.loop.gate, self.loop.rollout)
        if state.held is not None and (waited := self.stateful.release(state, now)).drafts:
            return waited
        verdict, facts = self._judge_retraining(state, now)
        verdict, facts, refused = self._ask_why(state, verdict, facts, now)
        self.verdict = verdict
        if verdict.name == ASK:
            return propose(state, verdict, now, facts)
        if verdict.name != RETRAIN:
            return Transition(state, refused)
        return transitions.ask_retraining(state, verdict, now, facts)

    def _limit_quality(self, state: LoopState, now: Instant) -> Transition:
        """A champion that is proven worse leaves for its standby; arms that are proven worse are not asked."""
        limits, route = self.loop.limits, state.route
        if route.champion and route.standby and limits.quality is not None:
            seen = quality_of(state, self.days, route.champion, route.standby)
            verdict = judge_quality(seen, limits.quality)
            if verdict.name == ROLL_BACK:
                moved = leave_for_standby(state, verdict, now, {"seen": plain(seen)})
                return self.stateful.along(state, moved, now)
        drafts: tuple[Draft, ...] = ()
        for version in route.arms if limits.arm_quality is not None else ():
            seen = quality_of(state, self.days, version, str(route.champion))
            verdict = judge_quality(seen, limits.arm_quality or 0.0)
            if verdict.name == ROLL_BACK:
                state, more = halt(state, version, verdict, now, {"seen": plain(seen)})
                drafts += more
        return Transition(state, drafts)

    def _judge_retraining(self, state: LoopState, now: Instant) -> tuple[Verdict, Json]:
        limits = self.loop.retrain
        if state.route.champion is None:
            matured = Matured(0, 0) if self._resting(state, now) else self.observer.matured(now)
            first = First(limits.min_rows, self.loop.gate.min_days)
            verdict = judge_first(matured, first)
            return verdict, {**first_evidence(matured, first, verdict), **({"code": self.code} if self.code else {})}
        promise = self.observer.promise(state.route.champion)
        windows = limits.needs.outlook if self.outlook is not None else 0
        outlook = self.outlook(state, self.days, windows) if self.outlook is not None and windows else None
        seen = situation_of(
            limits,
            state,
            self.days,
            promise,
            now,
            timezone=self.loop.timezone,
            outlook=outlook,
            learnt=self.observer.learnt(state.route.champion),
        )
        explained = explain_retrain(seen, limits)
        return explained.verdict, explained.evidence()

    def _resting(self, state: LoopState, now: Instant) -> bool:
        """Whether a first version was tried lately, with the very code of today."""
        if state.retrained_at is None or now - state.retrained_at >= FIRST_RETRY:
            return False
        tried = self.store.entry(f"{self.loop.name}/retrain/v{state.next_version - 1}/bootstrap")
        return tried is None or tried.draft.evidence.get("code") in (None, self.code)

    def _ask_why(
        self, state: LoopState, verdict: Verdict, facts: Json, now: Instant
    ) -> tuple[Verdict, Json, tuple[Draft, ...]]:
        """The diagnosis of a loop that is to be retrained: kept with the decision, or the reason against it."""
        if verdict.name not in ASKING or state.route.champion is None:
            return verdict, facts, ()
        found = self.observer.diagnose(state, self.days, self.store.entries(self.loop.name), now)
        facts, verdict = {**facts, "diagnosis": found.to_json()}, judge_intervention(verdict, found)
        if not is_refusal(verdict):
            return verdict, facts, ()
        draft = refusal(state, verdict, now, facts)
        return verdict, facts, (draft,) if self.store.entry(draft.id) is None else ()

    def _judge_rollout(self, state: LoopState, now: Instant) -> Transition:
        assert state.rollout is not None
        limits = self.loop.rollout
        seen = canary_window(state.rollout, self.days, limits, now)
        lagging = self.lagging(self.loop.name, state.route.generation)
        verdict, facts = judge_followed(judge_canary(seen, limits), lagging), {"seen": plain(seen)}
        if lagging and verdict.name == HOLD:
            return Transition(state, ())  # not the candidate's fault: no look is spent
        if verdict.name == ADVANCE:
            return transitions.advance(state, verdict, now, facts, limits)
        if verdict.name == PROMOTE:
            return transitions.promote(state, verdict, now, facts)
        if verdict.name == ROLL_BACK:
            return self.stateful.along(state, transitions.take_back(state, verdict, now, facts), now)
        if verdict.name == ASK:
            return approvals.ask(state, verdict, now, facts, limits)
        return Transition(transitions.look_again(state, now, limits) if seen.due else state, ())

    def _begin_retraining(self, state: LoopState) -> None:
        """Start the workflow the state asks for; starting it again changes nothing."""
        asked = state.retraining
        if asked is not None:
            ask = {**plain(asked), "loop": self.loop.name, "champion": state.route.champion}
            self.engine.start(self.workflow_name, asked.workflow, ask)

    def _carry_on(self, state: LoopState) -> LoopState:
        """Start the way back that the state asks for; starting it again changes nothing, and it ends once."""
        asked = state.restoring
        if asked is None:
            return state
        ended = self.engine.state(asked.id)
        if ended.status == "FAILED":
            after, drafts = collect_failure(state, ended)
            return self.store.commit(state, after, drafts, ())
        self.engine.start(workflow_name(self.loop.name), asked.id, {**plain(asked), "loop": self.loop.name})
        return state

    @staticmethod
    def _under_way(state: LoopState) -> list[str]:
        found = [] if state.retraining is None else [state.retraining.workflow]
        return found if state.restoring is None else [*found, state.restoring.id]

    def _collect_failure(self, state: LoopState, now: Instant) -> LoopState:
        """Write down a retraining that ended in an error; one that ended well has written for itself."""
        if state.retraining is None:
            return state
        ended = self.engine.state(state.retraining.workflow)
        if ended.status != "FAILED":
            return state
        after, drafts = transitions.fail(state, _failure(ended), now, {"error": ended.error})
        return self.store.commit(state, after, drafts, ())


def _failure(ended: WorkflowState) -> Verdict:
    error = ended.error or {}
    text = f"{error.get('problem', 'The workflow ended in an error.')} {error.get('mend', '')}".strip()
    return Verdict("FAILED", (Reason(str(error.get("code", "failed")), None, None, text),))
