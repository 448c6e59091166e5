"""A loop's account: measured where it can be, asked for where only people know, unknown with its reason else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.settings import Settings
from homeostat.app.shown.economics import economics, training_seconds
from homeostat.control.economics.inputs import ASKED
from tests.harness.ageing import ROWS, aged_home
from tests.harness.kinds import CLASS_FILE, NUMBER_FILE
from tests.harness.world import write_loop


def account(home: Home) -> Any:
    """What is told of the home's loop."""
    return economics(Operations.open(home), load_loop(Settings.load(home.root).loop_file))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The account of a loop of which everything is known."""
    return account(aged_home(tmp_path_factory.mktemp("aged")))


def test_where_everything_was_said_nothing_is_asked(told: Any) -> None:
    assert told["asks"] == []
    assert set(told["inputs"]) == set(ASKED)
    assert (told["currency"], told["champion"], told["labelled_days"], told["days"]) == ("EUR", "v2", 140, 140)


def test_decay_is_fitted_over_both_versions_and_the_interval_follows(told: Any) -> None:
    rate = told["decay"]["rate"]
    assert told["decay"]["model"] in ("exponential", "curve as seen")
    assert 0.005 < rate["low"] < rate["value"] < rate["high"] < 0.2
    assert "v1, v2 over 20 weeks" in rate["basis"] or "v1, v2 over 21 weeks" in rate["basis"]
    interval = told["interval"]
    used = interval[interval["used"]]
    assert 0 < interval["exact"]["low"] < interval["exact"]["value"] < interval["exact"]["high"]
    assert used["value"] > 0
    assert interval["cost_per_day"]["value"] > 0
    assert interval["actual"]["value"] == 60.0
    assert told["staleness"]["value"] > 0


def test_what_is_wrong_by_half_or_twice_is_never_cheaper_than_what_is_right(told: Any) -> None:
    found = told["sensitivity"]
    assert {one["factor"] for one in found} == {0.5, 2.0}
    assert {"retraining", "queries_per_day", "value", "quality"} <= {one["input"] for one in found}
    assert min(one["wasted_per_day"] for one in found) > -1e-9
    dearer = next(one for one in found if (one["input"], one["factor"]) == ("retraining", 2.0))
    assert dearer["days"] >= told["interval"][told["interval"]["used"]]["value"]


def test_what_a_day_costs_by_the_interval_is_least_at_the_best_one(told: Any) -> None:
    interval = told["interval"]
    costs, best = interval["costs"], interval[interval["used"]]["value"]
    assert [one["days"] for one in costs] == sorted(one["days"] for one in costs)
    assert all(one["total"] == pytest.approx(one["staleness"] + one["retraining"]) for one in costs)
    least = min(costs, key=lambda one: one["total"])
    assert best / 1.1 < least["days"] < best * 1.1
    assert least["total"] == pytest.approx(interval["cost_per_day"]["value"], rel=0.01)


def test_the_four_parts_of_a_retraining_add_up_with_compute_and_risk_as_measured(told: Any) -> None:
    parts = told["retraining"]
    assert parts["compute"]["value"] == pytest.approx(18 / 3600 * 2)
    assert "2 trainings of 18.0 s" in parts["compute"]["basis"]
    assert (parts["validation"]["value"], parts["deployment"]["value"]) == (50, 50)
    assert parts["risk"]["value"] == 0
    assert parts["risk"]["high"] > 0
    assert "0 of 1 release taken back" in parts["risk"]["basis"]
    whole = sum(parts[name]["value"] for name in ("compute", "validation", "deployment", "risk"))
    assert parts["total"]["value"] == pytest.approx(whole)


def test_a_silent_failure_is_priced_at_the_loops_own_delay(told: Any) -> None:
    failures = told["failures"]
    delay = failures["detected_after"]["value"]
    assert delay == pytest.approx(2 / 24 + 3)
    assert failures["cost"]["value"] == pytest.approx(ROWS * 0.5 * 0.1 * delay)
    assert failures["cost_unwatched"]["value"] == pytest.approx(ROWS * 0.5 * 0.1 * 28)
    assert failures["saved_per_year"]["value"] == pytest.approx(4 * ROWS * 0.5 * 0.1 * (28 - delay))
    returns = told["returns"]
    assert returns["monitoring_cost"]["value"] == 360
    assert returns["monitoring_return"]["value"] == pytest.approx(failures["saved_per_year"]["value"] / 360)
    assert returns["break_even_weeks"]["value"] == 20
    assert returns["automation_return"]["value"] == pytest.approx(
        (failures["saved_per_year"]["value"] + 4 * 52 * 50) / 1000
    )


def test_the_operating_point_stands_beside_the_threshold_in_use(told: Any) -> None:
    errors = told["errors"]
    assert errors["present_threshold"]["value"] == 0.5
    assert errors["cost"]["value"] <= errors["present_cost"]["value"]
    assert "0.200 if scores were true probabilities" in errors["threshold"]["basis"]
    assert errors["saving"]["unit"] == "EUR/day"


def test_a_thousand_predictions_cost_what_the_replicas_do(told: Any) -> None:
    assert told["predictions"]["value"] == pytest.approx(0.1 * 24 * 1000 / ROWS)


def test_skew_is_unknown_before_a_row_was_recomputed(told: Any) -> None:
    assert told["skew"]["cost"]["value"] is None
    assert told["skew"]["cost"]["unknown"] == "no served row was recomputed yet"


def test_without_prices_every_input_is_asked_for_and_none_is_made_up(tmp_path: Path) -> None:
    found = account(aged_home(tmp_path, prices=""))
    assert (found["currency"], found["inputs"]) == (None, {})
    assert {one["input"] for one in found["asks"]} == set(ASKED)
    assert found["retraining"]["total"]["value"] is None
    assert found["retraining"]["compute"]["unknown"] == "unknown: say hs.Economics(training_hour=...)"
    assert found["interval"]["exact"]["asks"][0] == "skill_value"
    assert found["decay"]["rate"]["value"] > 0
    assert (found["sensitivity"], found["interval"]["costs"]) == ([], [])


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"days": 0}, "0 weeks with labels are too few"),
        ({"days": 1}, "weeks with labels are too few"),
        ({"days": 140, "labelled": False}, "0 weeks with labels are too few"),
        ({"days": 5, "steps": 0}, "0 weeks with labels are too few"),
    ],
)
def test_too_little_history_is_unknown_with_its_reason(tmp_path: Path, made: Any, why: str) -> None:
    found = account(aged_home(tmp_path, **made))
    assert why in found["decay"]["rate"]["unknown"]
    assert found["interval"]["exact"]["value"] is None
    assert found["staleness"]["value"] is None


@pytest.mark.parametrize("text", [CLASS_FILE, NUMBER_FILE])
def test_where_no_yes_or_no_is_answered_errors_have_no_price_and_none_is_asked_for(tmp_path: Path, text: str) -> None:
    operations = Operations.open(aged_home(tmp_path, days=0, prices=""))
    found: Any = economics(operations, load_loop(write_loop(tmp_path, text=text)))
    assert "yes-or-no loops only" in found["errors"]["threshold"]["unknown"]
    assert not {"false_positive", "false_negative"} & {one["input"] for one in found["asks"]}


def test_one_labelled_day_has_no_operating_point(tmp_path: Path) -> None:
    errors = account(aged_home(tmp_path, days=1))["errors"]
    assert {one["value"] for one in errors.values()} == {None}
    assert "1 days" in errors["threshold"]["unknown"]


def test_a_training_that_was_taken_up_again_worked_as_long_as_both_its_processes(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    assert training_seconds(log) is None
    log.write_text("nothing\n")
    assert training_seconds(log) is None
    log.write_text("   0.1 s  pinned\n  20.0 s  joined\nfit\n   0.2 s  pinned\n  30.5 s  done\n")
    assert training_seconds(log) == pytest.approx(50.5)
