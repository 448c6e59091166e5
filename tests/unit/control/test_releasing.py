"""A gate that asks: somebody other than the author lets a version in, once, or it is turned away in time."""

from __future__ import annotations

import dataclasses

import pytest

from homeostat.control import transitions
from homeostat.control.gates import Gate
from homeostat.control.releasing import answer_release, ask_release, go_on
from homeostat.control.rollouts import Canary
from homeostat.control.state import LoopState, initial_state
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import Conflict, InvalidInput, Refused
from homeostat.kernel.verdicts import ACCEPT, RETRAIN, Reason, Verdict

DAY = duration("1d")
GATE = Gate(approval="3d")
AUTHOR = "ana@example.org"
PASSED = Verdict(ACCEPT, (Reason("better", 0.2, 0.0, "skill 0.2 > 0"),))


def waiting(author: str | None = AUTHOR, *, champion: bool = False) -> LoopState:
    """A version passed the gate on day 1; with a champion, it is the second one."""
    state = initial_state("late")
    why = Verdict(RETRAIN, (Reason("asked", None, None, "asked"),))
    if champion:
        state = transitions.ask_retraining(state, why, 0, {}).state
        state = transitions.first_champion(state, PASSED, 0, {}).state
    state = transitions.ask_retraining(state, why, DAY, {}).state
    return ask_release(state, PASSED, DAY, {}, GATE, author).state


def answered(state: LoopState, by: str, *, approved: bool = True, at: int = 2 * DAY) -> transitions.Transition:
    return answer_release(state, None, at, by, "looked at it", GATE, approved=approved)


def test_a_version_that_passed_answers_nobody_before_it_is_approved() -> None:
    state = waiting()
    assert state.route.champion is None
    assert state.versions["v1"].name == "held"
    assert go_on(state, 2 * DAY, GATE, Canary()) == (state, ())


@pytest.mark.parametrize(("champion", "kind"), [(False, "promote"), (True, "canary")])
def test_approved_it_goes_on_as_any_version_that_passed(champion: bool, kind: str) -> None:
    state, (said,) = answered(waiting(champion=champion), "ben")
    assert (said.kind, said.actor, said.reasons) == ("approve", "ben", ("approved by ben: looked at it",))
    after, drafts = go_on(state, 3 * DAY, GATE, Canary())
    assert [one.kind for one in drafts] == [kind]
    assert after.held is None
    assert (after.route.canary == "v2") if champion else (after.route.champion == "v1")


@pytest.mark.parametrize("by", ["ana@example.org", "ANA@example.org ", "ana"])
def test_the_author_does_not_approve_but_may_turn_it_away(by: str) -> None:
    with pytest.raises(Refused, match="wrote what v1"):
        answered(waiting(), by)
    assert answered(waiting(), by, approved=False).state.versions["v1"].name == "rejected"


def test_anybody_who_says_who_it_is_approves_where_the_author_is_unknown() -> None:
    state = waiting(None)
    with pytest.raises(InvalidInput):
        answered(state, " ")
    assert answered(state, "ana").drafts[0].kind == "approve"
    assert state.held is not None
    assert state.held.asked is not None
    assert "unknown" in state.held.asked.reasons[-1]


def test_refused_it_is_turned_away_at_once_and_the_champion_stays() -> None:
    state, (said,) = answered(waiting(champion=True), "ben", approved=False)
    assert (said.kind, state.held, state.rollout) == ("refuse", None, None)
    assert (state.route.champion, state.versions["v2"].name) == ("v1", "rejected")


def test_a_question_expires_and_is_then_answered_by_nobody() -> None:
    state = waiting()
    with pytest.raises(Refused, match="expired"):
        answered(state, "ben", at=4 * DAY)
    after, (draft,) = go_on(state, 4 * DAY, GATE, Canary())
    assert (draft.kind, after.versions["v1"].name, after.held) == ("reject", "rejected", None)
    assert "nobody answered" in draft.reasons[0]


def test_what_waits_while_the_gate_is_changed_to_ask_nobody_is_turned_away() -> None:
    after, (draft,) = go_on(waiting(), 2 * DAY, Gate(), Canary())
    assert (draft.kind, after.held) == ("reject", None)


def test_an_approval_that_was_given_in_time_holds_however_late_control_looks() -> None:
    state, _ = answered(waiting(), "ben", at=3 * DAY)
    assert go_on(state, 90 * DAY, GATE, Canary()).state.route.champion == "v1"


def test_one_answer_counts_and_only_to_the_question_that_is_open() -> None:
    state, _ = answered(waiting(), "ben")
    with pytest.raises(Conflict, match="ben was faster"):
        answered(state, "carl")
    with pytest.raises(Conflict, match="Something else"):
        answer_release(waiting(), "late/retrain/v9/release", 2 * DAY, "ben", "yes", GATE, approved=True)
    with pytest.raises(Refused, match="No candidate"):
        answered(dataclasses.replace(waiting(), held=None), "ben")
