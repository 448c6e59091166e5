"""Every question is labelled, without a label, or maturing, as known at one instant and sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.data.contracts import instant, number, text
from homeostat.data.labels import Label
from homeostat.data.tables import Table
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.labels import LABELLED, MATURED_WITHOUT_LABEL, MATURING, JoinedLabels, join_labels

HOUR = duration("1h")
INSTANT = pa.timestamp("us", tz="UTC")
ARRIVALS = Table(
    "arrivals",
    key=("carrier", "flight"),
    event_time="arrived_at",
    contract={
        "carrier": text(),
        "flight": number(),
        "arrived_at": instant(),
        "arr_delay": number(nullable=True),
    },
)
LABEL = Label(ARRIVALS, "arr_delay > 15", matures="24h after scheduled_arrival")
FOREVER = 10**6


def _log(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of flight, due (scheduled arrival, hours), served (hours), id."""
    return pa.table(
        {
            "prediction_id": pa.array([str(row.get("id", at)) for at, row in enumerate(rows)]),
            "served_at": pa.array([row.get("served", 0) * HOUR for row in rows], INSTANT),
            "read_sequence": pa.array([row.get("read", 0) for row in rows], pa.int64()),
            "q_carrier": pa.array(["UA"] * len(rows), pa.string()),
            "q_flight": pa.array([float(row["flight"]) for row in rows], pa.float64()),
            "q_scheduled_arrival": pa.array([row.get("due", 2) * HOUR for row in rows], INSTANT),
        }
    )


