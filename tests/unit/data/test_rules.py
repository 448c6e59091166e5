"""Rules of a table: what each verdict means, what unknown means, and what a declaration may not say."""

from __future__ import annotations

from typing import Any

import pytest

import homeostat as hs
from homeostat.data.contracts import Column, compile_contract
from homeostat.data.rules import Rule, rule_from, rule_meaning
from homeostat.kernel.errors import InvalidInput

OWN = {"key": hs.text(), "at": hs.instant()}
FLOWN = {"departed": hs.instant(nullable=True), "arrived": hs.instant(nullable=True), "delay": hs.number(nullable=True)}
RULES = [
    hs.rule("arrived >= departed"),
    hs.rule("arrived - departed < 64800", verdict="warn", name="short_enough"),
    hs.rule("delay > -100 or not (delay < 0)", verdict="reject"),
]


def table(contract: dict[str, Column], rules: list[Any]) -> hs.Table:
    return hs.Table("flown", key="key", event_time="at", contract={**OWN, **contract}, rules=rules)


def row(key: str = "a", **values: Any) -> dict[str, Any]:
    return {"key": key, "at": "2013-01-01T00:00:00Z", **values}


def hours(number: int) -> str:
    return f"2013-01-{1 + number // 24:02}T{number % 24:02}:00:00Z"


def checked(rows: list[Any], rules: list[Rule], contract: dict[str, Column] = FLOWN) -> Any:
    return compile_contract({**OWN, **contract}, rules)(rows)


def test_a_broken_rule_keeps_its_row_apart_and_quotes_both_sides() -> None:
    found = checked([row(departed=hours(5), arrived=hours(4)), row()], RULES)
    assert found.kept == [1]
    [one] = found.breaks
    assert (one.row, one.column, one.reason, one.verdict) == (0, None, "rule:arrived >= departed", "quarantine")
    assert "does not hold: arrived is" in one.problem
    assert not found.rejected


def test_a_rule_that_warns_takes_the_row_and_tells() -> None:
    found = checked([row(departed=hours(0), arrived=hours(18))], RULES)
    assert found.kept == [0]
    assert [(one.promise, one.verdict) for one in found.warnings] == [("rule:short_enough", "warn")]


def test_a_rule_that_rejects_refuses_the_request() -> None:
    found = checked([row(delay=-200.0), row()], RULES)
    assert found.rejected
    assert found.kept == [1]


def test_unknown_keeps_a_rule() -> None:
    found = checked([row(arrived=hours(1)), row(delay=None)], RULES)
    assert (found.kept, found.breaks, found.warnings) == ([0, 1], [], [])


def test_of_equal_rows_the_first_is_taken_and_null_repeats_nothing() -> None:
    rows = [row("a", delay=1.0), row("b", delay=1.0), row("c"), row("d"), row("e", delay=2.0)]
    found = checked(rows, [hs.unique("delay")])
    assert found.kept == [0, 2, 3, 4]
    assert [(one.row, one.reason) for one in found.breaks] == [(1, "rule:unique delay")]


def test_a_row_that_is_kept_apart_anyway_repeats_nothing() -> None:
    rows = [row("a", delay=-200.0), row("b", delay=-200.0), row("c", delay=5)]
    rules = [hs.rule("delay > 0"), hs.unique("delay")]
    assert [one.reason for one in checked(rows, rules).breaks] == ["rule:delay > 0"] * 2


def test_an_open_category_warns_and_a_closed_one_does_not() -> None:
    known: dict[str, Column] = {"carrier": hs.text(categories=["AA", "UA"], open=True)}
    found = checked([row(carrier="XX")], [], known)
    assert [one.promise for one in found.warnings] == ["carrier: new_category"]
    assert found.rows[0]["carrier"] == "XX"
    closed = checked([row(carrier="XX")], [], {"carrier": hs.text(categories=["AA"])})
    assert [one.reason for one in closed.breaks] == ["not_a_category"]


