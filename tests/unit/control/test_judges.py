"""Judges: proof decides, unknown never promotes, and more harm never looks better."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.gates import Evidence, Gate, judge_by_itself, judge_gate
from homeostat.control.rollouts import Canary, CanaryWindow, judge_canary
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, ADVANCE, HOLD, INCONCLUSIVE, PROMOTE, REJECT, ROLL_BACK
from homeostat.stats.intervals import Interval

DAY = duration("1d")


def interval(low: float, high: float, blocks: int = 10) -> Interval:
    return Interval((low + high) / 2, low, high, blocks, blocks * 900, 0.95)


GOOD = Evidence("v2", "v1", interval(0.05, 0.15), interval(-0.02, -0.01))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (GOOD, ACCEPT),
        (dataclasses.replace(GOOD, champion=None, difference=None), ACCEPT),
        (dataclasses.replace(GOOD, skill=interval(-0.01, 0.1)), ACCEPT),
        (dataclasses.replace(GOOD, skill=interval(-0.1, 0.01)), REJECT),
        (dataclasses.replace(GOOD, champion=None, difference=None, skill=interval(-0.01, 0.1)), REJECT),
        (dataclasses.replace(GOOD, difference=interval(-0.02, 0.01)), REJECT),
        (dataclasses.replace(GOOD, difference=interval(0.01, 0.02)), REJECT),
        (dataclasses.replace(GOOD, difference=None), INCONCLUSIVE),
        (dataclasses.replace(GOOD, skill=None), INCONCLUSIVE),
        (dataclasses.replace(GOOD, skill=interval(0.05, 0.15, 4)), INCONCLUSIVE),
        (dataclasses.replace(GOOD, difference=interval(-0.02, -0.01, 4)), INCONCLUSIVE),
        (dataclasses.replace(GOOD, skill=None, difference=interval(0.01, 0.02)), REJECT),
    ],
)
def test_the_gate_accepts_only_on_proof(seen: Evidence, verdict: str) -> None:
    assert judge_gate(seen, Gate()).name == verdict


@pytest.mark.parametrize(
    ("dirty", "verdict", "code"),
    [(False, ACCEPT, "clean_tree"), (True, REJECT, "dirty_tree"), (None, INCONCLUSIVE, "no_commit")],
)
def test_a_gate_that_asks_for_a_clean_tree_turns_away_what_no_commit_tells(
    dirty: bool | None, verdict: str, code: str
) -> None:
    seen = dataclasses.replace(GOOD, dirty=dirty)
    found = judge_gate(seen, Gate(clean_tree=True))
    assert found.name == verdict
    assert code in [reason.code for reason in found.reasons]
    assert judge_gate(seen, Gate()).name == ACCEPT, "else a dirty tree is recorded, not refused"


def test_of_what_a_champion_vouches_for_skill_need_only_be_measured() -> None:
    weak = Interval(0.05, -0.01, 0.11, 12, 300, 0.95)
    found = [judge_by_itself(Evidence("v2", champion, weak, None), Gate()).name for champion in (None, "v1")]
    assert found == [REJECT, ACCEPT]


@pytest.mark.parametrize(
    ("changes", "limits", "verdict"),
    [
        ({}, Gate(), INCONCLUSIVE),
        ({"champion": None, "difference": None}, Gate(), INCONCLUSIVE),
        ({"champion": None, "difference": None}, Gate(approval="7d"), ACCEPT),
        ({}, Gate(max_skill=1), ACCEPT),
        ({"telling": ()}, Gate(), ACCEPT),
        ({"believed": 0.92}, Gate(), ACCEPT),
        ({"skill": interval(0.5, 0.6)}, Gate(), ACCEPT),
    ],
)
def test_what_is_too_good_to_be_true_serves_nobody_unless_a_person_says_so(
    changes: dict[str, Any], limits: Gate, verdict: str
) -> None:
    leaked = dataclasses.replace(GOOD, skill=interval(0.95, 0.97), telling=("late",))
    found = judge_gate(dataclasses.replace(leaked, **changes), limits)
    assert found.name == verdict
    told = "skill 0.96 > 0.9 is too good to be true: late alone tells the labels apart"
    assert (told in " ".join(found.texts)) == (verdict == INCONCLUSIVE or limits.approval is not None)


@given(st.floats(-0.1, 0.1), st.floats(0, 0.1), st.floats(0, 0.1))
def test_a_worse_candidate_never_passes_where_a_better_one_did_not(middle: float, width: float, worse: float) -> None:
    better = dataclasses.replace(GOOD, difference=interval(middle - width, middle + width))
    harmed = dataclasses.replace(GOOD, difference=interval(middle - width + worse, middle + width + worse))
    if judge_gate(harmed, Gate()).name == ACCEPT:
        assert judge_gate(better, Gate()).name == ACCEPT


def at(
    step: int, looks: int, difference: Interval | None, requests: int = 1_000, faults: int = 0, due: bool = True
) -> CanaryWindow:
    return CanaryWindow(step, 2 * DAY, looks, due, requests, faults, difference)


PROOF = interval(-0.01, 0.001, 5)
HARM = interval(0.001, 0.02, 5)
DOUBT = interval(-0.01, 0.02, 5)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (at(0, 0, PROOF, due=False), HOLD),
        (at(0, 0, PROOF), ADVANCE),
        (at(3, 2, PROOF), PROMOTE),
        (at(0, 0, DOUBT), HOLD),
        (at(0, 6, DOUBT), HOLD),
        (at(0, 7, DOUBT), ROLL_BACK),
        (at(3, 7, None), ROLL_BACK),
        (at(0, 0, None), HOLD),
        (at(0, 0, interval(-0.01, 0.001, 2)), HOLD),
        (at(0, 0, interval(0.01, 0.02, 2)), HOLD),
        (at(0, 0, HARM), ROLL_BACK),
        (at(0, 0, HARM, due=False), HOLD),
        (at(0, 0, PROOF, requests=100, faults=2, due=False), ROLL_BACK),
        (at(0, 0, PROOF, requests=19, faults=19), ADVANCE),
        (at(0, 0, PROOF, requests=0), HOLD),
        (at(3, 7, PROOF, requests=0), ROLL_BACK),
        (at(0, 0, PROOF, requests=1_000, faults=1), ADVANCE),
    ],
)
def test_a_canary_advances_on_proof_and_leaves_on_harm_or_doubt_without_end(seen: CanaryWindow, verdict: str) -> None:
    assert judge_canary(seen, Canary()).name == verdict


def test_swapping_the_arms_gives_the_opposite_verdict() -> None:
    swapped = interval(-HARM.high, -HARM.low, 5)
    assert judge_canary(at(0, 2, HARM), Canary()).name == ROLL_BACK
    assert judge_canary(at(0, 2, swapped), Canary()).name == ADVANCE


@given(st.integers(0, 3), st.integers(0, 7), st.integers(0, 100), st.integers(0, 100))
def test_more_faults_never_look_better(step: int, looks_before: int, faults: int, more: int) -> None:
    ranks = {ROLL_BACK: 0, HOLD: 1, ADVANCE: 2, PROMOTE: 2}
    fewer = judge_canary(at(step, looks_before, PROOF, 1_000, faults), Canary()).name
    assert ranks[judge_canary(at(step, looks_before, PROOF, 1_000, faults + more), Canary()).name] <= ranks[fewer]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Canary(steps=(0.5, 0.25, 1.0)),
        lambda: Canary(steps=(0.05, 0.5)),
        lambda: Canary(holds=("2d",)),
        lambda: Canary(looks=3),
        lambda: Gate(min_days=2),
    ],
)
def test_limits_that_prove_nothing_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        wrong()  # type: ignore[operator]
