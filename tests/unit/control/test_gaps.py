"""A cohort that is served worse beside all others since a retraining is told; chance seldom is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from homeostat.control.alerting.gaps import gap_readings
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.performance.gaps import EXPOSED, gaps_of, gaps_told
from homeostat.monitoring.alerts.rules import RULES
from homeostat.monitoring.gaps import CohortDays, gap_of, widened
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.monitoring.slices import Judged, sliced
from homeostat.stats.figures.sums import ScoreSums

MICROS = 86_400_000_000
SHOPS = np.array(["a", "b", "c", "d"], dtype=object)


def day(
    number: int, version: str, rng: np.random.Generator, worse: float = 0.0, rows: int = 400, shops: int = 4
) -> Day:
    """A day on which shop d is served worse: its scores are pushed to where they are wrong."""
    shop = SHOPS[rng.integers(0, shops, rows)]
    odds = rng.normal(size=rows) + 0.4 * rng.normal()
    truth = rng.random(rows) < 1 / (1 + np.exp(-odds))
    scores = 1 / (1 + np.exp(-np.where(shop == "d", odds * (1 - worse) - worse, odds)))
    kept = sliced([("shop",)], {"shop": shop}, {}, Judged.of(truth, scores, 0.5))
    inputs = Inputs(rows, {version: rows}, {}, 0, version, {}, {}, None, {}, {})
    live = ScoreSums.of(truth, scores)
    found = Day(f"day {number}", number * MICROS, (number + 1) * MICROS, (number + 1) * MICROS, inputs)
    return found.with_outcomes(Outcomes(rows, 0, 0, live, {version: live}, slices=kept))


def days(seed: int, *reigns: tuple[str, int, float]) -> list[Day]:
    rng = np.random.default_rng(seed)
    told = [(version, worse) for version, count, worse in reigns for _ in range(count)]
    return [day(number, version, rng, worse) for number, (version, worse) in enumerate(told)]


def test_a_gap_that_a_retraining_widened_is_told_with_both_sides() -> None:
    kept = days(1, ("v1", 14, 0.0), ("v2", 14, 1.2))
    (worst,) = gaps_of(kept).wider
    assert worst.cohort == "shop = d"
    assert (worst.before.version, worst.now.version) == ("v1", "v2")
    assert 0.0 < worst.by.low < worst.now.difference.value - worst.before.difference.value < worst.by.high
    (read,) = gap_readings(kept)
    assert (read.rule, read.said) == ("gap", "over")
    assert "shop = d: log-loss +" in read.text
    assert "under v2" in read.text
    assert "under v1, wider by at least" in read.text
    assert "gap" in RULES


def test_a_gap_that_grows_by_little_each_time_is_held_against_the_first_version_too() -> None:
    steps = [(f"v{n}", 14, 0.22 * n) for n in range(5)]
    (worst,) = gaps_of(days(2, *steps)).wider
    assert (worst.cohort, worst.before.version, worst.now.version) == ("shop = d", "v0", "v4")


def test_a_cohort_that_the_first_version_never_met_is_told_beside_the_version_before() -> None:
    rng = np.random.default_rng(6)
    kept = [day(number, "v0", rng, shops=3) for number in range(10)]
    kept += [day(number, "v1", rng) for number in range(10, 24)]
    kept += [day(number, "v2", rng, 1.2) for number in range(24, 38)]
    (worst,) = gaps_of(kept).wider
    assert (worst.cohort, worst.before.version, worst.now.version) == ("shop = d", "v1", "v2")


def test_where_nothing_changes_a_look_seldom_tells_anything() -> None:
    told = [bool(gaps_of(days(seed, ("v1", 12, 0.3), ("v2", 12, 0.3))).wider) for seed in range(60)]
    assert sum(told) <= 3


def test_one_version_has_gaps_that_widened_nowhere() -> None:
    kept = days(3, ("v1", 8, 0.5))
    assert list(gap_readings(kept)) == []
    told = gaps_told(kept)
    assert told["widened"] == []
    assert {one["cohort"] for one in told["cohorts"]} == {f"shop = {name}" for name in "abcd"}


def test_a_version_of_too_few_days_is_unknown_and_one_that_serves_alike_is_within() -> None:
    (soon,) = gap_readings(days(4, ("v1", 10, 0.2), ("v2", 2, 0.9)))
    assert soon.said == "unknown"
    (well,) = gap_readings(days(4, ("v1", 10, 0.2), ("v2", 10, 0.2)))
    assert well.said == "within"


def test_rows_that_would_be_acted_on_are_a_cohort_by_those_left_alone() -> None:
    rng = np.random.default_rng(5)

    def shaped(number: int, version: str, off: float) -> Day:
        truth, calm = rng.random(40) < 0.7, rng.random(300) < 0.1
        exposed = ScoreSums.of(truth, np.full(40, 0.7 - off))
        told = FeedbackDay(1_000, 400, 40, 40.0, 1.0, exposed, exposed, ScoreSums.of(calm, np.full(300, 0.1)))
        made = day(number, version, rng)
        assert made.outcomes is not None
        return made.with_outcomes(dataclasses.replace(made.outcomes, slices=(), feedback=told))

    kept = [shaped(n, "v1", 0.0) for n in range(10)] + [shaped(n, "v2", 0.5) for n in range(10, 20)]
    (worst,) = gaps_of(kept).wider
    assert worst.cohort == EXPOSED


@pytest.mark.parametrize(
    "sums",
    [
        np.zeros((0, 4)),
        [[1.0, 10, 20.0, 100]] * 4,
        [[50.0, 100, 20.0, 100]] * 2,
        [[50.0, 100, 20.0, 100], [0, 0, 20.0, 100], [0, 0, 20.0, 100]],
        [[50.0, 100, 0.0, 0]] * 5,
    ],
)
def test_what_is_too_little_has_no_gap(sums: object) -> None:
    kept = CohortDays("v1", np.array(sums, dtype=float).reshape(-1, 4))
    assert gap_of(kept) is None
    assert widened("a", [kept], kept, looked_at=1) == []


def test_a_loop_without_days_has_no_gaps() -> None:
    assert gaps_told([]) == {"cohorts": [], "widened": []}
