"""Transitions: each moves a loop from one sound state to another, and names what it did exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control import approvals, by_hand, transitions
from homeostat.control.rollouts import Canary
from homeostat.control.state import LoopState, initial_state
from homeostat.control.transitions import Transition
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ROLL_BACK, Reason, Verdict

LIMITS = Canary()
WHY = Verdict("HOLD", (Reason("because", 1.0, 2.0, "1 < 2"), Reason("and", 3.0, 4.0, "3 < 4")))
BY_HAND = Verdict(ROLL_BACK, (Reason("asked_for", "me", None, "asked for by me"),))
DAY = duration("1d")
Step = Callable[[LoopState, int], Transition]

STEPS: dict[str, Step] = {
    "ask": lambda state, now: transitions.ask_retraining(state, WHY, now, {"n": 1}),
    "first": lambda state, now: transitions.first_champion(state, WHY, now, {}),
    "open": lambda state, now: transitions.open_rollout(state, WHY, now, {}, LIMITS),
    "reject": lambda state, now: transitions.reject(state, WHY, now, {}),
    "fail": lambda state, now: transitions.fail(state, WHY, now, {}),
    "advance": lambda state, now: transitions.advance(state, WHY, now, {}, LIMITS),
    "look": lambda state, now: Transition(transitions.look_again(state, now, LIMITS), ()),
    "promote": lambda state, now: transitions.promote(state, WHY, now, {}),
    "take back": lambda state, now: transitions.take_back(state, WHY, now, {}),
    "question": lambda state, now: approvals.ask(state, WHY, now, {}, LIMITS),
    "approve": lambda state, now: approvals.approve(state, None, now, "me", "good"),
    "refuse": lambda state, now: approvals.refuse(state, None, now, "me", "bad"),
    "by hand": lambda state, now: by_hand.roll_back_by_hand(state, BY_HAND, now, "me"),
}


def _others(state: LoopState) -> list[str]:
    """Versions that could serve instead of the champion."""
    unfit = ("training", "failed")
    return [name for name, one in state.versions.items() if one.name not in unfit and name != state.route.champion]


STEPS["redeploy"] = lambda state, now: by_hand.redeploy(state, _others(state)[0], BY_HAND, now, "me", override=True)
STEPS["shadow"] = lambda state, now: by_hand.cast_shadow(state, _others(state)[0], 0.5, now, "me")
SILENT = {"ask", "reject", "fail", "look", "question", "approve"}
"""Steps after which serving answers as before."""


def _allowed(state: LoopState) -> list[str]:
    """What control would ever ask for in this state."""
    if state.retraining is not None:
        served = ["open"] if state.route.champion and state.rollout is None else []
        first = ["first"] if state.route.champion is None else []
        return [*served, *first, "reject", "fail", *_by_hand(state)]
    if state.rollout is not None:
        more = ["advance"] if state.rollout.step + 1 < len(LIMITS.steps) else ["promote"]
        asked = state.rollout.asked
        answers = ["question"] if asked is None else ["approve", "refuse"] if asked.answer is None else []
        return [*more, "look", "take back", "by hand", *answers]
    return ["ask", *_by_hand(state)]


def _by_hand(state: LoopState) -> list[str]:
    others = ["redeploy", "shadow"] if state.route.champion and _others(state) else []
    return [*(["by hand"] if state.route.standby else []), *others]


def _sound(state: LoopState) -> None:
    named = Counter(standing.name for standing in state.versions.values())
    assert named["champion"] == (state.route.champion is not None)
    assert named["candidate"] == (state.rollout is not None)
    assert named["training"] == (state.retraining is not None)
    assert named["standby"] == (state.route.standby is not None)
    for version, standing in ((state.route.champion, "champion"), (state.route.standby, "standby")):
        assert version is None or state.versions[version].name == standing
    assert state.route.champion not in [shadow.version for shadow in state.route.shadows]
    if state.rollout is None:
        assert (state.route.canary, state.route.share) == (None, 0.0)
    else:
        assert state.route.canary == state.rollout.candidate
        assert state.route.champion == state.rollout.champion
        assert state.route.share == LIMITS.steps[state.rollout.step]


@given(st.lists(st.integers(0, 9), max_size=60))
def test_every_walk_stays_sound_moves_the_route_by_one_and_names_each_decision_once(choices: list[int]) -> None:
    state, named = initial_state("demo"), set[str]()
    for number, choice in enumerate(choices):
        allowed = _allowed(state)
        name = allowed[choice % len(allowed)]
        before, (state, drafts) = state, STEPS[name](state, number * DAY)
        _sound(state)
        assert state.route.generation == before.route.generation + (name not in SILENT)
        assert bool(drafts) == (name != "look")
        for draft in drafts:
            assert draft.id not in named
            assert draft.at == number * DAY
            assert draft.reasons
            named.add(draft.id)


def _served() -> LoopState:
    state = STEPS["first"](STEPS["ask"](initial_state("demo"), 0).state, 1 * DAY).state
    state = STEPS["open"](STEPS["ask"](state, 2 * DAY).state, 3 * DAY).state
    return STEPS["promote"](state, 4 * DAY).state


def test_a_decision_quotes_all_its_reasons_and_says_who_acted() -> None:
    _, (draft,) = STEPS["ask"](initial_state("demo"), 5 * DAY)
    assert (draft.kind, draft.reasons, draft.actor, draft.evidence) == (
        "bootstrap",
        ("1 < 2", "3 < 4"),
        "policy",
        {"n": 1},
    )
    _, (flip,) = STEPS["by hand"](_served(), 5 * DAY)
    assert (flip.kind, flip.actor, flip.version) == ("rollback", "me", "v2")


def test_a_promotion_keeps_the_old_champion_warm_and_retires_the_one_before() -> None:
    state = _served()
    assert (state.route.champion, state.route.standby) == ("v2", "v1")
    state = STEPS["open"](STEPS["ask"](state, 5 * DAY).state, 6 * DAY).state
    state = STEPS["promote"](state, 7 * DAY).state
    assert (state.route.champion, state.route.standby) == ("v3", "v2")
    assert state.versions["v1"].name == "retired"


def test_by_hand_the_candidate_goes_first_then_the_champion_then_nothing_is_left_to_go_back_to() -> None:
    state = STEPS["open"](STEPS["ask"](_served(), 5 * DAY).state, 6 * DAY).state
    state = STEPS["by hand"](state, 7 * DAY).state
    assert (state.route.champion, state.route.canary, state.versions["v3"].name) == ("v2", None, "rolled_back")
    state = STEPS["by hand"](state, 8 * DAY).state
    assert (state.route.champion, state.route.standby, state.versions["v2"].name) == ("v1", None, "rolled_back")
    with pytest.raises(Refused) as refused:
        STEPS["by hand"](state, 9 * DAY)
    assert "A standby exists after the first promotion" in refused.value.mend


@pytest.mark.parametrize("name", ["first", "open", "reject", "fail"])
def test_the_end_of_a_retraining_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="not retraining"):
        STEPS[name](initial_state("demo"), 0)


@pytest.mark.parametrize("name", ["advance", "look", "promote", "take back"])
def test_a_step_of_a_rollout_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="no open rollout"):
        STEPS[name](_served(), 0)


def test_looks_are_counted_and_come_one_hold_apart() -> None:
    state = STEPS["open"](STEPS["ask"](_served(), 5 * DAY).state, 6 * DAY).state
    assert state.rollout is not None
    assert (state.rollout.looks, state.rollout.look_at) == (0, 11 * DAY)
    state = STEPS["look"](state, 11 * DAY).state
    assert state.rollout is not None
    assert (state.rollout.looks, state.rollout.look_at, state.rollout.entered_at) == (1, 16 * DAY, 6 * DAY)
    state = STEPS["advance"](state, 16 * DAY).state
    assert state.rollout is not None
    assert (state.rollout.looks, state.rollout.look_at, state.rollout.entered_at) == (2, 18 * DAY, 16 * DAY)
