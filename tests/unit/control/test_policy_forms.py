"""Policies as values: the same once stored, judged again from it, refused where they contradict."""

from __future__ import annotations

import dataclasses
import json
import operator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.policies.base import Needs, Policy
from homeostat.control.policies.first import First, Matured, first_evidence, judge_first
from homeostat.control.policies.forms import KINDS, policies_of, policy_of
from homeostat.control.policies.judging import explain_retrain
from homeostat.control.policies.replay import replay
from homeostat.control.policies.situation import Look, Situation
from homeostat.control.state import Answer
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import INCONCLUSIVE, RETRAIN
from tests.harness.examples import examples
from tests.unit.control.situations import ALARM, BASE, CALM, DAY, DEFAULT, DRIFTED, LOST, NEED, PRICED, asked, of

numbers = st.floats(-1, 1)
leaves = st.one_of(
    st.builds(lambda d: hs.Schedule(at_latest=f"{d}d"), st.integers(40, 90)),
    st.builds(hs.Volume, rows=st.integers(1, 10**6)),
    st.builds(hs.Growth, share=st.floats(0.01, 9)),
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
    found = {kind for kind in _below(Policy) if kind.__module__.startswith("homeostat.")}
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
        (lambda: hs.Growth(0), "above 0"),
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
