"""A rollout that asks a person: the question, and the answer to it, as pure steps."""

from __future__ import annotations

import dataclasses

from homeostat.control.rollouts import Canary
from homeostat.control.state import Answer, LoopState, Question, Rollout
from homeostat.control.transitions import Facts, Transition, draft_of, look_again, take_back
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import ACCEPT, REJECT, ROLL_BACK, Reason, Verdict


def ask(state: LoopState, verdict: Verdict, now: Instant, facts: Facts, limits: Canary) -> Transition:
    """The candidate keeps its share, and a person is asked whether it may go on."""
    state = look_again(state, now, limits)
    rollout = state.rollout
    assert rollout is not None
    last = rollout.step == len(limits.steps) - 1
    what = f"take over from {rollout.champion}" if last else f"advance to {limits.steps[rollout.step + 1]:.0%}"
    question = Question(f"{rollout.id}/{rollout.step}", what, now, verdict.texts)
    after = dataclasses.replace(state, rollout=dataclasses.replace(rollout, asked=question))
    title = f"A person is asked whether {rollout.candidate} may {what}"
    return Transition(after, (draft_of(state, question.id, "ask", title, verdict, rollout.candidate, now, facts),))


def approve(state: LoopState, question: str | None, now: Instant, actor: str, reason: str) -> Transition:
    """The candidate may go on: its next step is taken at the next look, unless there is proof of harm by then.

    Args: ``question`` is the one that is meant, None for whichever is open.
    Raises: Refused when nothing is asked; Conflict when somebody was faster, or another question is open by now.
    """
    rollout, asked = _asked(state, question)
    answered = dataclasses.replace(asked, answer=Answer(actor, reason, now))
    after = dataclasses.replace(state, rollout=dataclasses.replace(rollout, asked=answered))
    verdict = Verdict(ACCEPT, (Reason("approved", actor, None, f"approved by {actor}: {reason}"),))
    title = f"{rollout.candidate} may {asked.what}"
    facts = {"asked": asked.reasons}
    return Transition(
        after, (draft_of(state, asked.id, "approve", title, verdict, rollout.candidate, now, facts, actor),)
    )


def refuse(state: LoopState, question: str | None, now: Instant, actor: str, reason: str) -> Transition:
    """The candidate leaves at once, in the same step as the answer. Args and Raises: as ``approve``."""
    rollout, asked = _asked(state, question)
    why = (Reason("refused", actor, None, f"refused by {actor}: {reason}"),)
    title = f"{rollout.candidate} may not {asked.what}"
    facts = {"asked": asked.reasons}
    told = draft_of(state, asked.id, "refuse", title, Verdict(REJECT, why), rollout.candidate, now, facts, actor)
    after, drafts = take_back(state, Verdict(ROLL_BACK, why), now, {}, actor)
    return Transition(after, (told, *drafts))


def _asked(state: LoopState, question: str | None) -> tuple[Rollout, Question]:
    rollout = state.rollout
    if rollout is None or rollout.asked is None:
        raise Refused(
            f"Nothing is asked of a person for {state.loop!r} now.",
            mend="See 'homeostat status'; whether somebody has answered before is in 'homeostat decisions'.",
            loop=state.loop,
        )
    asked = rollout.asked
    if asked.answer is not None:
        raise Conflict(
            f"{asked.answer.actor} was faster: {rollout.candidate} may {asked.what} ({asked.answer.reason}).",
            mend="If it must not serve, take it back with 'homeostat rollback'.",
            loop=state.loop,
            answered_by=asked.answer.actor,
        )
    if question not in (None, asked.id):
        raise Conflict(
            f"The rollout of {rollout.candidate} asks something else by now: may it {asked.what}?",
            mend="Look at its evidence with 'homeostat status', then answer again.",
            loop=state.loop,
            question=asked.id,
        )
    return rollout, asked
