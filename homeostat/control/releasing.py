"""A gate that asks a person: the question that a candidate waits with, and what its answer comes to, as pure steps."""

from __future__ import annotations

import dataclasses

from homeostat.control import transitions
from homeostat.control.gates import Gate
from homeostat.control.rollouts import Canary
from homeostat.control.state import Answer, Held, LoopState, Question
from homeostat.control.transitions import Facts, Transition, draft_of, next_route, route_facts
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import Conflict, InvalidInput, Refused
from homeostat.kernel.verdicts import ACCEPT, ASK, REJECT, Reason, Verdict


def ask_release(
    state: LoopState, verdict: Verdict, now: Instant, facts: Facts, gate: Gate, author: str | None
) -> Transition:
    """The candidate passed its gate and answers nobody yet: somebody other than ``author`` is asked first."""
    asked = state.retraining
    assert asked is not None
    version = asked.version
    what = f"follow {state.route.champion}" if state.route.champion else "serve as the first version"
    told = f"by somebody other than {author}" if author else "by anybody who says who it is: its author is unknown"
    question = Question(f"{asked.workflow}/release", what, now, (*verdict.texts, told), not_by=author)
    passed = draft_of(state, asked.workflow, "gate", f"{version} passed the gate", verdict, version, now, facts)
    title = f"A person is asked whether {version} may {what}"
    draft = draft_of(state, question.id, "ask", title, Verdict(ASK, verdict.reasons), version, now, {"author": author})
    held = Held(version, now, 0, f"{version} waits for an approval", question)
    after = dataclasses.replace(state.standing(version, "held", now), retraining=None, held=held)
    return Transition(after, (passed, draft))


def answer_release(
    state: LoopState, question: str | None, now: Instant, actor: str, reason: str, gate: Gate, *, approved: bool
) -> Transition:
    """Approved, the candidate goes on at the next look; refused, it is turned away at once.

    Raises: Refused when nothing is asked, the question has expired, or its author would approve; Conflict when
    somebody was faster, or another question is open by now; InvalidInput for nobody's answer.
    """
    held, asked = _open(state, question)
    if _expired(asked, now, gate):
        raise Refused(
            f"What was asked about {held.version} has expired: nobody had answered within {gate.approval}.",
            mend="It is turned away at control's next look; the next candidate is asked about anew.",
            version=held.version,
        )
    if not actor.strip():
        raise InvalidInput("An approval needs somebody who gives it.", mend="Say who you are, with --by NAME.")
    if approved and asked.not_by is not None and same_person(actor, asked.not_by):
        raise Refused(
            f"{actor} wrote what {held.version} was made with.",
            mend="Have somebody else look at it: an author does not approve their own change.",
            author=asked.not_by,
        )
    kind, name, may = ("approve", ACCEPT, "may") if approved else ("refuse", REJECT, "may not")
    reasons = (Reason(f"{kind}d", actor, None, f"{'approved' if approved else 'refused'} by {actor}: {reason}"),)
    title, verdict = f"{held.version} {may} {asked.what}", Verdict(name, reasons)
    draft = draft_of(state, asked.id, kind, title, verdict, held.version, now, {"asked": asked.reasons}, actor)
    if not approved:
        return Transition(_turned_away(state, held, now), (draft,))
    answered = dataclasses.replace(asked, answer=Answer(actor, reason, now))
    return Transition(dataclasses.replace(state, held=dataclasses.replace(held, asked=answered)), (draft,))


def go_on(state: LoopState, now: Instant, gate: Gate, limits: Canary) -> Transition:
    """What is due for a candidate that waits for a person: its release, or its end; else nothing."""
    held = state.held
    assert held is not None
    assert held.asked is not None
    asked = held.asked
    if asked.answer is not None:
        by = asked.answer
        verdict = Verdict(ACCEPT, (Reason("approved", by.actor, None, f"approved by {by.actor}: {by.reason}"),))
        if state.route.champion is None:
            return _first(state, held, verdict, now)
        return transitions.release_held(state, held, verdict, now, limits)
    if not _expired(asked, now, gate):
        return Transition(state, ())
    text = f"nobody answered since {format_instant(asked.asked_at)}, for {gate.approval}"
    if gate.approval is None:
        text = "the gate asks nobody any more, and nobody had answered"
    verdict = Verdict(REJECT, (Reason("not_approved", None, gate.approval, text),))
    title = f"{held.version} is turned away: nobody approved it"
    draft = draft_of(state, asked.id, "reject", title, verdict, held.version, now, {"asked": asked.reasons})
    return Transition(_turned_away(state, held, now), (draft,))


def same_person(one: str, other: str) -> bool:
    """Whether two names are of one person, as far as names tell: an address and its first part are.

    >>> same_person("Ana@example.org", "ana"), same_person("ben", "ana@example.org")
    (True, False)
    >>> same_person("Ana Lima <Ana@example.org>", "ana@example.org")
    True
    """
    mine, theirs = _address(one), _address(other)
    return mine == theirs or (("@" in mine) != ("@" in theirs) and mine.split("@")[0] == theirs.split("@")[0])


def _address(name: str) -> str:
    """Of a name as git writes it, "Ana Lima <ana@example.org>", the address; else the name itself."""
    _, _, within = name.rpartition("<")
    return (within if "<" in name else name).strip(" >\t").casefold()


def _first(state: LoopState, held: Held, verdict: Verdict, now: Instant) -> Transition:
    route = next_route(state.route, champion=held.version)
    after = state.standing(held.version, "champion", now)
    after = dataclasses.replace(after, held=None, route=route, first_version=held.version)
    assert held.asked is not None
    title = f"{held.version} serves as the first champion"
    facts = route_facts(route)
    return Transition(after, (draft_of(state, held.asked.id, "promote", title, verdict, held.version, now, facts),))


def _turned_away(state: LoopState, held: Held, now: Instant) -> LoopState:
    return dataclasses.replace(state.standing(held.version, "rejected", now), held=None)


def _expired(asked: Question, now: Instant, gate: Gate) -> bool:
    """Also where the loop file was changed and asks nobody any more: what waited is judged anew, as a candidate."""
    if asked.answer is not None:
        return False
    return gate.approval is None or now - asked.asked_at >= duration(gate.approval)


def _open(state: LoopState, question: str | None) -> tuple[Held, Question]:
    held = state.held
    if held is None or held.asked is None:
        raise Refused(
            f"No candidate of {state.loop!r} waits for an approval.",
            mend="See 'homeostat approvals'; what was asked before is in 'homeostat decisions'.",
            loop=state.loop,
        )
    asked = held.asked
    if asked.answer is not None:
        raise Conflict(
            f"{asked.answer.actor} was faster, and approved: {asked.answer.reason}.",
            mend="If it must not serve, take it back with 'homeostat rollback'.",
            loop=state.loop,
            answered_by=asked.answer.actor,
        )
    if question not in (None, asked.id):
        raise Conflict(
            f"Something else is asked by now: may {held.version} {asked.what}?",
            mend="Look at 'homeostat approvals', then answer again.",
            loop=state.loop,
            question=asked.id,
        )
    return held, asked
