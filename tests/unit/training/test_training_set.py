from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.data.tables import SEQUENCE
from homeostat.kernel.errors import NotFound
from homeostat.training.training_set import LabelledRows, Sources, labelled_rows, local_days
from tests.unit.training.toy import DAY, HOUR, asked, done, facts, history, loop, sources

Row = dict[str, Any]


def rows_of(found: Sources) -> LabelledRows:
    return labelled_rows(loop.question, loop.feature_set, loop.label, found)


def question(name: str, at: int, sequence: int, **more: Any) -> Row:
    return {"id": name, "at": at, "due": at + HOUR, "shop": "a", "size": 1.0, SEQUENCE: sequence, **more}


def outcome(name: str, at: int, sequence: int, delay: float | None = 20.0, shop: str = "a") -> Row:
    return {"id": name, "at": at, "shop": shop, "delay": delay, SEQUENCE: sequence}


def tables(questions: list[Row], outcomes: list[Row]) -> dict[str, pa.Table]:
    return {"asked": facts(asked, questions), "done": facts(done, outcomes)}


def test_a_row_has_its_label_and_features_as_known_when_asked() -> None:
    stored = tables([question("q", 5 * HOUR, 2)], [outcome("p", HOUR, 1, 30.0), outcome("q", 7 * HOUR, 3, 15.0)])
    found = rows_of(sources(stored))
    assert (found.label.tolist(), found.asked_at.tolist(), found.sequence.tolist()) == ([False], [5 * HOUR], [2])
    assert found.columns["shop"].tolist() == ["a"]
    assert found.columns["shop_delay_6h"].tolist() == [30.0]
    assert found.columns["shop_n_6h"].tolist() == [1.0]


def test_a_label_known_before_maturity_waits() -> None:
    stored = tables([question("q", 0, 1)], [outcome("q", HOUR, 2)])
    matures = HOUR + 24 * HOUR
    assert rows_of(sources(stored, as_of=matures - 1)).label.size == 0
    assert rows_of(sources(stored, as_of=matures)).label.tolist() == [True]


def test_a_label_accepted_after_the_pin_does_not_exist() -> None:
    stored = tables([question("q", 0, 1)], [outcome("q", HOUR, 9)])
    assert rows_of(sources(stored, sequence=8)).label.size == 0
    assert rows_of(sources(stored, sequence=9)).label.size == 1


def test_a_corrected_label_counts_as_last_accepted_by_the_pin() -> None:
    stored = tables([question("q", 0, 1)], [outcome("q", HOUR, 2, 99.0), outcome("q", HOUR, 5, 3.0)])
    assert rows_of(sources(stored, sequence=4)).label.tolist() == [True]
    assert rows_of(sources(stored)).label.tolist() == [False]


def test_a_corrected_question_counts_once_as_it_was_first_asked() -> None:
    stored = tables([question("q", 0, 1, size=1.0), question("q", 3, 4, size=2.0)], [outcome("q", 30 * HOUR, 2)])
    assert rows_of(sources(stored)).columns["size"].tolist() == [1.0]
    assert rows_of(sources(stored, sequence=3)).columns["size"].tolist() == [1.0]


def test_an_outcome_without_a_value_is_no_label() -> None:
    stored = tables([question("q", 0, 1)], [outcome("q", HOUR, 2, None)])
    assert rows_of(sources(stored)).label.size == 0


def test_no_row_is_left_where_nothing_is_labelled() -> None:
    stored = tables([question("q", 0, 1)], [])
    found = rows_of(sources(stored))
    assert found.label.size == 0
    assert list(found.rows(loop.feature_set).features.columns) == list(loop.feature_set.names)


def test_rows_come_in_the_order_asked() -> None:
    stored = tables(
        [question("b", 9, 1), question("a", 5, 2), question("c", 7, 3)],
        [outcome(name, HOUR, 4 + place) for place, name in enumerate("abc")],
    )
    assert rows_of(sources(stored)).asked_at.tolist() == [5, 7, 9]


def test_spans_take_their_start_and_leave_their_end() -> None:
    stored = tables(
        [question(name, at, at) for name, at in (("a", 1), ("b", 2), ("c", 3))],
        [outcome(name, HOUR, 9) for name in "abc"],
    )
    found = rows_of(sources(stored))
    assert found.asked(2).asked_at.tolist() == [2, 3]
    assert found.asked(None, 2).asked_at.tolist() == [1]
    assert found.asked(2, 3).asked_at.tolist() == [2]


def test_a_table_without_a_version_is_named() -> None:
    stored = tables([question("q", 0, 1)], [])
    found = sources(stored)
    with pytest.raises(NotFound, match="'done'"):
        rows_of(Sources(found.read, {"asked": 0}, found.sequence, found.as_of))


def test_a_model_sees_float32_and_texts_without_none() -> None:
    stored = tables([question("q", 0, 1, shop=None, size=0.1)], [outcome("q", HOUR, 2)])
    rows = rows_of(sources(stored)).rows(loop.feature_set)
    assert rows.features["size"].dtype == np.float32
    assert rows.features["shop"].tolist() == [""]
    assert rows.label.dtype == np.bool_


def test_later_facts_change_nothing_of_a_pin() -> None:
    stored = history(days=6, per_day=40)
    pinned = 300
    early = {name: table.filter(pa.compute.field(SEQUENCE) <= pinned) for name, table in stored.items()}
    before, after = rows_of(sources(early, sequence=pinned)), rows_of(sources(stored, sequence=pinned))
    assert before.label.tolist() == after.label.tolist()
    for name, values in before.columns.items():
        np.testing.assert_array_equal(values, after.columns[name])


STREAM = st.lists(
    st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 40), st.sampled_from([None, 10.0, 20.0])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60)
@given(STREAM, st.integers(0, 25), st.integers(0, 90))
def test_labels_match_a_reading_row_by_row(
    stream: list[tuple[bool, int, int, float | None]], pinned: int, as_of: int
) -> None:
    questions, outcomes = [], []
    for sequence, (asks, name, at, delay) in enumerate(stream):
        if asks:
            questions.append(question(f"q{name}", at * HOUR, sequence))
        else:
            outcomes.append(outcome(f"q{name}", at * HOUR, sequence, delay))
    found = rows_of(sources(tables(questions, outcomes), sequence=pinned, as_of=as_of * HOUR))
    assert sorted(zip(found.sequence.tolist(), found.label.tolist(), strict=True)) == expected(
        questions, outcomes, pinned, as_of * HOUR
    )


def expected(questions: list[Row], outcomes: list[Row], pinned: int, as_of: int) -> list[tuple[int, bool]]:
    known = {row["id"]: row for row in reversed(questions) if row[SEQUENCE] <= pinned}
    truth = {row["id"]: row["delay"] for row in outcomes if row[SEQUENCE] <= pinned}
    return sorted(
        (row[SEQUENCE], truth[name] > 15)
        for name, row in known.items()
        if row["due"] + 24 * HOUR <= as_of and truth.get(name) is not None
    )


@pytest.mark.parametrize(
    ("instant", "timezone", "day"),
    [
        (0, "UTC", 0),
        (DAY - 1, "UTC", 0),
        (-1, "UTC", -1),
        (4 * HOUR, "America/New_York", -1),
        (5 * HOUR, "America/New_York", 0),
    ],
)
def test_a_day_is_what_the_clock_on_the_wall_says(instant: int, timezone: str, day: int) -> None:
    assert local_days(np.array([instant]), timezone).tolist() == [day]
