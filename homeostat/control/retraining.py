"""The retraining workflow: pin, train and evaluate, sign, register, gate; each step may be run again after a crash.

A variant of a version takes the same way: only how its model is made differs, and that is the child process's to know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from homeostat.control import transitions
from homeostat.control.checkpoints import Checkpoint, checkpoint_draft
from homeostat.control.gates import Evidence, judge_gate
from homeostat.control.loop import Loop
from homeostat.control.releasing import ask_release
from homeostat.control.state import ControlStore, LoopState
from homeostat.control.transitions import Transition
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.kernel.verdicts import ACCEPT, Reason, Verdict
from homeostat.training.evaluation import Evaluation
from homeostat.training.jobs import TOGETHER, Burden, burdens_of
from homeostat.training.pipeline import Steps
from homeostat.training.steps import REGISTER, SIGN

Json = dict[str, Any]
_COST = ("name", "state", "seconds", "memory", "attempts")
"""What is kept of each step with the gate's decision; the rest lies in the version's folder, but of the last ones."""
_WHOLE = (*_COST, "takes", "gives", "rows", "warnings")


class RetrainingWork(Protocol):
    """What the workflow does to the world; every call finds what an earlier one made."""

    def pin(self, ask: Json) -> Json:
        """Fix table versions and the newest sequence that counts."""
        ...

    def train(self, ask: Json, pin: Json) -> Json:
        """In a child process: check the data, make the model, prove what will serve, evaluate. Gives its result."""
        ...

    def sign(self, ask: Json, trained: Json) -> Json:
        """Sign the version that was evaluated. Gives the step as recorded."""
        ...

    def register(self, ask: Json, trained: Json) -> Json:
        """Register what was signed, with its evidence, whole or not at all. Gives the step as recorded."""
        ...


class Keeping(Protocol):
    """Takes checkpoints of a loop's state."""

    def keep(self, ask: Json) -> Checkpoint:
        """The checkpoint of this workflow, taken now or before."""
        ...

    def newest(self) -> int:
        """The number of the newest checkpoint; 0 before the first."""
        ...


def retraining_body(
    loop: Loop,
    store: ControlStore,
    work: RetrainingWork,
    on_change: Callable[[LoopState], None],
    keeping: Keeping | None = None,
) -> Callable[[Steps, Json], Json]:
    """The workflow's body for one loop; ``on_change`` publishes the route it may have changed.

    Where the loop declares state, ``keeping`` takes its checkpoint before a candidate answers anybody.
    """

    def body(steps: Steps, ask: Json) -> Json:
        pin = steps.run("pin", lambda: work.pin(ask))
        trained = steps.run("train", lambda: work.train(ask, pin))
        last = [
            steps.run(SIGN, lambda: work.sign(ask, trained)),
            steps.run(REGISTER, lambda: work.register(ask, trained)),
        ]
        trained = {**trained, "last": last}
        kept = {}
        if keeping is not None:
            kept = steps.run("checkpoint", lambda: before_release(loop, store, keeping, ask, trained))
        outcome: Json = steps.run("gate", lambda: conclude(loop, store, ask, trained, on_change, kept))
        return outcome

    return body


def before_release(loop: Loop, store: ControlStore, keeping: Keeping, ask: Json, trained: Json) -> Json:
    """The checkpoint of the state that a candidate which passed would change; the problem where it failed, once."""
    if _judged(loop, ask, trained).name != ACCEPT or store.state(loop.name).route.champion is None:
        return {}
    try:
        return {"checkpoint": plain(keeping.keep(ask))}
    except HomeostatError as error:
        return {"problem": f"{error.problem} {error.mend}", "after": keeping.newest()}


