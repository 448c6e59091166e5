"""A retraining that asks a person first: the question, and the answer to it, as pure steps."""

from __future__ import annotations

import dataclasses

from homeostat.control.policies.judging import standing_question
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import Answer, LoopState, Question
from homeostat.control.transitions import Facts, Transition, draft_of
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import ACCEPT, REJECT, Reason, Verdict


def propose(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Transition:
    """A person is asked whether to retrain; until then nothing begins."""
    version = f"v{state.next_version}"
    what = f"train {version} to follow {state.route.champion}"
    question = Question(f"{state.loop}/propose/{version}/{now}", what, now, verdict.texts)
    title = f"A person is asked whether to {what}"
    draft = draft_of(state, question.id, "ask", title, verdict, version, now, facts)
    return Transition(dataclasses.replace(state, asked=question), (draft,))


def answer_proposal(
    state: LoopState, question: str | None, now: Instant, actor: str, reason: str, policy: Retrain, *, approved: bool
) -> Transition:
    """Approved, the training begins at the next look; refused, it is not asked about again for the policy's patience.

    Args: ``question`` is the one that is meant, None for whichever is open.
    Raises: Refused when nothing is asked; Conflict when somebody was faster, or another question is open by now.
    """
    asked = _open(state, question, now, policy)
    after = dataclasses.replace(
        state, asked=dataclasses.replace(asked, answer=Answer(actor, reason, now, approved=approved))
    )
    kind, name, may = ("approve", ACCEPT, "may") if approved else ("refuse", REJECT, "may not")
    text = f"{'approved' if approved else 'refused'} by {actor}: {reason}"
    verdict = Verdict(name, (Reason(f"{kind}d", actor, None, text),))
    version, title = f"v{state.next_version}", f"Homeostat {may} {asked.what}"
    return Transition(
        after, (draft_of(state, asked.id, kind, title, verdict, version, now, {"asked": asked.reasons}, actor),)
    )


def _open(state: LoopState, question: str | None, now: Instant, policy: Retrain) -> Question:
    asked = standing_question(state.asked, now, policy)
    if asked is None:
        raise Refused(
            f"No retraining of {state.loop!r} waits for a person.",
            mend="See 'homeostat status'; what was asked before is in 'homeostat decisions'.",
            loop=state.loop,
        )
    if asked.answer is not None:
        said = "approved" if asked.answer.approved else "refused"
        raise Conflict(
            f"{asked.answer.actor} was faster, and {said}: {asked.answer.reason}.",
            mend="See 'homeostat decisions' for what became of it.",
            loop=state.loop,
            answered_by=asked.answer.actor,
        )
    if question not in (None, asked.id):
        raise Conflict(
            f"Something else is asked by now: may Homeostat {asked.what}?",
            mend="Look at its evidence with 'homeostat status', then answer again.",
            loop=state.loop,
            question=asked.id,
        )
    return asked
