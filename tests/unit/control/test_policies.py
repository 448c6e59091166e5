"""Policies: values that decide alike wherever they are written, and keep unknown apart."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.policies.base import Needs, Policy
from homeostat.control.policies.findings import Finding
from homeostat.control.policies.judging import explain_retrain, judge_retrain
from homeostat.control.policies.situation import DriftWindow, Look, Outlook, Situation, Trailing
from homeostat.control.state import Answer, Question
from homeostat.kernel.verdicts import ASK, HOLD, INCONCLUSIVE, RETRAIN, Reason
from tests.unit.control.situations import (
    ALARM,
    BAD,
    BASE,
    CALM,
    DAY,
    DEFAULT,
    DRIFTED,
    FINE,
    LOST,
    NEED,
    PRICED,
    asked,
    interval,
    lately,
    looks,
    of,
)


@pytest.mark.parametrize(
    ("seen", "verdict", "code"),
    [
        (BASE, HOLD, "no_emergency"),
        (of(realised=(LOST, CALM)), RETRAIN, "lasting_loss"),
        (of(realised=(LOST, CALM), since=99 * DAY), HOLD, "cooling_down"),
        (of(realised=(looks(0.07, 0.11, 0.07), CALM)), HOLD, "no_emergency"),
        (of(realised=(looks(0.07, None, 0.07), CALM)), INCONCLUSIVE, "too_few_days"),
        (of(realised=(LOST, CALM), promise=None), INCONCLUSIVE, "no_promise"),
        (of(since=40 * DAY), RETRAIN, "too_old"),
        (of(since=40 * DAY + DAY // 24), RETRAIN, "too_old"),
        (of(since=41 * DAY), HOLD, "no_emergency"),
        (of(since=40 * DAY, promise=None), RETRAIN, "too_old"),
        (of(realised=(FINE, BAD)), RETRAIN, "emergency"),
        (of(realised=(FINE, BAD), since=99 * DAY), RETRAIN, "emergency"),
        (of(realised=(FINE, lately(None))), INCONCLUSIVE, "too_few_days"),
        (of(realised=()), INCONCLUSIVE, "too_few_days"),
    ],
)
def test_by_default_lasting_loss_an_emergency_or_age_decide(seen: Situation, verdict: str, code: str) -> None:
    found = judge_retrain(seen, DEFAULT)
    assert (found.name, found.reasons[0].code) == (verdict, code)


def former(seen: Situation) -> bool:
    """Whether the default limits retrained before policies were values, by their own rules."""
    short, long = seen.looks(3, 0.9), seen.looks(14, 0.9)
    if short and short[-1].skill is not None and short[-1].skill.value < -0.1:
        return True
    age = seen.now - seen.since
    if age < 14 * DAY:
        return False
    known = [look.skill.high for look in long[-3:] if look.skill is not None]
    lost = seen.promise is not None and len(known) == 3 and max(known) < seen.promise.value - 0.02
    return lost or age + DAY > 60 * DAY


skills = st.none() | st.floats(-0.5, 0.5)


@given(
    st.lists(skills, max_size=3),
    st.lists(skills, max_size=1),
    st.none() | st.floats(-0.3, 0.3),
    st.integers(0, 70 * 24),
)
def test_the_default_retrains_exactly_when_its_former_rules_did(
    highs: list[float | None], short: list[float | None], promise: float | None, hours: int
) -> None:
    told = tuple(Look("d", None if one is None else interval(one - 0.1, one + 0.1)) for one in short)
    seen = of(
        realised=(looks(*highs), Trailing(3, 0.9, told)),
        promise=None if promise is None else interval(promise - 0.02, promise + 0.02),
        since=100 * DAY - hours * DAY // 24,
    )
    assert (judge_retrain(seen, DEFAULT).name == RETRAIN) == former(seen)


def test_a_reason_quotes_both_sides_and_the_sentence_holds_it() -> None:
    found = explain_retrain(of(realised=(LOST, CALM)), DEFAULT)
    text = "skill at most 0.07 < promised 0.1 - 0.02, to 2013-03-03; 3 windows in a row"
    assert found.verdict.texts == (text,)
    assert found.sentence == f"It is time to retrain: {text}."


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=6), st.floats(0, 0.5))
def test_more_lost_skill_never_turns_retraining_off(highs: list[float], worse: float) -> None:
    seen = of(realised=(looks(*highs), CALM))
    worsened = of(realised=(looks(*(high - worse for high in highs)), CALM))
    if judge_retrain(seen, DEFAULT).name == RETRAIN:
        assert judge_retrain(worsened, DEFAULT).name == RETRAIN


@dataclasses.dataclass(frozen=True, slots=True)
class Said(Policy):
    """Says what it is told to, window by window, newest first."""

    name: str
    said: tuple[str, ...]

    def at(self, seen: Situation, back: int) -> Finding:
        verdict = self.said[back] if back < len(self.said) else INCONCLUSIVE
        return Finding("said", verdict, (Reason(self.name, None, None, f"{self.name} says {verdict}"),))

    def needs(self, windows: int = 1) -> Needs:
        return Needs()


VALUES = (RETRAIN, HOLD, INCONCLUSIVE)


def said(values: Sequence[str]) -> list[Said]:
    return [Said(f"p{place}", (value,)) for place, value in enumerate(values)]


def ways(values: Sequence[str]) -> list[list[str]]:
    """Every way in which what is unknown could turn out."""
    found: list[list[str]] = [[]]
    for value in values:
        outcomes = (RETRAIN, HOLD) if value == INCONCLUSIVE else (value,)
        found = [[*way, outcome] for way in found for outcome in outcomes]
    return found


@given(st.lists(st.sampled_from(VALUES), min_size=2, max_size=6), st.data())
def test_a_combination_is_certain_only_where_what_is_unknown_does_not_matter(values: list[str], data: Any) -> None:
    needed = data.draw(st.integers(1, len(values)))
    parts = said(values)
    if needed in (1, len(values)):
        policy: Policy = functools.reduce(operator.or_ if needed == 1 else operator.and_, parts)
    else:
        policy = hs.at_least(needed, *parts)
    certain = {way.count(RETRAIN) >= needed for way in ways(values)}
    expected = INCONCLUSIVE if len(certain) == 2 else RETRAIN if certain == {True} else HOLD
    assert policy.judge(BASE).name == expected


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6), st.integers(2, 5), st.data())
def test_sustained_counts_the_last_windows_and_a_missing_one_is_unknown(
    values: list[str], span: int, data: Any
) -> None:
    needed = data.draw(st.integers(1, span))
    found = hs.Sustained(Said("p", tuple(values)), needed, of=span).judge(BASE)
    window = [*values, *[INCONCLUSIVE] * span][:span]
    certain = {way.count(RETRAIN) >= needed for way in ways(window)}
    assert found.name == (INCONCLUSIVE if len(certain) == 2 else RETRAIN if certain == {True} else HOLD)


def test_the_reasons_are_of_those_who_decided_and_the_parts_tell_the_rest() -> None:
    yes, no, blind = (Said(name, (value,)) for name, value in zip(("yes", "no", "blind"), VALUES, strict=True))
    assert (yes | no | blind).judge(BASE).text == "yes says RETRAIN"
    assert (yes & no & blind).judge(BASE).text == "no says HOLD"
    assert (no | blind).judge(BASE).text == "blind says INCONCLUSIVE"
    assert [part.name for part in (yes | no | blind).judge(BASE).parts] == list(VALUES)


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (hs.Drift(), RETRAIN),
        (hs.Drift(features=2), INCONCLUSIVE),
        (hs.Drift(features=3), HOLD),
        (hs.Drift(signal="ks"), INCONCLUSIVE),
        (hs.Drift(span=7), INCONCLUSIVE),
        (hs.Sustained(hs.Drift(), 2), RETRAIN),
        (hs.Sustained(hs.Drift(), 3), INCONCLUSIVE),
        (hs.Sustained(hs.Drift(), 2, of=4), RETRAIN),
    ],
)
def test_drift_counts_features_above_their_limits_and_unknown_ones_may_be(policy: Policy, verdict: str) -> None:
    assert policy.judge(of(drift=DRIFTED)).name == verdict


def test_without_a_limit_a_feature_is_unknown_and_without_windows_all_are() -> None:
    unlimited = tuple(dataclasses.replace(one, limits={}) for one in DRIFTED)
    assert hs.Drift().judge(of(drift=unlimited)).name == INCONCLUSIVE
    assert hs.Drift().judge(BASE).name == INCONCLUSIVE
    assert hs.Drift().judge(of(drift=(DriftWindow("psi", 1, "d", {}, {}),))).name == INCONCLUSIVE


@pytest.mark.parametrize(("watched", "retrained", "left"), [(True, [2, 4], 0.18), (False, [], 0.9)])
def test_the_worked_toy_loop_follows_its_world_only_where_drift_may_retrain(
    watched: bool, retrained: list[int], left: float
) -> None:
    """The centre of the world moves by 0.18 a cycle; a model is the mean it was trained on, its budget 0.25."""
    policy = hs.Retrain(when=hs.Drift() if watched else hs.Volume(rows=10**9), cool_down=None)
    models, found = [0.0], []
    for cycle in range(1, 6):
        world = 0.18 * cycle
        window = DriftWindow("psi", 1, f"d{cycle}", {"mean": abs(world - models[-1])}, {"mean": 0.25})
        if judge_retrain(of(drift=(window,), labelled=(900,)), policy).name == RETRAIN:
            models.append(world)
            found.append(cycle)
    assert (found, len(models)) == (retrained, 1 + len(retrained))
    assert world - models[-1] == pytest.approx(left)


def test_volume_counts_rows_as_of_each_matured_day() -> None:
    seen = of(labelled=(40, 90, 120))
    assert hs.Volume(rows=120).judge(seen).name == RETRAIN
    assert hs.Volume(rows=121).judge(seen).text == "120 labelled rows since the last retraining < 121"
    assert hs.Sustained(hs.Volume(rows=90), 2).judge(seen).name == RETRAIN
    assert hs.Sustained(hs.Volume(rows=90), 3).judge(seen).name == HOLD
    assert hs.Volume(rows=1).judge(BASE).name == HOLD


def test_growth_is_a_share_of_what_the_champion_learnt_from() -> None:
    seen = of(labelled=(40, 50), learnt=100)
    assert hs.Growth(0.5).judge(seen).name == RETRAIN
    text = "50 labelled rows since the last retraining < 0.51 of the 100 that v1 learnt from"
    assert hs.Growth(0.51).judge(seen).text == text
    assert hs.Sustained(hs.Growth(0.4), 2).judge(seen).name == RETRAIN
    assert hs.Sustained(hs.Growth(0.5), 2).judge(seen).name == HOLD
    assert hs.Growth().judge(seen).name == hs.Growth().judge(of(learnt=100)).name == HOLD
    assert hs.Growth().judge(of(labelled=(50,), learnt=None)).name == INCONCLUSIVE


def test_a_floor_holds_back_what_another_policy_fires() -> None:
    policy = Said("p", (RETRAIN,)) & hs.Schedule(not_before="30d")
    assert policy.judge(of(since=71 * DAY)).text == "29.0 days since 1970-03-13T00:00:00Z < 30d"
    assert policy.judge(of(since=70 * DAY)).name == RETRAIN


def test_an_estimate_is_held_to_the_promise_and_without_an_estimator_nothing_is_known() -> None:
    low, high = Look("d1", interval(-0.1, 0.04)), Look("d1", interval(-0.1, 0.06))
    assert hs.Estimated().judge(BASE).name == INCONCLUSIVE
    assert hs.Estimated().judge(of(estimated=())).name == INCONCLUSIVE
    found = hs.Estimated().judge(of(estimated=(high, low)))
    assert (found.name, found.text) == (RETRAIN, "estimated skill at most 0.04 < promised 0.1 - 0.05, to d1")
    assert hs.Sustained(hs.Estimated(), 2).judge(of(estimated=(high, low))).name == HOLD


@pytest.mark.parametrize(
    ("outlook", "verdict", "text"),
    [
        (PRICED, RETRAIN, "age costs 11 EUR a day >= 10 EUR, what a day costs retraining every 33 days"),
        (dataclasses.replace(PRICED, lost=(9.0,)), HOLD, "age costs 9 EUR a day < 10 EUR"),
        (
            dataclasses.replace(PRICED, bearable=None, basis="no decay"),
            HOLD,
            "no interval of retraining pays: no decay",
        ),
        (Outlook("EUR", unknown="unknown: say hs.Economics(bad_release=...)"), INCONCLUSIVE, "bad_release"),
        (None, INCONCLUSIVE, "no prices are declared"),
    ],
)
def test_money_decides_where_every_price_is_known_and_names_what_lacks(
    outlook: Outlook | None, verdict: str, text: str
) -> None:
    found = hs.Economic().judge(of(outlook=outlook))
    assert found.name == verdict
    assert text in found.text


def test_money_can_be_asked_to_last_and_to_be_worth_more() -> None:
    assert hs.Sustained(hs.Economic(), 2).judge(of(outlook=PRICED)).name == HOLD
    assert hs.Economic(margin=1.2).judge(of(outlook=PRICED)).name == HOLD


@pytest.mark.parametrize(
    ("policy", "need", "alarm"),
    [
        (hs.Retrain(), RETRAIN, RETRAIN),
        (hs.Retrain(cool_down="40d"), HOLD, RETRAIN),
        (hs.Retrain(quiet="22:00-06:00"), HOLD, RETRAIN),
        (hs.Retrain(quiet="06:00-22:00"), RETRAIN, RETRAIN),
        (hs.Retrain(budget=hs.Budget(trainings=3)), RETRAIN, RETRAIN),
        (hs.Retrain(budget=hs.Budget(trainings=2)), HOLD, HOLD),
        (hs.Retrain(budget=hs.Budget(money=hs.Money(240, "EUR"))), RETRAIN, RETRAIN),
        (hs.Retrain(budget=hs.Budget(money=hs.Money(239, "EUR"))), HOLD, HOLD),
        (hs.Retrain(budget=hs.Budget(money=hs.Money(999, "USD"))), INCONCLUSIVE, INCONCLUSIVE),
        (hs.Retrain(ask="unless_emergency"), ASK, RETRAIN),
        (hs.Retrain(ask="always"), ASK, ASK),
    ],
)
def test_what_stands_around_a_policy_holds_it_back_and_an_emergency_passes_the_clock_only(
    policy: hs.Retrain, need: str, alarm: str
) -> None:
    priced = {"outlook": PRICED}
    assert judge_retrain(dataclasses.replace(NEED, **priced), policy).name == need
    assert judge_retrain(dataclasses.replace(ALARM, **priced), policy).name == alarm


def test_what_is_held_back_says_that_it_would_be_time() -> None:
    found = judge_retrain(NEED, hs.Retrain(cool_down="40d"))
    assert found.texts[0] == "retrained 30.0 days ago < 40d"
    assert found.texts[1].startswith("otherwise it would be time: skill at most 0.07")


def test_an_unknown_price_never_passes_a_budget_of_money() -> None:
    blind = Outlook("EUR", each_unknown="unknown: say hs.Economics(training_hour=...)", asks=("training_hour",))
    policy = hs.Retrain(budget=hs.Budget(money=hs.Money(1e9, "EUR")))
    for outlook in (blind, None):
        assert judge_retrain(dataclasses.replace(NEED, outlook=outlook), policy).name == INCONCLUSIVE
    assert "training_hour" in judge_retrain(dataclasses.replace(NEED, outlook=blind), policy).texts[0]


@pytest.mark.parametrize(
    ("question", "seen", "verdict"),
    [
        (None, NEED, ASK),
        (asked(97), NEED, HOLD),
        (asked(93), NEED, ASK),
        (asked(97, answer=Answer("me", "go", 98 * DAY)), NEED, RETRAIN),
        (asked(97, answer=Answer("me", "go", 98 * DAY)), BASE, RETRAIN),
        (asked(90, answer=Answer("me", "go", 93 * DAY)), BASE, HOLD),
        (asked(97, answer=Answer("me", "no", 98 * DAY, approved=False)), NEED, HOLD),
        (asked(90, answer=Answer("me", "no", 93 * DAY, approved=False)), NEED, ASK),
    ],
)
def test_a_question_and_its_answer_stand_for_the_patience(
    question: Question | None, seen: Situation, verdict: str
) -> None:
    found = judge_retrain(dataclasses.replace(seen, asked=question), hs.Retrain(ask="always"))
    assert found.name == verdict


def test_an_approval_waits_for_quiet_hours_and_budget_but_for_no_cool_down() -> None:
    yes = asked(97, answer=Answer("me", "go", 98 * DAY))
    seen = dataclasses.replace(NEED, asked=yes, since=99 * DAY)
    assert judge_retrain(seen, hs.Retrain(ask="always")).texts == ("approved by me: go",)
    assert judge_retrain(seen, hs.Retrain(ask="always", quiet="22:00-06:00")).name == HOLD
    assert judge_retrain(seen, hs.Retrain(ask="always", budget=hs.Budget(trainings=2))).name == HOLD