def conclude(
    loop: Loop,
    store: ControlStore,
    ask: Json,
    trained: Json,
    on_change: Callable[[LoopState], None],
    kept: Json | None = None,
) -> Json:
    """Judge the candidate and act on it, once; a second call finds the first one's decision."""
    verdict = _judged(loop, ask, trained)
    while True:
        state = store.state(loop.name)
        if state.retraining is None or state.retraining.workflow != ask["workflow"]:
            break
        after, drafts = _transition(loop, state, verdict, int(ask["asked_at"]), trained, kept or {})
        try:
            state = store.commit(state, after, drafts, ())
        except Conflict:
            continue
        break
    on_change(state)
    return {"verdict": verdict.name, "reasons": list(verdict.texts)}


def _judged(loop: Loop, ask: Json, trained: Json) -> Verdict:
    verdict = judge_gate(_evidence(ask, trained), loop.gate)
    burdens = burdens_of(trained)
    return verdict if burdens is None else Verdict(verdict.name, (*verdict.reasons, lighter(*burdens)))


def _transition(loop: Loop, state: LoopState, verdict: Verdict, now: int, trained: Json, kept: Json) -> Transition:
    form = trained["version"].get("form") or {}
    served = {"runtime": form.get("runtime", "onnx"), "why_not_onnx": form.get("why", "")}
    facts = {"evaluation": trained["evaluation"], "manifest": digest(trained["version"]), "served_by": served}
    facts["steps"] = [
        *({name: one[name] for name in _COST} for one in trained.get("steps", ())),
        *({name: one[name] for name in _WHOLE} for one in trained["last"]),
    ]
    if trained.get("burdens"):
        facts |= {"variant": trained["version"]["variant"], "burdens": trained["burdens"]}
    if verdict.name != ACCEPT:
        return transitions.reject(state, verdict, now, facts)
    if loop.gate.approval is not None:
        return ask_release(state, verdict, now, facts, loop.gate, loop.gate.author or trained.get("author"))
    if state.route.champion is None:
        return transitions.first_champion(state, verdict, now, facts)
    if loop.state is None:
        return transitions.open_rollout(state, verdict, now, facts, loop.rollout)
    return _with_checkpoint(loop, state, verdict, now, facts, kept)


def _with_checkpoint(loop: Loop, state: LoopState, verdict: Verdict, now: int, facts: Json, kept: Json) -> Transition:
    """No candidate answers anybody before there is a checkpoint of the very champion's state."""
    taken = Checkpoint(**kept["checkpoint"]) if "checkpoint" in kept else None
    if taken is None:
        problem = kept.get("problem", "The champion came while the candidate was judged.")
        return transitions.hold(state, verdict, now, facts, int(kept.get("after", 0)), problem)
    draft = checkpoint_draft(state, taken, now)
    if taken.version != state.serving or state.restoring is not None:
        problem = f"{taken.id} holds the state of {taken.version}, and that was not left alone since."
        after, drafts = transitions.hold(state, verdict, now, facts, taken.number, problem)
    else:
        after, drafts = transitions.open_rollout(state, verdict, now, facts, loop.rollout)
    return Transition(after, (draft, *drafts))


def lighter(made: Burden, of: Burden) -> Reason:
    """What a variant weighs beside the version it was made of. It decides nothing: whether it serves is the gate's."""
    size = f"{made.version} has {made.bytes / 1024:,.0f} KiB, {of.version} {of.bytes / 1024:,.0f} KiB"
    alone = f"a row takes {made.row_seconds * 1e6:,.0f} \N{MICRO SIGN}s instead of {of.row_seconds * 1e6:,.0f}"
    company = f"{made.row_seconds_together * 1e6:,.1f} instead of {of.row_seconds_together * 1e6:,.1f} among {TOGETHER}"
    return Reason("beside_its_original", made.row_seconds, of.row_seconds, f"{size}; {alone}, {company}")


def _evidence(ask: Json, trained: Json) -> Evidence:
    seen, dirty = Evaluation.from_json(trained["evaluation"]), trained.get("dirty")
    champion = seen.champion.version if seen.champion else None
    believed = seen.champion.skill.value if seen.champion and seen.champion.skill else 0.0
    return Evidence(
        str(ask["version"]),
        champion,
        seen.candidate.skill,
        seen.difference,
        seen.served,
        dirty,
        seen.task,
        seen.telling,
        believed,
    )
