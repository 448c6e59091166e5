"""Limits that are exceeded as often as they promise give no evidence; exceeded again and again they do."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.joint_drift import JointDrift, joint_drift
from homeostat.monitoring.signals import Unknown

LIMITS = {"x": 0.2, "y": 0.2}


def day(above: bool = False, *, spans: tuple[int, ...] = (1,), kind: str | None = None) -> tuple[Drifted, ...]:
    values = {"x": 0.3 if above else 0.1, "y": None}
    kinds = {} if kind is None else {"x": kind, "y": kind}
    return tuple(Drifted("psi", span, values, LIMITS, kinds) for span in spans)  # type: ignore[arg-type]


def found(days: list[tuple[Drifted, ...]], quiet: int = 90) -> JointDrift:
    told = joint_drift(days, quiet_windows=quiet)
    assert isinstance(told, JointDrift)
    return told


def test_days_that_are_always_above_are_strong_evidence_and_calm_ones_none() -> None:
    assert found([day(True)] * 35).e_value > 100
    calm = found([day()] * 70)
    assert calm.e_value < 1.0
    assert calm.chance == 1.0
    (one,) = calm.spans
    assert (one.span, one.blocks, one.exceeded, one.rate) == (1, 10, 0, 7 / 90)


def test_the_evidence_is_the_mean_over_the_lengths_of_windows_that_share_no_day() -> None:
    told = found([day(True, spans=(1, 3, 28))] * 84)
    assert [(one.span, one.blocks, one.exceeded) for one in told.spans] == [(1, 12, 12), (3, 12, 12), (28, 3, 3)]
    assert [round(one.rate * 90) for one in told.spans] == [7, 5, 1]
    assert told.e_value == pytest.approx(np.mean([one.e_value for one in told.spans]))


def test_a_window_of_days_of_two_weeks_counts_in_neither() -> None:
    (one,) = found([day(place in (7, 8), spans=(3,)) for place in range(14)]).spans
    assert (one.blocks, one.exceeded) == (2, 0)


def test_where_limits_keep_what_they_promise_evidence_of_twenty_is_rarer_than_one_in_twenty() -> None:
    rng = np.random.default_rng(7)
    reached = 0
    for _ in range(200):
        over = rng.random(182) < 1 / 90
        days = [day(bool(one)) for one in over]
        reached += any(found(days[:upto]).e_value >= 20 for upto in range(28, 183, 14))
    assert reached <= 10


@pytest.mark.parametrize("kind", ["customary", "reached"])
def test_limits_that_are_not_earned_promise_nothing(kind: str) -> None:
    assert joint_drift([day(True, kind=kind)] * 60, quiet_windows=90) == Unknown("limits_not_earned")


def test_before_the_first_block_is_full_it_is_unknown() -> None:
    assert joint_drift([], quiet_windows=90) == Unknown("too_few_days")
    assert joint_drift([day(True)] * 6, quiet_windows=90) == Unknown("too_few_days")


def test_a_loop_that_allows_a_false_alarm_every_other_day_can_still_be_told() -> None:
    assert found([day(True)] * 140, quiet=2).e_value > 1.0
