"""Policies: values that decide alike wherever they are written, keep unknown apart, and explain themselves."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.policies.base import Needs, Policy
from homeostat.control.policies.findings import Finding
from homeostat.control.policies.first import First, Matured, first_evidence, judge_first
from homeostat.control.policies.forms import KINDS, policies_of, policy_of
from homeostat.control.policies.judging import explain_retrain, judge_retrain
from homeostat.control.policies.replay import replay
from homeostat.control.policies.situation import DriftWindow, Look, Outlook, Situation, Trailing
from homeostat.control.state import Answer, Question
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ASK, HOLD, INCONCLUSIVE, RETRAIN, Reason
from homeostat.stats.intervals import Interval
from tests.harness.examples import examples

DAY = duration("1d")
DEFAULT = hs.Retrain()


def interval(low: float, high: float, blocks: int = 10) -> Interval:
    return Interval((low + high) / 2, low, high, blocks, blocks * 900, 0.9)


def looks(*highs: float | None) -> Trailing:
    told = [
        Look(f"2013-03-{n:02}", None if high is None else interval(high - 0.1, high)) for n, high in enumerate(highs, 1)
    ]
    return Trailing(14, 0.9, tuple(told))


def lately(seen: Interval | None) -> Trailing:
    return Trailing(3, 0.9, (Look("2013-03-03", seen),))


FINE, LOST = looks(0.11, 0.11, 0.11), looks(0.07, 0.07, 0.07)
CALM, BAD = lately(interval(0.0, 0.2, 3)), lately(interval(-0.5, 0.01, 3))
BASE = Situation(
    now=100 * DAY,
    local="1970-04-11T00:00",
    champion="v1",
    since=70 * DAY,
    promise=interval(0.08, 0.12),
    realised=(FINE, CALM),
)


def of(**changes: Any) -> Situation:
    return dataclasses.replace(BASE, **changes)


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


LIMITS = dict.fromkeys("abc", 0.2)
DRIFTED = tuple(
    DriftWindow("psi", 1, f"d{n}", {"a": value, "b": 0.1, "c": None}, LIMITS) for n, value in enumerate((0.1, 0.3, 0.5))
)


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


def test_volume_counts_rows_as_of_each_matured_day() -> None:
    seen = of(labelled=(40, 90, 120))
    assert hs.Volume(rows=120).judge(seen).name == RETRAIN
    assert hs.Volume(rows=121).judge(seen).text == "120 labelled rows since the last retraining < 121"
    assert hs.Sustained(hs.Volume(rows=90), 2).judge(seen).name == RETRAIN
    assert hs.Sustained(hs.Volume(rows=90), 3).judge(seen).name == HOLD
    assert hs.Volume(rows=1).judge(BASE).name == HOLD


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


PRICED = Outlook("EUR", lost=(9.0, 11.0), bearable=10.0, interval=33.0, each=80.0)


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


ALARM = of(realised=(FINE, BAD), since=99 * DAY, local="1970-04-11T23:00", trainings=2)
NEED = of(realised=(LOST, CALM), local="1970-04-11T23:00", trainings=2)


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


def asked(at: int, *, answer: Answer | None = None) -> Question:
    return Question("demo/propose/v2", "train v2", at * DAY, ("because",), answer)


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


numbers = st.floats(-1, 1)
leaves = st.one_of(
    st.builds(lambda d: hs.Schedule(at_latest=f"{d}d"), st.integers(40, 90)),
    st.builds(hs.Volume, rows=st.integers(1, 10**6)),
    st.builds(
        hs.Drift, features=st.integers(1, 9), signal=st.sampled_from(["psi", "ks"]), span=st.sampled_from([1, 7])
    ),
    st.builds(hs.Realised, tolerance=numbers, trail=st.integers(3, 30), confidence=st.floats(0.5, 0.99)),
    st.builds(hs.Estimated, tolerance=numbers),
    st.builds(hs.Emergency, below=numbers, trail=st.integers(3, 9)),
    st.builds(hs.Economic, margin=st.floats(0.1, 3)),
)


def _combined(parts: st.SearchStrategy[Policy]) -> st.SearchStrategy[Policy]:
    pairs, counts = st.tuples(parts, parts), st.integers(1, 3)
    return st.one_of(
        pairs.map(lambda found: _made(operator.or_, *found)),
        pairs.map(lambda found: _made(operator.and_, *found)),
        st.lists(parts, min_size=3, max_size=4).map(lambda found: _made(hs.at_least, 2, *found)),
        st.builds(lambda part, count, more: hs.Sustained(part, count, of=count + more), parts, counts, counts),
    ).filter(lambda found: found is not None)


def _made(combine: Any, *parts: Any) -> Any:
    """The combination; None where these contradict one another."""
    try:
        return combine(*parts)
    except InvalidInput:
        return None


policies = st.recursive(leaves, _combined, max_leaves=6)


@settings(max_examples=examples(40))
@given(policies)
def test_a_policy_is_the_same_after_json_and_so_is_its_version(policy: Policy) -> None:
    again = Policy.from_json(json.loads(json.dumps(policy.to_json())))
    assert again == policy
    assert again.version == policy.version
    assert again.needs() == policy.needs()


def test_every_kind_can_be_read_and_has_a_name_of_its_own() -> None:
    found = set(_below(Policy)) - {Said}
    assert {kind.kind for kind in found} == set(KINDS)


def _below(kind: type[Policy]) -> list[type[Policy]]:
    live = [one for one in kind.__subclasses__() if dataclasses.is_dataclass(one)]
    return [one for one in {one.__qualname__: one for one in live}.values()]


def test_every_difference_makes_another_version() -> None:
    made = [
        DEFAULT,
        hs.Retrain(cool_down="13d"),
        hs.Retrain(quiet="22:00-06:00"),
        hs.Retrain(ask="always"),
        hs.Retrain(patience="6d"),
        hs.Retrain(budget=hs.Budget(trainings=1)),
        hs.Retrain(when=hs.Realised()),
        hs.Retrain(when=hs.Realised(trail=15)),
    ]
    assert len({one.version for one in made}) == len(made)
    assert all(hs.Retrain.from_json(json.loads(json.dumps(one.to_json()))) == one for one in made)
    assert hs.Retrain(min_rows=1, holdout="1d").version == DEFAULT.version


def test_the_same_number_written_otherwise_is_the_same_version() -> None:
    one = hs.Retrain(when=hs.Realised(tolerance=0), budget=hs.Budget(money=hs.Money(5, "EUR")))
    other = hs.Retrain(when=hs.Realised(tolerance=0.0), budget=hs.Budget(money=hs.Money(5.0, "EUR")))
    assert one == other
    assert one.version == other.version


FULL = of(
    drift=DRIFTED,
    labelled=(1, 2),
    estimated=(Look("d1", None),),
    outlook=PRICED,
    trainings=2,
    asked=asked(97, answer=Answer("me", "no", 98 * DAY, approved=False)),
)


@settings(max_examples=examples(40))
@given(policies, st.sampled_from([FULL, BASE, NEED, ALARM]))
def test_every_verdict_can_be_made_again_from_what_is_stored(policy: Policy, seen: Situation) -> None:
    told = explain_retrain(seen, hs.Retrain(when=policy, quiet="22:00-06:00", budget=hs.Budget(trainings=3)))
    kept = json.loads(json.dumps(told.evidence()))
    assert Situation.from_json(kept["situation"]) == seen
    again = replay(kept)
    assert again.equal
    assert (again.verdict, again.reasons) == (told.verdict.name, told.verdict.texts)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("situation", "since"), 99 * DAY, "verdict: 'HOLD' now, 'RETRAIN' then"),
        (("policy", "cool_down"), "40d", "policy version"),
        (("judged", "because"), [], "reasons"),
        (("judged", "because", 0, "observed"), 0.06, "reasons"),
        (("judged", "verdict"), "HOLD", "verdict"),
        (("policy_version",), "0" * 64, "policy version"),
    ],
)
def test_whatever_was_changed_shows_when_it_is_judged_again(path: tuple[Any, ...], value: Any, said: str) -> None:
    kept = json.loads(json.dumps(explain_retrain(of(realised=(LOST, CALM)), DEFAULT).evidence()))
    place = kept
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert any(one.startswith(said) for one in replay(kept).differences)


def test_other_words_are_no_difference_when_it_is_judged_again() -> None:
    kept = json.loads(json.dumps(explain_retrain(of(realised=(LOST, CALM)), DEFAULT).evidence()))
    kept["judged"]["reasons"] = ["as an older release put it"]
    assert replay(kept).equal


def test_what_holds_no_situation_cannot_be_judged_again() -> None:
    for kept in ({}, {"record": {}}, {"policy": {}, "policy_version": "", "judged": {}}):
        with pytest.raises(InvalidInput, match="holds no situation"):
            replay(kept)


@pytest.mark.parametrize(
    ("matured", "verdict"),
    [(Matured(1_999, 40), INCONCLUSIVE), (Matured(2_000, 4), INCONCLUSIVE), (Matured(2_000, 5), RETRAIN)],
)
def test_a_first_version_waits_for_rows_and_days_and_can_be_judged_again(matured: Matured, verdict: str) -> None:
    limits = First(2_000, 5)
    found = judge_first(matured, limits)
    assert found.name == verdict
    assert replay(json.loads(json.dumps(first_evidence(matured, limits, found)))).equal


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        (lambda: hs.Schedule(), "at_latest="),
        (lambda: hs.Schedule(at_latest="9d", not_before="3d"), "one of"),
        (lambda: hs.Schedule(at_latest="soon"), "Write a number"),
        (lambda: hs.Realised() | hs.Schedule(not_before="3d"), "cool_down"),
        (lambda: hs.Realised() & hs.Schedule(at_latest="30d"), "by |"),
        (lambda: hs.Retrain(when=hs.Schedule(not_before="3d")), "at_latest"),
        (lambda: hs.Retrain(cool_down="61d"), "shorter cool_down"),
        (lambda: hs.Retrain(cool_down="soon"), "Write a number"),
        (lambda: hs.Retrain(when="weekly"), "hs.Realised()"),  # type: ignore[arg-type]
        (lambda: hs.Retrain(ask="sometimes"), "never"),  # type: ignore[arg-type]
        (lambda: hs.Retrain(quiet="00:00-24:00"), "some hours"),
        (lambda: hs.Retrain(quiet="at night"), "03:00-05:00"),
        (lambda: hs.Retrain(budget=4), "hs.Budget"),  # type: ignore[arg-type]
        (lambda: hs.Budget(), "trainings=4"),
        (lambda: hs.Budget(trainings=0), "at least 1"),
        (lambda: hs.Budget(money=hs.Money(-1, "EUR")), "at least 0"),
        (lambda: hs.Budget(money=hs.Money(1, "euros")), "three letters"),
        (lambda: hs.Budget(money=500), "hs.Money"),  # type: ignore[arg-type]
        (lambda: hs.Sustained(hs.Drift(), 4, of=3), "at most of="),
        (lambda: hs.Sustained(hs.Drift(), 1), "once is the policy itself"),
        (lambda: hs.Sustained("drift", 2), "Give policies"),  # type: ignore[arg-type]
        (lambda: hs.at_least(2), "two different policies"),
        (lambda: hs.at_least(2, hs.Drift(), hs.Drift(), hs.Realised()), "two different policies"),
        (lambda: hs.at_least(3, hs.Drift(), hs.Realised()), "a & b"),
        (lambda: hs.at_least(1, hs.Drift(), hs.Realised(), hs.Estimated()), "a | b"),
        (lambda: hs.Drift() | "weekly", "Give policies"),  # type: ignore[operator]
        (lambda: hs.Drift(features=0), "at least 1"),
        (lambda: hs.Drift(signal="pssi"), "Did you mean 'psi'?"),
        (lambda: hs.Realised(trail=2), "at least 3"),
        (lambda: hs.Realised(tolerance=float("nan")), "number"),
        (lambda: hs.Realised(confidence=1), "below 1"),
        (lambda: hs.Emergency(trail=2), "at least 3"),
        (lambda: hs.Economic(margin=0), "above 0"),
        (lambda: hs.Volume(rows=0), "at least 1"),
    ],
)
def test_what_contradicts_itself_is_refused_when_it_is_made_and_says_the_mend(wrong: Any, mend: str) -> None:
    with pytest.raises(InvalidInput) as error:
        wrong()
    assert mend in error.value.mend


FILE = """
[policies.monthly]
kind = "schedule"
at_latest = "30d"

