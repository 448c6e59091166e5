"""A label's condition is read safely, evaluated exactly, and unknown where its columns are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.labels import Label
from homeostat.data.tables import Table
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput

LANDED = Table(
    "arrivals",
    key="flight_id",
    event_time="at",
    contract={
        "flight_id": text(),
        "at": instant(),
        "delay": number(nullable=True),
        "stops": integer(),
        "carrier": text(),
        "diverted": boolean(nullable=True),
    },
)
ASKED = Table(
    "departures",
    key="flight_id",
    event_time="asked_at",
    contract={"flight_id": text(), "asked_at": instant(), "due": instant(), "maybe": instant(nullable=True)},
)


def label(condition="delay > 15", matures="24h after due", table=LANDED):
    return Label(table, condition, matures)


COLUMNS = {
    "delay": np.array([20.0, 15.0, np.nan, -3.0]),
    "stops": np.array([1, 2, 3, 0]),
    "carrier": np.array(["UA", "AA", None, "UA"], dtype=object),
    "diverted": np.array([True, False, None, False], dtype=object),
}


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("delay > 15", [1, 0, np.nan, 0]),
        ("delay >= 15", [1, 1, np.nan, 0]),
        ("0 <= delay < 20", [0, 1, np.nan, 0]),
        ("not (delay > 15)", [0, 1, np.nan, 1]),
        ("-delay > 2", [0, 0, np.nan, 1]),
        ("delay + 2 * stops >= 19 and stops < 3", [1, 1, np.nan, 0]),
        ("delay / stops > 1e9", [0, 0, np.nan, 0]),
        ("stops * delay > 0 or carrier == 'UA'", [1, 1, np.nan, 1]),
        ("carrier != 'UA'", [0, 1, np.nan, 0]),
        ("diverted", [1, 0, np.nan, 0]),
        ("diverted == False", [0, 1, np.nan, 1]),
        ("stops - 1 > 0", [0, 1, 1, 0]),
        ("stops < 1 / 0", [1, 1, 1, 1]),
    ],
)
def test_a_condition_means_what_it_says_and_is_unknown_on_missing_values(condition, truth):
    np.testing.assert_array_equal(label(condition).truth(COLUMNS), np.array(truth, dtype=float))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(-100, 100))
def test_a_threshold_agrees_with_plain_python(delays, limit):
    held = label(f"delay > {limit}").truth({"delay": np.array(delays)})
    assert held.tolist() == [float(delay > limit) for delay in delays]


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("dely > 15", "Did you mean 'delay'?"),
        ("delay > '15'", "number with a text"),
        ("carrier > 'AA'", "not defined"),
        ("carrier and diverted", "'carrier' is a text where a truth is needed"),
        ("delay + carrier > 1", "'carrier' is a text where a number is needed"),
        ("at > 5", "the instant 'at'"),
        ("1 < 2", "reads no column"),
        ("delay >", "cannot be read"),
        ("", "cannot be read"),
        ("delay = 5", "cannot be read"),
        ("__import__('os').system('true')", "is not allowed"),
        ("delay.real > 1", "is not allowed"),
        ("delay ** 2 > 1", "is not allowed"),
        ("delay in (1, 2)", "is not allowed"),
        ("delay is None", "is not allowed"),
        ("(lambda: delay)() > 1", "is not allowed"),
        ("delay > 1j", "is not allowed"),
        ("delay > 1" + "0" * 400, "too large"),
        ("(" * 300, "cannot be read"),
    ],
)
def test_anything_else_is_refused_by_name(condition, says):
    with pytest.raises(InvalidInput, match=re.escape(says)):
        label(condition)


def test_only_the_columns_that_are_read_are_asked_for():
    assert label("delay > 15 and not diverted").columns == ("delay", "diverted")


def test_maturity_is_a_delay_after_a_column_of_the_question():
    made = label(matures="1h30m after due")
    assert (made.maturity_delay, made.maturity_column) == (duration("90m"), "due")
    made.check_question(ASKED)


@pytest.mark.parametrize("matures", ["24h", "after due", "soon after due", "24h after ", "24h before due"])
def test_a_maturity_that_cannot_be_read_is_refused(matures):
    with pytest.raises(InvalidInput):
        label(matures=matures)


@pytest.mark.parametrize("column", ["dew", "flight_id", "maybe"])
def test_maturity_must_count_from_an_instant_that_is_always_there(column):
    with pytest.raises(InvalidInput, match=f"Labels mature after '{column}'"):
        label(matures=f"24h after {column}").check_question(ASKED)


def test_a_label_that_cannot_be_joined_to_the_question_is_refused():
    other = Table("asked", key="id", event_time="due", contract={"id": text(), "due": instant()})
    with pytest.raises(InvalidInput, match="lacks the question's key column 'id'"):
        label().check_question(other)
    numbered = Table("asked", key="flight_id", event_time="due", contract={"flight_id": integer(), "due": instant()})
    with pytest.raises(InvalidInput, match="differs in kind"):
        label().check_question(numbered)


def test_a_posted_label_is_a_table_of_the_question_s_key_the_truth_and_its_time():
    found = Label.posted(matures="24h after due").of("late-arrival", ASKED)
    assert (found.table.name, found.table.keys, found.table.event_time) == ("late_arrival_labels", ("flight_id",), "at")
    assert list(found.table.contract) == ["flight_id", "label", "at"]
    assert found.is_posted
    assert found.truth({"label": np.array([True, False])}).tolist() == [1.0, 0.0]
    found.check_question(ASKED)


def test_a_label_cannot_be_posted_where_the_key_needs_its_names_or_the_table_s_name_is_too_long():
    keyed = Table("asked", key=("at", "shop"), event_time="at", contract={"at": instant(), "shop": text()})
    with pytest.raises(InvalidInput, match="has a column 'at'"):
        Label.posted(matures="1h after at").of("loop", keyed)
    with pytest.raises(InvalidInput, match="at most 56"):
        Label.posted(matures="24h after due").of("l" * 57, ASKED)
