"""A change of contract is breaking exactly where a reader could have relied on what is gone, and names who does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.data.contract_changes import Contract, Dependant, judge_contract_change
from homeostat.data.contracts import Column

OWN = {"key": hs.text(), "at": hs.instant(), "other": hs.instant()}


def contract(column: Column | None = None, *rules: Any, **changes: Any) -> Contract:
    columns = {**OWN, **({} if column is None else {"x": column})}
    declared = {"key": "key", "event_time": "at", "contract": columns, "rules": rules, **changes}
    return Contract.of(hs.Table("seen", **declared))


BREAKING = {
    "dropped": (hs.number(), None, "column 'x' is dropped"),
    "another kind": (hs.integer(), hs.text(), "becomes a text; it was a integer"),
    "a new bound": (hs.number(), hs.number(0), "has 0 as its least value; it was none"),
    "a higher low": (hs.number(0, 9), hs.number(1, 9), "has 1 as its least value"),
    "a lower high": (hs.number(0, 9), hs.number(0, 8), "has 8 as its greatest value"),
    "no null any more": (hs.number(nullable=True), hs.number(), "may no longer be null"),
    "a category less": (hs.text(categories=["a", "b"]), hs.text(categories=["a"]), "loses the categories b"),
    "categories at all": (hs.text(), hs.text(categories=["a"]), "now has categories"),
    "closed": (hs.text(categories=["a"], open=True), hs.text(categories=["a"]), "closes its categories"),
    "a pattern": (hs.text(), hs.text(matches="a+"), "must match 'a+'"),
    "another pattern": (hs.text(matches="a"), hs.text(matches="a+"), "must match 'a+'"),
    "a stricter verdict": (hs.number(0, 9, verdict="warn"), hs.number(0, 9), "verdict 'quarantine'; it was 'warn'"),
}
COMPATIBLE = {
    "added": (None, hs.number(), "column 'x' is added, which every new row must have"),
    "a lower low": (hs.number(0, 9), hs.number(-1, 9), "has -1 as its least value"),
    "no bound": (hs.number(0, 9), hs.number(0), "has none as its greatest value; it was 9"),
    "null allowed": (hs.number(), hs.number(nullable=True), "may now be null"),
    "a category more": (hs.text(categories=["a"]), hs.text(categories=["a", "b"]), "gains the categories b"),
    "opened": (hs.text(categories=["a"]), hs.text(categories=["a"], open=True), "opens its categories"),
    "free": (hs.text(categories=["a"]), hs.text(), "no longer has categories"),
    "no pattern": (hs.text(matches="a"), hs.text(), "need match nothing"),
    "a milder verdict": (hs.number(0, 9), hs.number(0, 9, verdict="warn"), "verdict 'warn'; it was 'quarantine'"),
}
READER = Dependant("loop v3 (champion): Window(seen, by='key')", frozenset({"x"}))


@pytest.mark.parametrize("name", BREAKING)
def test_what_narrows_is_breaking_and_names_who_reads_it(name: str) -> None:
    old, new, said = BREAKING[name]
    judged = judge_contract_change(contract(old), contract(new), [READER])
    assert judged.breaking
    [change] = judged.refused
    assert said in change.text
    assert change.dependants == (READER.name,)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_what_lets_more_in_is_compatible(name: str) -> None:
    old, new, said = COMPATIBLE[name]
    judged = judge_contract_change(contract(old), contract(new), [READER])
    assert not judged.breaking
    assert any(said in change.text for change in judged.changes)


def test_a_breaking_change_that_nothing_live_reads_may_come_into_force() -> None:
    elsewhere = Dependant("loop v3: seen['key']", frozenset({"key"}))
    judged = judge_contract_change(contract(hs.number()), contract(), [elsewhere])
    assert (judged.breaking, judged.refused) == (True, ())


def test_another_key_or_event_time_concerns_every_reader() -> None:
    for changes in ({"key": ("key", "at")}, {"event_time": "other"}):
        judged = judge_contract_change(contract(), contract(**changes), [READER])
        assert judged.refused[0].dependants == (READER.name,)


@pytest.mark.parametrize(
    ("before", "after", "breaking"),
    [
        ([], [hs.rule("x > 0", verdict="reject")], True),
        ([], [hs.rule("x > 0")], True),
        ([], [hs.rule("x > 0", verdict="warn")], False),
        ([hs.rule("x > 0")], [], False),
        ([hs.rule("x > 0")], [hs.rule("x > 0", verdict="warn")], False),
        ([hs.rule("x > 0", verdict="warn")], [hs.rule("x > 0")], True),
        ([hs.rule("x > 0", name="a")], [hs.rule("x > 1", name="a")], True),
        ([hs.batch_mean("x", 0, 9)], [hs.batch_mean("x", -1, 9)], False),
        ([hs.batch_mean("x", 0, 9)], [hs.batch_mean("x", 1, 9)], True),
        ([], [hs.unique("x")], True),
    ],
)
def test_rules_that_keep_more_out_are_breaking(before: Any, after: Any, breaking: bool) -> None:
    judged = judge_contract_change(contract(hs.number(), *before), contract(hs.number(), *after), [READER])
    assert (judged.breaking, bool(judged.refused)) == (breaking, breaking)


ANY_COLUMN = st.sampled_from([column for pair in (*BREAKING.values(), *COMPATIBLE.values()) for column in pair[:2]])


@given(ANY_COLUMN, ANY_COLUMN)
def test_a_contract_is_the_same_exactly_when_nothing_differs(a: Column | None, b: Column | None) -> None:
    before, after = contract(a), contract(b)
    assert judge_contract_change(before, after).same == (before.hash == after.hash)
    assert judge_contract_change(before, Contract.from_json(before.to_json())).same


@given(ANY_COLUMN, ANY_COLUMN)
def test_there_and_back_again_is_breaking_one_way_at_least(a: Column | None, b: Column | None) -> None:
    there, back = judge_contract_change(contract(a), contract(b)), judge_contract_change(contract(b), contract(a))
    assert there.same or there.breaking or back.breaking
