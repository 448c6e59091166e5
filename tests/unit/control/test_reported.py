"""Draws that callers report later give the very figures of draws that the log has; too few of them give none."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from benchmarks.feedback import PAYMENTS, Served
from homeostat.cli.performance import _reports
from homeostat.control.days import Day, read_day
from homeostat.control.performance.feedback import feedback_of
from homeostat.data.reported import with_reports
from homeostat.data.reports import Reports
from homeostat.training.shaped import ShapedQuestions
from tests.harness.acted import DECLARED, loop_days, served

DECISIONS = hs.Table("decisions", key="prediction_id", event_time="at", contract={
    "prediction_id": hs.text(), "at": hs.instant(), "blocked": hs.boolean(), "chance": hs.number(nullable=True)
})  # fmt: skip
REPORTED = hs.Feedback(acts="blocked", chance="chance", reported=DECISIONS)
REPORTS = Reports.of(REPORTED, PAYMENTS)


def reported(one: Served, kept: Any = True, chance: Any = None) -> Served:
    """The same day where the application drew, and said so later: ``kept`` are the rows of which it did."""
    assert REPORTS is not None
    log, rows = one.log, one.log.num_rows
    facts = pa.table({
        "prediction_id": log["prediction_id"], "blocked": log["acts"],
        "chance": log["propensity"] if chance is None else pa.array(chance),
        "_sequence": np.arange(rows),
    }).filter(pa.array(np.broadcast_to(kept, rows)))  # fmt: skip
    bare = log.set_column(2, "acts", pa.nulls(rows, pa.bool_()))
    bare = bare.set_column(3, "explored", pa.array(np.zeros(rows, dtype=bool)))
    bare = bare.set_column(4, "propensity", pa.array(np.zeros(rows)))
    return dataclasses.replace(one, log=with_reports(bare, REPORTS, facts))


@pytest.fixture(scope="module")
def drawn() -> list[Served]:
    return served(DECLARED, 3, days=14)


def told(days: list[Day], declared: hs.Feedback) -> Any:
    return feedback_of(declared, days, 0.3)


@pytest.mark.parametrize(
    "declared",
    [DECLARED, dataclasses.replace(DECLARED, explore=None, chance="0.5 - 0.4 * probability")],
    ids=["alike", "chances of one's own"],
)
def test_reported_draws_give_the_same_figures_to_the_last_digit(declared: hs.Feedback) -> None:
    days = served(declared, 5, days=7)
    own, by_report = loop_days(days, declared), loop_days([reported(one) for one in days], REPORTED)
    assert by_report == own
    assert told(by_report, REPORTED)["figures"] == told(own, declared)["figures"]
    for one in days:
        logs = [log.append_column("q_id", log["prediction_id"]) for log in (one.log, reported(one).log)]
        each, again = (ShapedQuestions.of(log, PAYMENTS) for log in logs)
        assert each.times.equals(again.times)
        assert (each.acted, each.spared, again.untold) == (again.acted, again.spared, 0)


def test_a_few_that_nobody_reported_are_left_out_and_counted(drawn: list[Served]) -> None:
    rng = np.random.default_rng(1)
    kept = [rng.random(one.log.num_rows) < 0.97 for one in drawn]
    days = loop_days([reported(one, some) for one, some in zip(drawn, kept, strict=True)], REPORTED)
    found = told(days, REPORTED)
    missing = sum(int((~some).sum()) for some in kept)
    assert found["reports"]["unreported"] == missing
    assert found["reports"]["share"] == pytest.approx(missing / sum(some.size for some in kept))
    assert found["unknown"] is None
    assert abs(found["explored"] - found["expected"]) < 4 * np.sqrt(found["expected"])
    whole = told(loop_days(drawn, DECLARED), DECLARED)
    for name, figures in found["figures"].items():
        one, other = figures["weighted"], whole["figures"][name]["weighted"]
        assert one["low"] < other["value"] < one["high"], name
    assert found["figures"]["log_loss"]["naive"] == whole["figures"]["log_loss"]["naive"], "every label, whatever else"
    assert f"{missing:,} unreported" in _reports(found["reports"])


def test_of_too_many_figures_are_unknown_and_it_is_said_why(drawn: list[Served]) -> None:
    only_blocked = [reported(one, one.log["acts"].to_numpy()) for one in drawn]
    days = loop_days(only_blocked, REPORTED)
    found = told(days, REPORTED)
    assert found["unknown"] == "too_few_reported"
    assert "let them send a report of every answer" in found["why"]
    assert all(one["weighted"]["unknown"] == "too_few_reported" for one in found["figures"].values())
    assert all(day.outcomes is not None and not day.outcomes.live.rows for day in days)
    nobody = told(loop_days([reported(one, False) for one in drawn], REPORTED), REPORTED)
    assert nobody["unknown"] == "too_few_reported"


def test_days_on_which_reports_were_lost_are_left_out_and_the_others_stand(drawn: list[Served]) -> None:
    lost = [reported(one, place not in (4, 5)) for place, one in enumerate(drawn)]
    days = loop_days(lost, REPORTED)
    unknown = [day.outcomes.feedback.unknown for day in days if day.outcomes and day.outcomes.feedback]
    assert [place for place, why in enumerate(unknown) if why == "too_few_reported"] == [4, 5]
    assert set(unknown[6:]) == {None}
    found = told(days, REPORTED)
    others = told([day for place, day in enumerate(days) if place not in (4, 5)], REPORTED)
    assert found["unknown"] is None
    assert found["reports"]["days_left_out"] == 2
    for name, figures in found["figures"].items():
        for kind in ("weighted", "doubly_robust"):
            assert figures[kind] == others["figures"][name][kind], name
    assert found["effective_rows"] == others["effective_rows"]
    assert "2 days with more than 5% of these left out" in _reports(found["reports"])


def test_reports_that_contradict_themselves_are_told_by_what_is_wrong(drawn: list[Served]) -> None:
    one = drawn[0]
    chance = one.log["propensity"].to_numpy().copy()
    blocked, explored = (np.flatnonzero(one.log[name].to_numpy()) for name in ("acts", "explored"))
    chance[blocked[:2]], chance[explored[:1]], chance[blocked[2:5]] = 1.0, 0.0, 7.0
    days = loop_days([reported(one, chance=chance), *(reported(other) for other in drawn[1:])], REPORTED)
    found = told(days, REPORTED)["reports"]
    assert (found["acted_on_all_the_same"], found["left_alone_without_a_chance"], found["no_chance"]) == (2, 1, 3)
    assert found["unreported"] == 0
    assert read_day(msgspec.json.encode(days[0])) == days[0]


def test_rows_whose_reports_may_still_come_are_told_apart(drawn: list[Served]) -> None:
    days = loop_days([reported(one) for one in drawn], REPORTED)
    waiting = [dataclasses.replace(day, outcomes=None, inputs=dataclasses.replace(day.inputs, reported=1_400))
               for day in days[-2:]]  # fmt: skip
    found = feedback_of(REPORTED, days[:-2], 0.3, waiting=waiting)
    assert found is not None
    assert found["reports"]["waiting"] == {"rows": 3_000, "reported": 2_800}
    assert "Of 3,000 rows since, 2,800 were reported" in _reports(found["reports"])
    assert told(loop_days(drawn[:1], DECLARED), DECLARED)["reports"] is None