[policies.careful]
cool_down = "7d"
budget = {trainings = 4, money = {amount = 500, currency = "EUR"}}
when = {kind = "any", of = [{kind = "emergency"}, {kind = "sustained", windows = 2, of = 3, policy = {kind = "drift"}}]}
"""


def test_a_file_names_policies_in_toml_or_json_and_what_it_leaves_out_is_the_loops() -> None:
    base = hs.Retrain(cool_down="9d", holdout="5d")
    found = policies_of(FILE, base)
    assert found["monthly"] == dataclasses.replace(base, when=hs.Schedule(at_latest="30d"))
    assert found["careful"] == hs.Retrain(
        when=hs.Emergency() | hs.Sustained(hs.Drift(), 2, of=3),
        cool_down="7d",
        budget=hs.Budget(4, hs.Money(500, "EUR")),
        holdout="5d",
    )
    forms = {name: one.to_json() for name, one in found.items()}
    assert policies_of(json.dumps({"policies": forms}), base) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no policies"),
        ('{"policies": []}', "holds no policies"),
        ("{", "neither JSON nor TOML"),
        ('{"policies": {"a": {"kind": "shedule"}}}', "Policy 'a'.*shedule"),
        ('{"policies": {"a": {"at_latest": "30d"}}}', "Policy 'a'.*no policy"),
        ('{"policies": {"a": {"kind": "schedule", "at_last": "30d"}}}', "Did you mean 'at_latest'"),
        ('{"policies": {"a": {"kind": "volume"}}}', "rows is missing"),
        ('{"policies": {"a": {"kind": "volume", "rows": "many"}}}', "rows='many'"),
        ('{"policies": {"a": {"kind": "any", "of": {"kind": "drift"}}}}', "is no list"),
        ('{"policies": {"a": {"kind": "any", "of": []}}}', "two different policies"),
        ('{"policies": {"a": {"when": {"kind": "drift"}, "cooldown": "7d"}}}', "Did you mean 'cool_down'"),
        ('{"policies": {"a": {"when": {"kind": "drift"}, "budget": 4}}}', "is no budget"),
        ('{"policies": {"a": {"when": {"kind": "drift"}, "budget": {"money": 4}}}}', "is no money"),
        ('{"policies": {"a": {"kind": "schedule", "at_latest": "7d"}}}', "cool-down of 14d"),
        ('{"policies": {"a": {"kind": "schedule", "at_latest": 7}}}', "not a duration"),
        ('{"policies": {"a": 7}}', "no policy"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        policies_of(text, DEFAULT)


def test_what_is_no_situation_is_refused() -> None:
    for form in ({}, {**BASE.to_json(), "now": "today"}):
        with pytest.raises(InvalidInput, match="no situation"):
            Situation.from_json(form)


def test_every_policy_tells_what_it_needs_and_sees_nothing_else() -> None:
    policy = hs.Sustained(hs.Sustained(hs.Realised(trail=5), 2) | hs.Drift(signal="ks"), 3, of=4) | hs.Volume(rows=9)
    needs = policy.needs()
    assert needs == Needs({(5, 0.9): 5}, {("ks", 1): 4}, labelled=1)
    assert policy_of({"kind": "economic"}).needs().outlook == 1
    assert hs.Retrain(budget=hs.Budget(money=hs.Money(1, "EUR"))).needs.outlook == 1