def _facts(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of flight, delay, sequence, known (hours)."""
    return pa.table(
        {
            "carrier": pa.array([row.get("carrier", "UA") for row in rows], pa.large_string()),
            "flight": pa.array([float(row["flight"]) for row in rows], pa.float64()),
            "arr_delay": pa.array([row["delay"] for row in rows], pa.float64()),
            "_sequence": pa.array([row.get("sequence", at) for at, row in enumerate(rows)], pa.int64()),
            "_known_at": pa.array([row.get("known", 3) * HOUR for row in rows], INSTANT),
        }
    )


def _join(
    log: list[dict[str, Any]], facts: list[dict[str, Any]], *, now: int = 1000, upto: int = FOREVER
) -> JoinedLabels:
    return join_labels(_log(log), _facts(facts), LABEL, keys=ARRIVALS.keys, now=now * HOUR, sequence=upto)


def test_known_due_and_missing_truth_are_told_apart() -> None:
    log = [{"flight": 1}, {"flight": 2}, {"flight": 3}, {"flight": 4, "due": 990}]
    joined = _join(log, [{"flight": 2, "delay": 20.0}, {"flight": 1, "delay": 3.0}])
    assert joined.status.tolist() == [LABELLED, LABELLED, MATURED_WITHOUT_LABEL, MATURING]
    assert joined.labels.tolist() == [False, True]
    assert joined.labelled_rows.tolist() == [0, 1]
    assert joined.counts == {
        "predicted": 4, "labelled": 2, "matured_without_label": 1, "maturing": 1, "late": 0, "repeated": 0
    }  # fmt: skip


def test_truth_that_comes_early_waits_for_its_fellows() -> None:
    log, facts = [{"flight": 1, "due": 2}], [{"flight": 1, "delay": -5.0}]
    early, due = _join(log, facts, now=25), _join(log, facts, now=26)
    assert (early.status.tolist(), early.truth.tolist()) == ([MATURING], [0.0])
    assert (due.status.tolist(), due.labels.tolist()) == ([LABELLED], [False])


def test_truth_accepted_after_it_was_due_counts_and_is_counted() -> None:
    joined = _join(
        [{"flight": 1}, {"flight": 2}],
        [{"flight": 1, "delay": 30.0, "known": 27}, {"flight": 2, "delay": 1.0, "known": 26}],
    )
    assert joined.late.tolist() == [True, False]
    assert joined.counts["late"] == 1
    assert joined.labels.tolist() == [True, False]


def test_facts_after_the_sequence_do_not_exist_and_corrections_count_once_known() -> None:
    facts = [{"flight": 1, "delay": 30.0, "sequence": 7}, {"flight": 1, "delay": 0.0, "sequence": 9}]
    assert _join([{"flight": 1}], facts, upto=6).status.tolist() == [MATURED_WITHOUT_LABEL]
    assert _join([{"flight": 1}], facts, upto=7).labels.tolist() == [True]
    assert _join([{"flight": 1}], facts[::-1]).labels.tolist() == [False]


def test_the_first_answer_to_a_question_counts() -> None:
    log = [
        {"flight": 1, "served": 5, "id": "b"},
        {"flight": 1, "served": 4, "read": 2, "id": "c"},
        {"flight": 2, "id": "d"},
        {"flight": 1, "served": 4, "read": 2, "id": "a"},
        {"flight": 1, "served": 4, "read": 3, "id": "0"},
    ]
    joined = _join(log, [{"flight": 1, "delay": 20.0}])
    assert joined.rows.tolist() == [2, 3]
    assert joined.repeated == 3


def test_a_fact_that_does_not_tell_leaves_no_label() -> None:
    joined = _join([{"flight": 1}], [{"flight": 1, "delay": None, "known": 99}])
    assert joined.status.tolist() == [MATURED_WITHOUT_LABEL]
    assert joined.counts["late"] == 0


def test_keys_match_as_a_whole() -> None:
    joined = _join([{"flight": 1}], [{"flight": 1, "carrier": "DL", "delay": 20.0}, {"flight": 2, "delay": 20.0}])
    assert joined.status.tolist() == [MATURED_WITHOUT_LABEL]


def test_no_rows_join_to_nothing() -> None:
    assert _join([], []).rows.size == 0
    assert _join([], [{"flight": 1, "delay": 20.0}]).counts["predicted"] == 0
    assert _join([{"flight": 1}], []).status.tolist() == [MATURED_WITHOUT_LABEL]


ROWS = st.lists(
    st.fixed_dictionaries({"flight": st.integers(0, 4), "served": st.integers(0, 3), "due": st.integers(0, 40)}),
    max_size=12,
)
FACTS = st.lists(
    st.fixed_dictionaries(
        {
            "flight": st.integers(0, 5),
            "delay": st.sampled_from([None, 3.0, 15.0, 16.0]),
            "known": st.integers(0, 60),
        }
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(ROWS, FACTS, st.integers(0, 80), st.integers(0, 12))
def test_the_join_is_what_a_plain_walk_finds(
    log: list[dict[str, Any]], facts: list[dict[str, Any]], now: int, upto: int
) -> None:
    joined = _join(log, facts, now=now, upto=upto)
    first: dict[int, tuple[int, str, int]] = {}
    for at, row in enumerate(log):
        first[row["flight"]] = min(first.get(row["flight"], (10**9, "", at)), (row["served"], str(at), at))
    told = {fact["flight"]: fact for at, fact in enumerate(facts) if at <= upto}
    assert sorted(joined.rows) == sorted(at for _, _, at in first.values())
    for at, status, late in zip(joined.rows, joined.status, joined.late, strict=True):
        fact, due = told.get(log[at]["flight"]), log[at]["due"] + 24
        if due > now:
            assert (status, late) == (MATURING, False)
        elif fact is None or fact["delay"] is None:
            assert (status, late) == (MATURED_WITHOUT_LABEL, False)
        else:
            assert (status, late) == (LABELLED, fact["known"] > due)
    assert joined.labels.tolist() == [told[log[at]["flight"]]["delay"] > 15 for at in joined.labelled_rows.tolist()]


def test_a_column_that_was_not_read_or_holds_no_time_is_named() -> None:
    log, facts = _log([{"flight": 1}]), _facts([{"flight": 1, "delay": 2.0}])
    with pytest.raises(InvalidInput, match="q_scheduled_arrival"):
        join_labels(log.drop_columns("q_scheduled_arrival"), facts, LABEL, keys=ARRIVALS.keys, now=0, sequence=9)
    with pytest.raises(InvalidInput, match="arr_delay"):
        join_labels(log, facts.drop_columns("arr_delay"), LABEL, keys=ARRIVALS.keys, now=0, sequence=9)
    empty = pa.nulls(1, INSTANT)
    at = log.schema.get_field_index("q_scheduled_arrival")
    with pytest.raises(InvalidInput, match="nulls"):
        join_labels(
            log.set_column(at, "q_scheduled_arrival", empty),
            facts,
            LABEL,
            keys=ARRIVALS.keys,
            now=0,
            sequence=9,
        )


def test_fifty_thousand_questions_all_find_their_truth() -> None:
    rows = 50_000
    log = _log([{"flight": flight} for flight in range(rows)])
    facts = _facts([{"flight": flight, "delay": 20.0} for flight in reversed(range(rows))])
    joined = join_labels(log, facts, LABEL, keys=ARRIVALS.keys, now=1000 * HOUR, sequence=FOREVER)
    assert np.count_nonzero(joined.labels) == rows
