"""What past misses say of the next one: bounds that hold where days are alike, and are no wider where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.estimates.ahead import ahead, moved_from

DAYS, GAP = 28, 3


def held(memory: float, streams: int = 3_000) -> tuple[float, float]:
    """How often bounds of the day after the gap hold, where misses are of a first-order process and the mean of past
    days is what is expected; and how wide they are beside those of days that are taken for independent."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(streams, 200 + DAYS + GAP))
    made = signal.lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 200:]
    past, now = made[:, :DAYS], made[:, -1]
    means = past.mean(axis=1, keepdims=True)
    misses = (past - means) * DAYS / (DAYS - 1)
    found = [ahead(one).around(0.0, 0.0, blocks=DAYS, rows=1, confidence=0.95) for one in misses]
    reach = np.array([one.high for one in found])
    plain = 2.0518 * np.sqrt(np.mean(misses**2, axis=1))
    return float(np.mean(np.abs(now - means[:, 0]) <= reach)), float(np.mean(reach) / np.mean(plain))


@pytest.mark.parametrize(("memory", "least", "widest"), [(0.0, 0.95, 1.1), (0.4, 0.945, 1.4), (0.7, 0.945, 1.75)])
def test_bounds_of_a_day_ahead_hold_however_alike_days_are(memory: float, least: float, widest: float) -> None:
    share, wider = held(memory)
    assert share >= least - 2.0 * np.sqrt(0.05 * 0.95 / 3_000)
    assert wider <= widest


def test_runs_of_days_remember_less_than_days() -> None:
    calm = np.repeat([1.0, -1.0], 4)
    errors = [ahead(calm, days=days).error for days in (1, 4, 14)]
    assert errors[0] > errors[1] > errors[2] > 1.0


def test_what_lies_further_off_is_missed_by_more_and_what_lies_as_far_as_ever_is_not() -> None:
    misses = np.random.default_rng(2).normal(size=DAYS)
    plain = ahead(misses).error
    assert ahead(misses, now=9.0).error == pytest.approx(3.0 * plain)
    assert ahead(misses, moved=np.full(DAYS, 1.3), now=1.3).error == pytest.approx(plain)


def test_a_move_is_of_where_rows_lie_and_not_of_how_many_there_are() -> None:
    rng = np.random.default_rng(3)
    past, same, other = (np.histogram(rng.normal(at, 1, 20_000), bins=np.linspace(-9, 9, 200))[0] for at in (0, 0, 1))
    assert moved_from(past, same) == pytest.approx(1.0, abs=0.01)
    assert moved_from(past, 3 * same) == pytest.approx(moved_from(past, same))
    assert moved_from(past, other) == pytest.approx(np.e, rel=0.3)  # the chi-square distance of two normals, and one
    assert moved_from(past, np.eye(199)[0]) <= 16.0


def test_three_misses_tell_something_and_one_or_bad_moves_are_refused() -> None:
    assert ahead([0.1, -0.1, 0.1]).degrees == 2.0
    assert ahead([0.0, 0.0, 0.0]).error == 0.0
    for misses, moved in (([0.1], None), ([0.1, 0.2], [1.0]), ([0.1, 0.2], [0.0, 1.0])):
        with pytest.raises(InvalidInput):
            ahead(misses, moved=moved)
    with pytest.raises(InvalidInput):
        moved_from([1, 2], [0, 0])
