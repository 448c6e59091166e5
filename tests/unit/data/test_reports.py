"""What callers report of a prediction stands in the place of a draw; what cannot be is told, and taken for nothing."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.data.reported import with_reports
from homeostat.data.reports import Reports
from homeostat.data.shaped import Shaped
from homeostat.kernel.errors import InvalidInput
from tests.unit.app.test_hidden_columns import VISITS, loop_of

DECISIONS = hs.Table("decisions", key="visit", event_time="at", contract={
    "visit": hs.text(), "at": hs.instant(), "blocked": hs.boolean(nullable=True), "chance": hs.number(nullable=True)
})  # fmt: skip
BY_ID = hs.Table("by_id", key="prediction_id", event_time="at", contract={
    "prediction_id": hs.text(), "at": hs.instant(), "blocked": hs.boolean(), "flagged_with": hs.number()
})  # fmt: skip
DECLARED = hs.Feedback(acts="blocked", chance="chance", reported=DECISIONS)


def reports(declared: hs.Feedback = DECLARED) -> Reports:
    found = Reports.of(declared, VISITS)
    assert found is not None
    return found


def log(*visits: str, served: bool = True) -> pa.Table:
    """Answers as a loop serves them whose callers report, or as it served them before."""
    rows = len(visits)
    return pa.table({
        "prediction_id": pa.array([f"p-{one}" for one in visits], pa.string()),
        "q_visit": pa.array(visits, pa.string()), "acts": pa.array([None] * rows, pa.bool_()),
        "explored": pa.array([False] * rows, pa.bool_()),
        "propensity": pa.array([0.0 if served else 1.0] * rows, pa.float64()),
    })  # fmt: skip


def told(*facts: tuple[str, bool | None, float | None]) -> pa.Table:
    visits, blocked, chances = zip(*facts, strict=True) if facts else ((), (), ())
    return pa.table({
        "visit": pa.array(visits, pa.string()), "blocked": pa.array(blocked, pa.bool_()),
        "chance": pa.array(chances, pa.float64()), "_sequence": pa.array(range(len(facts)), pa.int64()),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("blocked", "chance", "found"),
    [
        (True, 0.1, (True, False, 0.1, "")),
        (True, 0.0, (True, False, 0.0, "")),
        (False, 0.1, (False, True, 0.1, "")),
        (False, 1.0, (False, False, 1.0, "")),
        (None, 0.1, (False, False, 1.0, "unreported")),
        (False, None, (False, False, 1.0, "no_chance")),
        (True, math.nan, (False, False, 1.0, "no_chance")),
        (True, 1.5, (False, False, 1.0, "no_chance")),
        (False, -0.1, (False, False, 1.0, "no_chance")),
        (True, 1.0, (False, False, 1.0, "acted_on_all_the_same")),
        (False, 0.0, (False, False, 1.0, "left_alone_without_a_chance")),
    ],
)
def test_a_report_is_a_draw_unless_it_cannot_be(
    blocked: bool | None, chance: float | None, found: tuple[bool, bool, float, str]
) -> None:
    joined = with_reports(log("a"), reports(), told(("a", blocked, chance)))
    shaped = Shaped.of(joined)
    acted, explored, propensity, wrong = found
    assert (bool(shaped.acted[0]), bool(shaped.explored[0]), float(shaped.propensity[0])) == (
        acted, explored, propensity
    )  # fmt: skip
    assert shaped.untold_by == ({wrong: 1} if wrong else {})
    stands_for = 0 if acted or wrong else round(1 / propensity)
    assert shaped.stands_for.tolist() == [stands_for]


def test_what_nobody_reported_is_unknown_where_reports_are_due_and_as_the_log_says_where_not() -> None:
    shaped = Shaped.of(with_reports(log("a", "b"), reports(), told(("b", False, 1.0))))
    assert shaped.untold.tolist() == [True, False]
    assert shaped.stands_for.tolist() == [0, 1]
    before = Shaped.of(with_reports(log("a", served=False), reports(), told()))
    assert (before.untold.tolist(), before.stands_for.tolist()) == ([False], [1])
    drawn = log("a", served=False).set_column(2, "acts", pa.array([True]))
    assert Shaped.of(with_reports(drawn, reports(), told())).acted.tolist() == [True]
    imported = Shaped.of(with_reports(log("a", served=False), reports(), told(("a", True, 0.5))))
    assert imported.acted.tolist() == [True]
    old = log("a").select(["prediction_id", "q_visit"])
    assert Shaped.of(with_reports(old, reports(), told())).stands_for.tolist() == [1]
    assert with_reports(log(), reports(), told()).num_rows == 0


def test_of_several_reports_the_one_accepted_last_counts() -> None:
    facts = told(("a", True, 0.5), ("b", False, 0.5), ("a", False, 0.25))
    assert Shaped.of(with_reports(log("a", "b"), reports(), facts)).stands_for.tolist() == [4, 2]
    upside_down = facts.take([2, 1, 0])
    assert Shaped.of(with_reports(log("a", "b"), reports(), upside_down)).stands_for.tolist() == [4, 2]


def test_reports_may_name_the_prediction_and_compute_the_chance() -> None:
    by_id = reports(hs.Feedback(acts="blocked", chance="1 - flagged_with", reported=BY_ID))
    facts = pa.table({
        "prediction_id": ["p-b", "p-x"], "blocked": [False, True], "flagged_with": [0.5, 0.5],
        "_sequence": pa.array([0, 1], pa.int64()),
    })  # fmt: skip
    shaped = Shaped.of(with_reports(log("a", "b"), by_id, facts))
    assert shaped.stands_for.tolist() == [0, 2]
    assert shaped.untold.tolist() == [True, False]


def test_without_a_chance_nobody_is_left_alone_by_chance() -> None:
    declared = reports(hs.Feedback(acts="blocked", reported=DECISIONS))
    shaped = Shaped.of(with_reports(log("a", "b"), declared, told(("a", True, None), ("b", False, None))))
    assert (shaped.acted.tolist(), shaped.propensity.tolist()) == ([True, False], [0.0, 1.0])
    assert not shaped.untold.any()
    assert np.array_equal(shaped.scant, [True, False])


@pytest.mark.parametrize(
    ("feedback", "said"),
    [
        (hs.Feedback(acts="blocked", chance="chance", reported="decisions"), "is no table"),  # type: ignore[arg-type]
        (hs.Feedback(acts="blocked", explore="2%", reported=DECISIONS), "nobody else draws"),
        (hs.Feedback(acts="blocked", explore="2%", drawn="blocked", reported=DECISIONS), "nobody else draws"),
        (hs.Feedback(acts="probability > 0.5", reported=DECISIONS), "'decisions' lacks"),
        (hs.Feedback(acts="chance", reported=DECISIONS), "not true or false"),
        (hs.Feedback(acts="blocked", chance="blocked", reported=DECISIONS), "is a truth, no number"),
        (hs.Feedback(acts="blocked", reported=hs.Table("d", "at", "at", {
            "at": hs.instant(), "blocked": hs.boolean()
        })), "lack the question's key column 'visit'.*prediction_id"),
        (hs.Feedback(acts="blocked", reported=hs.Table("d", "visit", "at", {
            "visit": hs.integer(), "at": hs.instant(), "blocked": hs.boolean()
        })), "differs in kind"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_is_refused_by_name(feedback: hs.Feedback, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        loop_of([VISITS["shop"]], feedback=feedback)


def test_a_loop_reads_the_table_of_its_reports_and_knows_it_by_one_definition() -> None:
    loop = loop_of([VISITS["shop"]], feedback=DECLARED)
    assert [table.name for table in loop.tables] == ["visits", "purchases", "decisions"]
    other = hs.Table("purchases", "visit", "at", DECISIONS.contract)
    with pytest.raises(InvalidInput, match="that of the feedback"):
        loop_of([VISITS["shop"]], feedback=hs.Feedback(acts="blocked", reported=other))
    assert DECLARED.declared["reported"] == "decisions"
    assert "reported" not in hs.Feedback(acts="probability > 0.5").declared
