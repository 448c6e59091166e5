"""Detectors of change on the daily loss since a version came: the same days, the same alarms."""

from __future__ import annotations

import numpy as np

from homeostat.app.diagnosis.changes import LEARNT_ON, changes_of
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.stats.figures.sums import ScoreSums

MICROS = 86_400_000_000


def day(number: int, version: str, loss: float) -> Day:
    """A day of 50 rows whose mean log-loss is given."""
    score = float(np.exp(-loss))
    live = ScoreSums.of([True] * 50, [score] * 50)
    inputs = Inputs(50, {version: 50}, {}, 0, version, {}, {}, None, {}, {})
    made = Day(f"day {number:03d}", number * MICROS, (number + 1) * MICROS, (number + 1) * MICROS, inputs)
    return made.with_outcomes(Outcomes(50, 0, 0, live, {}))


def days(change: int, count: int = 90) -> list[Day]:
    rng = np.random.default_rng(11)
    return [day(n, "v1", 0.4 + 0.03 * rng.normal() + (0.35 if n >= change else 0.0)) for n in range(count)]


def test_every_detector_alarms_after_the_loss_rose_and_not_before() -> None:
    found = changes_of(days(40))
    assert (found["version"], found["days"]) == ("v1", 90)
    first = {one["name"]: one["alarms"][0] for one in found["detectors"]}
    assert set(first) == {"CUSUM", "Page-Hinkley", "ADWIN"}
    assert all(alarm >= "day 040" for alarm in first.values())
    assert first["CUSUM"] <= "day 042"
    assert found == changes_of(days(40))


def test_only_days_of_the_present_version_are_watched() -> None:
    found = changes_of([day(0, "v0", 0.9), *days(99, 50)])
    assert found["days"] == 50
    assert all(one["alarms"] == [] and one["unknown"] is None for one in found["detectors"])


def test_too_few_days_and_days_that_never_differ_are_unknown_and_no_calm() -> None:
    assert {one["unknown"] for one in changes_of([])["detectors"]} == {"too_few_days"}
    assert {one["unknown"] for one in changes_of(days(99, LEARNT_ON))["detectors"]} == {"too_few_days"}
    alike = changes_of([day(n, "v1", 0.4) for n in range(40)])
    assert {one["unknown"] for one in alike["detectors"]} == {"no_spread"}
