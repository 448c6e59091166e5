"""Predicted numbers of a day are foretold from a sample of the log, told together, and read by the policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from homeostat.app.control.foretold import Foretelling
from homeostat.app.prediction_log.sampled_rows import SampledRows
from homeostat.app.shown.loop_views import estimated_of
from homeostat.control.days import Day, Inputs, Outcomes, read_day
from homeostat.control.performance.told import Seen, performance_of
from homeostat.control.policies.outcomes import Estimated
from homeostat.control.policies.retrain import Retrain
from homeostat.control.reading import situation_of
from homeostat.control.state import initial_state
from homeostat.kernel.errors import NotFound
from homeostat.monitoring.history import Rows
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.windows import day_name
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import Regression
from tests.harness.world import BEGINS, DAY

FIRST, ROWS, MOVES, ALL = 19_723, 200, 30, 33


@dataclass(frozen=True)
class Kept:
    """What `SampledRows` reads, kept in memory: truths of days whose labels were mature, two days after each ended."""

    task: Regression

    def day(self, place: int) -> Rows:
        rng = np.random.default_rng([place, 7])
        x = rng.normal(1.0 if place >= MOVES else 0.0, 1.0, ROWS)
        shop = rng.choice(np.array(["a", "b", None], dtype=object), ROWS)
        truth = 5 * x + rng.normal(size=ROWS) * np.exp(0.4 * x)
        return Rows(np.full(ROWS, FIRST + place), {"x": x, "shop": shop}, 5 * x, truth, self.task)

    def read(self, version: str, days: Sequence[Day], now: int, rng: np.random.Generator) -> Rows | Unknown:
        parts = [self.day(int(np.datetime64(day.day, "D").astype(int)) - FIRST) for day in days]
        hidden = [1.0 if day.mature_at <= now else np.nan for day in days]
        truths = [one.truth * shown for one, shown in zip(parts, hidden, strict=True)]
        columns = {name: np.concatenate([one.columns[name] for one in parts]) for name in ("x", "shop")}
        numbers = (np.concatenate([one.days for one in parts]), columns, np.concatenate([one.scores for one in parts]))
        return Rows(*numbers, np.concatenate(truths), self.task)


def foretelling(task: Regression) -> Foretelling:
    return Foretelling("spending", task, cast("SampledRows", Kept(task)))


def days_of(task: Regression) -> list[Day]:
    """Days of which the last two have no labels yet; those from the thirtieth on are foretold, and others are asked."""
    found: list[Day] = []
    for place in range(ALL):
        start, seen = BEGINS + place * DAY, Kept(task).day(place)
        sums = task.sums(seen.truth, seen.scores)
        inputs = Inputs(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {})
        ended = Day(day_name(FIRST + place), start, start + DAY, start + 3 * DAY, inputs)
        if place >= MOVES - 2:
            made = foretelling(task).of("v1", ended, found)
            ended = replace(ended, inputs=replace(inputs, estimated=made))
        found.append(ended.with_outcomes(Outcomes(ROWS, 0, 0, sums, {"v1": sums})) if place < ALL - 2 else ended)
    return found


@pytest.fixture(scope="module")
def days() -> list[Day]:
    return days_of(Regression())


def told(days: list[Day], task: Regression) -> Any:
    return json.loads(json.dumps(performance_of(Seen("spending", days, 0.5, days[-1].end, 2 * DAY, task), 14)))


def test_every_figure_is_foretold_where_other_inputs_come(days: list[Day]) -> None:
    estimated = told(days, Regression())["estimated"]
    parts = [Kept(Regression()).day(place) for place in (ALL - 2, ALL - 1)]
    truth, answers = (np.concatenate([getattr(one, name) for one in parts]) for name in ("truth", "scores"))
    realised = Regression().sums(truth, answers)
    before = days[10].outcomes.live
    assert (estimated["days"], estimated["rows"]) == (2, 2 * ROWS)
    for name, one in estimated["figures"].items():
        assert one["low"] < realised.figure(name) < one["high"], name
        if name in ("rmse", "mae"):
            assert one["value"] > 1.2 * before.figure(name), name


def test_the_chart_goes_on_with_the_error_that_is_expected_of_the_trail(days: list[Day]) -> None:
    shown = estimated_of(days[-1])
    assert shown is not None
    assert shown["unlabelled"] == 2
    assert shown["error"]["low"] < shown["error"]["value"] < shown["error"]["high"]
    assert shown["error"]["value"] == days[-1].inputs.estimated.trail["rmse"].value


def test_past_estimates_are_held_to_account(days: list[Day]) -> None:
    record = told(days, Regression())["record"]
    for of in ("day", "trail"):
        assert record[of].keys() == {"skill", "rmse", "mae", "bias"}
        assert record[of]["rmse"]["days"] == 3
    assert record["day"]["rmse"]["mean_absolute_error"] < record["day"]["rmse"]["naive_error"]


def test_a_day_that_was_foretold_is_stored_and_can_be_foretold_again(days: list[Day]) -> None:
    assert read_day(msgspec.json.encode(days[-1])) == days[-1]
    assert foretelling(Regression()).of("v1", days[-1], days[:-1]) == days[-1].inputs.estimated


def test_the_policy_of_estimates_reads_numbers(days: list[Day]) -> None:
    state = replace(initial_state("spending"), retrained_at=days[0].start)
    for skill, name in ((1.2, "lasting_loss"), (0.2, "as_promised")):
        promise = Interval(skill, 0.0, 1.0, 14, 4_000, 0.95)
        seen = situation_of(Retrain(when=Estimated()), state, days, promise, days[-1].end)
        assert Estimated().at(seen, 0).reasons[0].code == name


def test_the_loss_of_a_quantile_is_foretold_too() -> None:
    task = Regression(0.9)
    found = days_of(task)[-1].inputs.estimated
    assert found is not None
    assert found.figures.keys() == {"skill", "rmse", "mae", "bias", "quantile_loss"}
    assert all(one.known is not None for one in (*found.figures.values(), *found.trail.values()))


def test_what_cannot_be_foretold_says_why(days: list[Day]) -> None:
    class Lost:
        def read(self, *_: object) -> Rows:
            raise NotFound("The files are gone.", mend="Bring them back.")

    made = foretelling(Regression())
    quiet = replace(days[-1], inputs=replace(days[-1].inputs, rows=0))
    for found, reason in (
        (made.of(None, days[-1], days[:-1]), "no_rows"),
        (made.of("v1", quiet, days[:-1]), "no_rows"),
        (made.of("v1", days[3], days[:3]), "too_few_matured_days"),
        (replace(made, rows=cast("SampledRows", Lost())).of("v1", days[-1], days[:-1]), "not_found"),
    ):
        assert {one.value for one in (*found.figures.values(), *found.trail.values())} == {Unknown(reason)}
