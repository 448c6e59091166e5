"""Judges: proof decides, unknown never promotes, and more harm never looks better."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.control.gates import Evidence, Gate, judge_gate
from homeostat.control.policies import Look, Matured, Record, Retrain, judge_first, judge_retrain
from homeostat.control.rollouts import Canary, CanaryWindow, judge_canary
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, ADVANCE, HOLD, INCONCLUSIVE, PROMOTE, REJECT, RETRAIN, ROLL_BACK
from homeostat.stats.intervals import Interval

DAY = duration("1d")


def interval(low: float, high: float, blocks: int = 10) -> Interval:
    return Interval((low + high) / 2, low, high, blocks, blocks * 900, 0.95)


def looks(*highs: float | None) -> list[Look]:
    return [
        Look(f"2013-03-{n:02}", None if high is None else interval(high - 0.1, high)) for n, high in enumerate(highs, 1)
    ]


BASE = Record(
    now=100 * DAY,
    champion="v1",
    retrained_at=70 * DAY,
    promise=interval(0.08, 0.12),
    looks=looks(0.11, 0.11, 0.11),
    emergency=interval(0.0, 0.2, 3),
)
LIMITS = Retrain()
LOST = looks(0.07, 0.07, 0.07)


@pytest.mark.parametrize(
    ("record", "verdict", "code"),
    [
        (BASE, HOLD, "as_promised"),
        (dataclasses.replace(BASE, looks=LOST), RETRAIN, "lasting_loss"),
        (dataclasses.replace(BASE, looks=LOST, retrained_at=99 * DAY), HOLD, "cooling_down"),
        (dataclasses.replace(BASE, looks=looks(0.07, 0.11, 0.07)), HOLD, "as_promised"),
        (dataclasses.replace(BASE, looks=looks(0.07, None, 0.07)), INCONCLUSIVE, "too_few_looks"),
        (dataclasses.replace(BASE, promise=None, looks=LOST), INCONCLUSIVE, "no_promise"),
        (dataclasses.replace(BASE, retrained_at=40 * DAY), RETRAIN, "too_old"),
        (dataclasses.replace(BASE, retrained_at=40 * DAY + DAY // 24), RETRAIN, "too_old"),
        (dataclasses.replace(BASE, retrained_at=41 * DAY), HOLD, "as_promised"),
        (dataclasses.replace(BASE, retrained_at=40 * DAY, promise=None), RETRAIN, "too_old"),
        (dataclasses.replace(BASE, emergency=interval(-0.5, 0.01, 3)), RETRAIN, "emergency"),
        (
            dataclasses.replace(BASE, emergency=interval(-0.5, 0.01, 3), retrained_at=99 * DAY),
            RETRAIN,
            "emergency",
        ),
        (dataclasses.replace(BASE, emergency=None), HOLD, "as_promised"),
    ],
)
def test_retraining_is_decided_by_lasting_loss_emergency_or_age(record: Record, verdict: str, code: str) -> None:
    found = judge_retrain(record, LIMITS)
    assert (found.name, found.reasons[0].code) == (verdict, code)


def test_a_reason_quotes_both_sides() -> None:
    found = judge_retrain(dataclasses.replace(BASE, looks=LOST), LIMITS)
    assert str(found.reasons[0]) == "skill at most 0.07 < promised 0.1 - 0.02, 3 looks in a row to 2013-03-03"


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=6), st.floats(0, 0.5))
def test_more_lost_skill_never_turns_retraining_off(highs: list[float], worse: float) -> None:
    seen = dataclasses.replace(BASE, looks=looks(*highs))
    worsened = dataclasses.replace(BASE, looks=looks(*(high - worse for high in highs)))
    if judge_retrain(seen, LIMITS).name == RETRAIN:
        assert judge_retrain(worsened, LIMITS).name == RETRAIN


@pytest.mark.parametrize(
    ("matured", "verdict"),
    [(Matured(1_999, 40), INCONCLUSIVE), (Matured(2_000, 4), INCONCLUSIVE), (Matured(2_000, 5), RETRAIN)],
)
def test_a_first_version_waits_for_rows_and_days(matured: Matured, verdict: str) -> None:
    assert judge_first(matured, LIMITS, 5).name == verdict


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
        lambda: Retrain(trail=2),
        lambda: Retrain(cool_down="soon"),
    ],
)
def test_limits_that_prove_nothing_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        wrong()  # type: ignore[operator]
