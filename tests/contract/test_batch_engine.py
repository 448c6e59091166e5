"""Every engine that checks batches gives each row the verdict that the check of one request gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homeostat as hs
from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.data.batches import BatchChecked, BatchEngine
from homeostat.data.contracts import Column, compile_contract
from homeostat.data.rules import Rule
from homeostat.data.tables import Table
from homeostat.kernel.clock import format_instant
from tests.harness.examples import examples

TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}
PATTERNS = [r"[A-C]\d?", r"a|b+", r"(x{1,2}|y)*", r".", r"[^A]*", r"\w+\s\w"]
CONDITIONS = [
    "n <= i",
    "n / i > 1",
    "n - n / i < 2 or b",
    "not b and i != 3",
    "t == 'A' or n >= 0",
    "a <= z",
    "z - a <= 1.5",
    "0 < n + i <= 3",
    "(n - n) / (i - i) != 0",
    "-n * i < i",
    "t != u",
]
INTEGERS = st.sampled_from([0, 1, -1, 3, 5, 2**53 + 1, 2**63 - 1, -(2**63)])
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.5, 2.5, 1e300, -1e300, math.inf, -math.inf, math.nan])
TEXTS = st.sampled_from(["", "A", "B", "A1", "C9", "bbb", "xxyx", "É", "a b", "\n", "long" * 3])
INSTANTS = st.integers(0, 3_000_000)
HARD = st.sampled_from(["reject", "quarantine"])
VERDICTS = st.sampled_from(["reject", "quarantine", "warn"])


@pytest.fixture(params=[PolarsBatches])
def engine(request: pytest.FixtureRequest) -> BatchEngine:
    made: BatchEngine = request.param()
    return made


def table(contract: dict[str, Column], rules: list[Rule] | None = None) -> Table:
    own = {"key": hs.text(), "at": hs.instant()}
    return Table("seen", key="key", event_time="at", contract={**own, **contract}, rules=rules or [])


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Column]:
    nullable = st.booleans()
    bounds = st.tuples(st.none() | st.integers(-2, 1), st.none() | st.integers(1, 4) | st.just(2**53))
    texts: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {"categories": ["A", "B", "bbb"]},
                {"categories": ["A", "a b"], "open": True, "matches": PATTERNS[5]},
                *({"matches": pattern} for pattern in PATTERNS),
            ]
        )
    )
    low, high = draw(bounds)
    bounded = VERDICTS if (low, high) != (None, None) else HARD
    return {
        "t": hs.text(**texts, nullable=draw(nullable), verdict=draw(VERDICTS if texts else HARD)),
        "u": hs.text(nullable=draw(nullable)),
        "n": hs.number(low, high, nullable=draw(nullable), verdict=draw(bounded)),
        "i": hs.integer(low, high, nullable=draw(nullable), verdict=draw(bounded)),
        "b": hs.boolean(nullable=draw(nullable), verdict=draw(HARD)),
        "a": hs.instant(nullable=draw(nullable)),
        "z": hs.instant(nullable=True),
    }


@st.composite
def contracts(draw: st.DrawFn) -> Table:
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=4, unique=True))
    keys = draw(st.lists(st.sampled_from([("t",), ("n", "i"), ("b", "a"), ("i",)]), max_size=2, unique=True))
    rules: list[Rule] = [hs.rule(text, verdict=draw(VERDICTS)) for text in conditions]
    rules += [hs.unique(*names, verdict=draw(VERDICTS)) for names in keys]
    return table(draw(columns()), rules)


def row(place: int, **values: Any) -> dict[str, Any]:
    return {"key": f"k{place}", "at": 0, **values}


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "t": st.none() | TEXTS,
            "u": st.none() | TEXTS,
            "n": st.none() | NUMBERS,
            "i": st.none() | INTEGERS,
            "b": st.none() | st.booleans(),
            "a": st.none() | INSTANTS,
            "z": st.none() | INSTANTS,
        }
    ),
    max_size=12,
)
Verdicts = set[tuple[int, str | None, str, str]]


def stored(declared: Table, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema({name: TYPES[column.kind] for name, column in declared.contract.items()})
    return pa.Table.from_pylist(rows, schema=schema)


def sent(declared: Table, rows: list[dict[str, Any]]) -> list[object]:
    """As a request brings them: instants as texts."""
    times = [name for name, column in declared.contract.items() if column.kind == "instant"]
    return [{k: format_instant(v) if k in times and v is not None else v for k, v in row.items()} for row in rows]


def told(checked: BatchChecked) -> Verdicts:
    return {
        (int(place), one.promise.column, one.promise.reason, one.promise.verdict)
        for one in checked.found
        for place in one.rows
    }


@settings(max_examples=examples(60))
@given(declared=contracts(), drawn=ROWS)
def test_every_row_gets_the_verdict_of_the_check_of_one_request(declared: Table, drawn: list[dict[str, Any]]) -> None:
    rows = [row(place, **values) for place, values in enumerate(drawn)]
    request = compile_contract(declared.contract, declared.rules)(sent(declared, rows))
    batch = PolarsBatches().check(declared, stored(declared, rows))
    hard = {(one.row, one.column, one.reason, one.verdict) for one in request.breaks}
    warned = {(one.row, one.column, one.reason, one.verdict) for one in request.warnings}
    assert {one for one in told(batch) if one[3] != "warn"} == hard
    assert {one for one in told(batch) if one[3] == "warn" and one[0] in request.kept} == warned
    assert np.flatnonzero(batch.kept).tolist() == request.kept
    assert batch.typed().filter(pa.array(batch.kept)).to_pylist() == stored(declared, request.rows).to_pylist()


def both(promise: str) -> list[str]:
    return [f"0 {promise}", f"1 {promise}"]


WRONG_AND_NULL = ["0 x: wrong_type", "1 x: null_not_allowed"]
TOO_LARGE = ["0 x: above_maximum", "1 x: below_minimum"]
FORMS = {
    "whole numbers as a number": ({"x": hs.number()}, {"x": pa.array([1, 2])}, []),
    "decimals as a number": ({"x": hs.number()}, {"x": pa.array([1, 2], pa.decimal128(5, 2))}, []),
    "a truth as a number": (
        {"x": hs.number()},
        {"x": pa.array([True, None])},
        WRONG_AND_NULL,
    ),
    "whole floats as integers": ({"x": hs.integer()}, {"x": pa.array([3.0, 3.5])}, ["1 x: wrong_type"]),
    "too large for 64 bits": ({"x": hs.integer()}, {"x": pa.array([1, 2**63], pa.uint64())}, ["1 x: above_maximum"]),
    "too large a float": (
        {"x": hs.integer()},
        {"x": pa.array([1e300, -1e300])},
        TOO_LARGE,
    ),
    "small integers": ({"x": hs.integer(0, 9)}, {"x": pa.array([1, 10], pa.int8())}, ["1 x: above_maximum"]),
    "a text as a number": ({"x": hs.number()}, {"x": pa.array(["1", "2"])}, both("x: wrong_type")),
    "a dictionary of texts": ({"x": hs.text()}, {"x": pa.array(["a", "b"]).dictionary_encode()}, []),
    "a large text": ({"x": hs.text(nullable=True)}, {"x": pa.array(["a" * 65_537, None])}, ["0 x: too_long"]),
    "a time without zone": (
        {"x": hs.instant()},
        {"x": pa.array([0, 1], pa.timestamp("us"))},
        both("x: no_offset"),
    ),
    "another zone and unit": ({"x": hs.instant()}, {"x": pa.array([0, 1], pa.timestamp("ns", tz="Asia/Tokyo"))}, []),
    "times as texts": (
        {"x": hs.instant(nullable=True)},
        {"x": pa.array(["2013-01-01T00:00:00Z", "2013-01-01T00:00:00"])},
        ["1 x: no_offset"],
    ),
    "no times as texts": (
        {"x": hs.instant()},
        {"x": pa.array(["soon", None])},
        WRONG_AND_NULL,
    ),
    "a column of nulls": ({"x": hs.number(nullable=True)}, {"x": pa.nulls(2)}, []),
    "no such column": ({"x": hs.number()}, {}, both("x: missing_column")),
    "no such column, which may be null": ({"x": hs.number(nullable=True)}, {}, []),
    "one column too many": ({}, {"y": pa.array([1, None])}, both("y: unknown_column")),
}


@pytest.mark.parametrize("name", FORMS)
def test_values_are_read_from_any_type_that_holds_them(engine: BatchEngine, name: str) -> None:
    contract, given_columns, said = FORMS[name]
    rows = pa.table({"key": ["a", "b"], "at": pa.array([0, 0], TYPES["instant"]), **given_columns})
    found = engine.check(table(contract), rows)
    assert sorted(f"{place} {one.promise.name}" for one in found.found for place in one.rows) == said
    assert found.kept.sum() == 2 - len(said)
    typed = found.typed()
    assert {field.name: field.type for field in typed.schema if "string" not in str(field.type)} == {
        one: TYPES[column.kind] for one, column in table(contract).contract.items() if column.kind != "text"
    }


def batch(**columns: Any) -> pa.Table:
    size = len(next(iter(columns.values())))
    keys = [f"k{place}" for place in range(size)]
    return pa.table({"key": keys, "at": pa.array([0] * size, TYPES["instant"]), **columns})


def test_figures_of_a_batch_are_of_the_rows_that_keep_the_contract(engine: BatchEngine) -> None:
    rules = [
        hs.batch_mean("n", 0, 4),
        hs.batch_missing("n", at_most=0.3),
        hs.batch_rows(at_least=4, verdict="warn"),
    ]
    rows = batch(n=pa.array([1.0, 9.0, None, 1e6, 5.0]))
    found = engine.check(table({"n": hs.number(0, 100, nullable=True)}, rules), rows)
    assert [(one.value, one.broken) for one in found.figures] == [(5.0, True), (0.25, False), (4.0, False)]
    assert found.refusals == ["mean of n is 5, above 4"]
    assert found.told == ["1 of 5 rows break 'n: above_maximum' (quarantine)"]


def test_a_figure_of_nothing_is_unknown_and_refuses_nothing(engine: BatchEngine) -> None:
    rules = [hs.batch_mean("n", 0, 4), hs.batch_missing("n", at_most=0.5), hs.batch_rows(at_least=1)]
    found = engine.check(table({"n": hs.number(nullable=True)}, rules), batch(n=pa.array([], pa.float64())))
    assert [one.broken for one in found.figures] == [None, None, True]
    assert found.refusals == ["row count is 0, below 1"]
    assert found.told[0] == "mean of n is unknown; promised: at least 0 and at most 4"


def test_a_promise_that_rejects_refuses_the_batch_and_names_its_first_row(engine: BatchEngine) -> None:
    rows = batch(n=pa.array([1.0, -1.0, -2.0]))
    found = engine.check(table({"n": hs.number(0, verdict="reject")}), rows)
    assert found.refusals == ["2 of 3 rows break 'n: below_minimum' (first: row 1)"]
