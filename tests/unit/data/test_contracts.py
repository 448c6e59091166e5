"""A contract keeps good rows exactly, and says of a bad one everything that is wrong."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.checks import MAX_TEXT
from homeostat.data.contracts import Column, boolean, compile_contract, instant, integer, number, text
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput

CONTRACT = {
    "carrier": text(categories=["AA", "UA"]),
    "plane": text(nullable=True),
    "delay": number(-60, 600),
    "hour": integer(0, 23),
    "late": boolean(nullable=True),
    "at": instant(),
}
GOOD = {
    "carrier": "UA",
    "plane": "N1",
    "delay": 3,
    "hour": 5.0,
    "late": True,
    "at": "1970-01-01T01:00:00+01:00",
}
check = compile_contract(CONTRACT)


def reasons(**changes):
    return [item.reason for item in check([{**GOOD, **changes}]).breaks]


def test_a_good_row_comes_back_parsed():
    [row] = check([GOOD]).rows
    assert row == {"carrier": "UA", "plane": "N1", "delay": 3.0, "hour": 5, "late": True, "at": 0}
    assert [type(value) for value in row.values()] == [str, str, float, int, bool, int]


def test_a_missing_key_of_a_nullable_column_reads_as_null():
    row = {name: value for name, value in GOOD.items() if name not in ("plane", "late")}
    assert check([row]).rows == [{**check([GOOD]).rows[0], "plane": None, "late": None}]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("carrier", None, "null_not_allowed"),
        ("carrier", "XX", "not_a_category"),
        ("carrier", 7, "wrong_type"),
        ("carrier", ["AA"], "wrong_type"),
        ("plane", "x" * (MAX_TEXT + 1), "too_long"),
        ("plane", "\ud800", "wrong_type"),
        ("delay", True, "wrong_type"),
        ("delay", "3", "wrong_type"),
        ("delay", math.nan, "not_finite"),
        ("delay", math.inf, "not_finite"),
        ("delay", 10**400, "not_finite"),
        ("delay", -60.5, "below_minimum"),
        ("delay", 601, "above_maximum"),
        ("hour", 5.5, "wrong_type"),
        ("hour", True, "wrong_type"),
        ("hour", -1, "below_minimum"),
        ("hour", 24, "above_maximum"),
        ("hour", 2**200, "above_maximum"),
        ("hour", math.nan, "wrong_type"),
        ("late", 1, "wrong_type"),
        ("late", "true", "wrong_type"),
        ("at", 0, "wrong_type"),
        ("at", "yesterday", "wrong_type"),
        ("at", "2013-02-30T00:00:00Z", "wrong_type"),
        ("at", "2013-02-01T05:00:00", "no_offset"),
        ("at", "2013-02-01", "no_offset"),
        ("at", "9999-12-31T23:59:59-14:00", "no_such_year"),
        ("at", "0001-01-01T00:00:00+14:00", "no_such_year"),
    ],
)
def test_a_bad_value_breaks_its_row_with_a_stable_reason_and_a_mend(column, value, reason):
    [found] = check([{**GOOD, column: value}]).breaks
    assert (found.row, found.column, found.reason) == (0, column, reason)
    assert repr(column) in found.problem
    assert found.mend.endswith(".")
    assert len(found.problem) < 200


def test_bounds_are_inclusive():
    assert reasons(delay=-60) == reasons(delay=600) == reasons(hour=0) == reasons(hour=23) == []


def test_an_integer_without_bounds_must_fit_64_bits():
    whole = compile_contract({"n": integer()})
    assert whole([{"n": 2**63 - 1}, {"n": -(2**63)}]).breaks == []
    assert [item.reason for item in whole([{"n": 2**63}, {"n": -(2**63) - 1}]).breaks] == [
        "above_maximum",
        "below_minimum",
    ]


def test_minus_zero_is_zero_so_that_equal_facts_are_equal():
    assert math.copysign(1, compile_contract({"x": number()})([{"x": -0.0}]).rows[0]["x"]) == 1


def test_a_missing_column_is_told_from_a_null():
    row = {name: value for name, value in GOOD.items() if name != "hour"}
    [found] = check([row]).breaks
    assert (found.column, found.reason) == ("hour", "missing_column")


def test_an_unknown_column_gets_the_nearest_name():
    [found] = check([{**GOOD, "carier": "UA"}]).breaks
    assert (found.column, found.reason) == ("carier", "unknown_column")
    assert "Did you mean 'carrier'?" in found.mend


def test_every_break_of_a_row_is_listed():
    assert set(reasons(carrier=None, hour=99, extra=1)) == {
        "null_not_allowed",
        "above_maximum",
        "unknown_column",
    }


@pytest.mark.parametrize("row", [None, 7, "x", [GOOD], True])
def test_a_row_that_is_no_object_breaks(row):
    [found] = check([row]).breaks
    assert (found.column, found.reason) == (None, "not_an_object")


def test_good_rows_are_kept_beside_bad_ones_with_their_places():
    checked = check([GOOD, None, {**GOOD, "hour": 99}, {**GOOD, "hour": 6}])
    assert checked.kept == [0, 3]
    assert [row["hour"] for row in checked.rows] == [5, 6]
    assert [item.row for item in checked.breaks] == [1, 2]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(st.lists(values | st.dictionaries(st.sampled_from([*CONTRACT, "other"]), values), max_size=5))
def test_every_row_is_either_kept_or_broken_whatever_is_sent(rows):
    checked = check(rows)
    assert sorted({*checked.kept, *(item.row for item in checked.breaks)}) == list(range(len(rows)))
    assert not {item.row for item in checked.breaks} & set(checked.kept)
    for row in checked.rows:
        assert list(row) == list(CONTRACT)


@given(st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000))
def test_an_instant_survives_the_door_to_the_microsecond(at):
    sent = json.loads(json.dumps({**GOOD, "at": format_instant(at)}))
    assert check([sent]).rows[0]["at"] == at


@pytest.mark.parametrize(
    "make",
    [
        lambda: number(2, 1),
        lambda: number(math.nan),
        lambda: text(categories=[]),
        lambda: Column("number", categories=("a",)),
        lambda: Column("text", low=1),
    ],
)
def test_a_promise_that_contradicts_itself_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


def test_of_very_many_unknown_columns_the_first_are_named_and_the_rest_counted():
    found = check([{**GOOD, **{f"c{n}": 1 for n in range(100_000)}}]).breaks
    assert [item.column for item in found[:2]] == ["c0", "c1"]
    assert (len(found), found[-1].column, found[-1].reason) == (21, None, "unknown_column")
    assert found[-1].problem == "99980 more columns are not known here."
    assert "carrier" in found[-1].mend


def test_hints_are_for_the_first_breaks_and_names_of_a_sensible_length():
    rows = [{**GOOD, "carier": "UA"} for _ in range(3_000)]
    hinted = [item for item in check(rows).breaks if "Did you mean" in item.mend]
    assert len(hinted) == 1_000
    (long,) = check([{**GOOD, "carrier" * 100_000: 1}]).breaks
    assert (len(long.column), "Did you mean" in long.mend) == (100, False)
