"""No change of an output breaks somebody who is registered; whatever does is refused with everyone's name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.contracts import Column, boolean, number, text
from homeostat.governance.consumers import Consumer, refuse_breaking
from homeostat.governance.outputs import REPLY, OutputContract, breaking_changes, output_contract
from homeostat.kernel.errors import InvalidInput, Refused

BEFORE = OutputContract(dict(REPLY), "delay > 15 in arrivals", 0.5)
ALL = tuple(REPLY)


def with_column(name: str, column: Column | None) -> OutputContract:
    columns = {other: kept for other, kept in BEFORE.columns.items() if other != name}
    return dataclasses.replace(BEFORE, columns=columns if column is None else {**columns, name: column})


def consumer(name: str = "board", *needs: str, loop: str = "late") -> Consumer:
    return Consumer(loop, name, f"{name}@ops", needs or ALL, BEFORE, 5)


@pytest.mark.parametrize(
    ("after", "code", "said"),
    [
        (with_column("probability", None), "dropped", "column 'probability' would be gone"),
        (with_column("probability", text()), "other_kind", "the kind of 'probability' was number and would be text"),
        (with_column("probability", number(0, 0.9)), "other_range", "was 0 to 1 and would be 0 to 0.9"),
        (with_column("probability", number(0, 100)), "other_range", "was 0 to 1 and would be 0 to 100"),
        (with_column("probability", number()), "other_range", "was 0 to 1 and would be any to any"),
        (with_column("prediction", boolean(nullable=True)), "may_be_null", "was False and would be True"),
        (with_column("arm", text(categories=["champion"])), "other_categories", "would be ['champion']"),
        (dataclasses.replace(BEFORE, meaning="delay > 30"), "other_meaning", "would mean 'delay > 30'"),
        (dataclasses.replace(BEFORE, threshold=0.3), "other_threshold", "true from 0.5 on and would be from 0.3"),
    ],
)
def test_every_breaking_change_is_told_from_both_sides(after: OutputContract, code: str, said: str) -> None:
    found = breaking_changes(BEFORE, after, ALL)
    assert code in [reason.code for reason in found]
    assert any(said in reason.text for reason in found)


def test_a_renamed_column_is_recognised() -> None:
    columns = {name: column for name, column in BEFORE.columns.items() if name != "probability"}
    after = dataclasses.replace(BEFORE, columns={**columns, "score": number(0, 1)})
    (found,) = breaking_changes(BEFORE, after, ALL)
    assert found.text == "column 'probability' would be gone; renamed to 'score'?"


def test_what_nobody_needs_may_change() -> None:
    assert breaking_changes(BEFORE, with_column("probability", None), ("version", "prediction")) == []
    assert breaking_changes(BEFORE, dataclasses.replace(BEFORE, threshold=0.3), ("probability",)) == []
    assert breaking_changes(BEFORE, dataclasses.replace(BEFORE, meaning="other"), ("version",)) == []


def test_more_columns_and_fewer_nulls_break_nobody() -> None:
    assert breaking_changes(BEFORE, with_column("score", number()), ALL) == []
    loose = with_column("prediction", boolean(nullable=True))
    assert breaking_changes(loose, BEFORE, ALL) == []


COLUMNS = st.one_of(
    st.just(text()), st.just(boolean()), st.builds(number, st.sampled_from([None, 0, 0.2]), st.sampled_from([None, 1]))
)
CONTRACTS = st.builds(
    OutputContract,
    st.dictionaries(st.sampled_from("abc"), COLUMNS, min_size=1),
    st.sampled_from(["x", "y"]),
    st.sampled_from([0.5, 0.6]),
)


@given(CONTRACTS)
def test_a_contract_never_breaks_itself_and_survives_being_written(contract: OutputContract) -> None:
    assert OutputContract.from_json(contract.to_json()) == contract
    assert breaking_changes(contract, contract, tuple(contract.columns)) == []


@given(CONTRACTS, CONTRACTS, st.data())
def test_who_needs_less_is_never_broken_by_more(before: OutputContract, after: OutputContract, data: Any) -> None:
    needs = data.draw(st.sets(st.sampled_from(sorted(before.columns)), min_size=1))
    fewer = data.draw(st.sets(st.sampled_from(sorted(needs))))
    some = {reason.text for reason in breaking_changes(before, after, sorted(fewer))}
    assert some <= {reason.text for reason in breaking_changes(before, after, sorted(needs))}


def test_a_refusal_names_every_consumer_and_whom_to_ask() -> None:
    known = [consumer("board"), consumer("export", "probability"), consumer("audit", "version")]
    with pytest.raises(Refused) as refused:
        refuse_breaking(known, {"late": with_column("probability", None)})
    said = refused.value
    assert "2 consumers depend on outputs that would change" in said.problem
    assert "board of late (board@ops): column 'probability' would be gone" in said.problem
    assert "export of late (export@ops)" in said.problem
    assert "audit" not in said.problem
    assert "homeostat consumers remove late board" in said.mend
    assert [one["consumer"] for one in said.facts["consumers"]] == ["board", "export"]  # type: ignore[attr-defined]


def test_a_loop_that_is_gone_breaks_whoever_reads_it() -> None:
    with pytest.raises(Refused, match="the loop is no longer in the file"):
        refuse_breaking([consumer()], {})
    refuse_breaking([], {})
    refuse_breaking([consumer()], {"late": BEFORE})


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Board"},
        {"name": "unregistered"},
        {"contact": " "},
        {"contact": "a\nb"},
        {"needs": ("score",)},
        {"needs": ()},
    ],
)
def test_a_consumer_nobody_could_reach_or_serve_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        dataclasses.replace(consumer(), **wrong)


def test_by_default_a_loop_promises_all_that_a_reply_holds() -> None:
    assert output_contract("late", None, meaning="m", threshold=0.5).columns == REPLY
    some = output_contract("late", {"probability": number(0, 1)}, meaning="m", threshold=0.5)
    assert list(some.columns) == ["probability"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "promises no column"),
        ({"score": number()}, "which no prediction has"),
        ({"probability": text()}, "but it is number"),
        ({"probability": number(0, 0.9)}, "narrower than it is: 0 to 1"),
        ({"arm": text(categories=["champion"])}, "narrower than it is"),
        ({"version": text(categories=["v1"])}, "narrower than it is"),
    ],
)
def test_a_loop_may_not_promise_what_serving_does_not_keep(declared: dict[str, Column], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        output_contract("late", declared, meaning="m", threshold=0.5)
