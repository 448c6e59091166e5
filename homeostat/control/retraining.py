"""The retraining workflow: pin, train and evaluate, register, gate; each step may be run again after a crash.

A variant of a version takes the same way: only how its model is made differs, and that is the child process's to know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from homeostat.control import transitions
from homeostat.control.gates import Evidence, judge_gate
from homeostat.control.loop import Loop
from homeostat.control.state import ControlStore, LoopState
from homeostat.control.transitions import Transition
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import Conflict
from homeostat.kernel.verdicts import ACCEPT, Reason, Verdict
from homeostat.training.evaluation import Evaluation
from homeostat.training.jobs import TOGETHER, Burden, burdens_of
from homeostat.training.pipeline import Steps

Json = dict[str, Any]


class RetrainingWork(Protocol):
    """What the workflow does to the world; every call finds what an earlier one made."""

    def pin(self, ask: Json) -> Json:
        """Fix table versions and the newest sequence that counts."""
        ...

    def train(self, ask: Json, pin: Json) -> Json:
        """In a child process: check the data, make the model, prove what will serve, evaluate. Gives its result."""
        ...

    def register(self, ask: Json, trained: Json) -> Json:
        """Register the version that was evaluated, with its evidence."""
        ...


def retraining_body(
    loop: Loop, store: ControlStore, work: RetrainingWork, on_change: Callable[[LoopState], None]
) -> Callable[[Steps, Json], Json]:
    """The workflow's body for one loop; ``on_change`` publishes the route it may have changed."""

    def body(steps: Steps, ask: Json) -> Json:
        pin = steps.run("pin", lambda: work.pin(ask))
        trained = steps.run("train", lambda: work.train(ask, pin))
        steps.run("register", lambda: work.register(ask, trained))
        outcome: Json = steps.run("gate", lambda: conclude(loop, store, ask, trained, on_change))
        return outcome

    return body


def conclude(loop: Loop, store: ControlStore, ask: Json, trained: Json, on_change: Callable[[LoopState], None]) -> Json:
    """Judge the candidate and act on it, once; a second call finds the first one's decision."""
    verdict = judge_gate(_evidence(ask, Evaluation.from_json(trained["evaluation"])), loop.gate)
    burdens = burdens_of(trained)
    if burdens is not None:
        verdict = Verdict(verdict.name, (*verdict.reasons, lighter(*burdens)))
    while True:
        state = store.state(loop.name)
        if state.retraining is None or state.retraining.workflow != ask["workflow"]:
            break
        after, drafts = _transition(loop, state, verdict, int(ask["asked_at"]), trained)
        try:
            state = store.commit(state, after, drafts, ())
        except Conflict:
            continue
        break
    on_change(state)
    return {"verdict": verdict.name, "reasons": list(verdict.texts)}


def _transition(loop: Loop, state: LoopState, verdict: Any, now: int, trained: Json) -> Transition:
    form = trained["version"].get("form") or {}
    served = {"runtime": form.get("runtime", "onnx"), "why_not_onnx": form.get("why", "")}
    facts = {"evaluation": trained["evaluation"], "manifest": digest(trained["version"]), "served_by": served}
    if trained.get("burdens"):
        facts |= {"variant": trained["version"]["variant"], "burdens": trained["burdens"]}
    if verdict.name != ACCEPT:
        return transitions.reject(state, verdict, now, facts)
    if state.route.champion is None:
        return transitions.first_champion(state, verdict, now, facts)
    return transitions.open_rollout(state, verdict, now, facts, loop.rollout)


def lighter(made: Burden, of: Burden) -> Reason:
    """What a variant weighs beside the version it was made of. It decides nothing: whether it serves is the gate's."""
    size = f"{made.version} has {made.bytes / 1024:,.0f} KiB, {of.version} {of.bytes / 1024:,.0f} KiB"
    alone = f"a row takes {made.row_seconds * 1e6:,.0f} \N{MICRO SIGN}s instead of {of.row_seconds * 1e6:,.0f}"
    company = f"{made.row_seconds_together * 1e6:,.1f} instead of {of.row_seconds_together * 1e6:,.1f} among {TOGETHER}"
    return Reason("beside_its_original", made.row_seconds, of.row_seconds, f"{size}; {alone}, {company}")


def _evidence(ask: Json, seen: Evaluation) -> Evidence:
    champion = seen.champion.version if seen.champion else None
    return Evidence(str(ask["version"]), champion, seen.candidate.skill, seen.difference, seen.served)