@pytest.mark.parametrize(("verdict", "kept"), [("warn", [0]), ("quarantine", []), ("reject", [])])
def test_a_verdict_says_what_follows_a_value_out_of_its_bounds(verdict: Any, kept: list[int]) -> None:
    found = checked([row(n=11)], [], {"n": hs.integer(0, 10, verdict=verdict)})
    assert found.kept == kept
    assert [one.verdict for one in (*found.breaks, *found.warnings)] == [verdict]


def test_what_cannot_be_read_is_never_taken_in_with_a_warning() -> None:
    bounded: dict[str, Column] = {"n": hs.integer(0, 10, verdict="warn")}
    assert [one.verdict for one in checked([row(n="x"), row(n=None)], [], bounded).breaks] == ["quarantine"] * 2


def test_a_text_must_match_its_pattern_as_a_whole() -> None:
    tails: dict[str, Column] = {"tail": hs.text(matches=r"N\d{1,5}[A-Z]{0,2}")}
    found = checked([row(tail="N12AB"), row(tail="N12AB!"), row(tail="xN1")], [], tails)
    assert found.kept == [0]
    assert [one.reason for one in found.breaks] == ["no_match", "no_match"]


@pytest.mark.parametrize("one", [*RULES, hs.unique("key", "at"), hs.batch_mean("delay", -3, None, verdict="warn")])
def test_a_rule_survives_being_written_down(one: Rule) -> None:
    assert rule_from(rule_meaning(one)) == one


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: hs.rule("delay >"), "cannot be read"),
        (lambda: hs.rule("dely > 0"), "'dely'"),
        (lambda: hs.rule("arrived > delay"), "compares"),
        (lambda: hs.rule("arrived + departed > 3"), "instant where a number"),
        (lambda: hs.rule("open('x')"), "not allowed"),
        (lambda: hs.rule(""), "condition"),
        (lambda: hs.rule("delay > 0", verdict="stop"), "verdict is 'stop'"),  # type: ignore[arg-type]
        (lambda: hs.unique(), "names no columns"),
        (lambda: hs.unique("carier"), "'carier'"),
        (lambda: hs.batch_mean("key", 0, 1), "mean of a text"),
        (lambda: hs.batch_mean("delay"), "bounds nothing"),
        (lambda: hs.batch_mean("delay", 2, 1), "above"),
        (lambda: hs.batch_mean("delay", "x"), "is no bound"),  # type: ignore[arg-type]
        (lambda: hs.batch_missing("delay", at_most=20), "no share"),
        (lambda: hs.batch_rows(at_least=1, verdict="quarantine"), "batch_rows"),
        (lambda: "delay > 0", "among its rules"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_by_name(make: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        table(FLOWN, [make()])
    assert refused.value.mend


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="two rules named"):
        table(FLOWN, [hs.rule("delay > 0"), hs.rule("delay > 0", verdict="warn")])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: hs.number("0"), r"number\(\.\.\.\), low is '0', no number"),  # type: ignore[arg-type]
        (lambda: hs.integer(3, 2), r"integer\(\.\.\.\), low 3 is above high 2"),
        (lambda: hs.text(matches="("), "leaves a group open"),
        (lambda: hs.text(matches=7), "A pattern is a text"),  # type: ignore[arg-type]
        (lambda: hs.text(categories=["a", 1]), "category 1 is no text"),  # type: ignore[list-item]
        (lambda: hs.text(open=True), "nothing to open"),
        (lambda: hs.text(categories=["a"], matches="a"), "adds nothing"),
        (lambda: hs.text(nullable="yes"), "nullable is 'yes'"),  # type: ignore[arg-type]
        (lambda: hs.boolean(verdict="warn"), "nothing to warn of"),
        (lambda: Column("float"), "'float' is no kind"),  # type: ignore[arg-type]
    ],
)
def test_a_column_that_contradicts_itself_is_refused_by_name(make: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make()
