"""The present comes from one place, and a replay only moves forward."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.app.clocks import ReplayClock, SystemClock, clock_of
from homeostat.app.gateway.prediction_ids import new_prediction_id
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput

instants = st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000)


@given(st.lists(instants, min_size=1))
def test_a_replay_is_never_earlier_than_any_present_told(told: list[int]) -> None:
    clock = ReplayClock()
    for index, instant in enumerate(told):
        assert clock.accept(format_instant(instant)) == max(told[: index + 1]) == clock.now()
        assert clock.accept(None) == clock.now()


def test_a_bad_time_does_not_move_a_replay() -> None:
    clock = ReplayClock()
    with pytest.raises(InvalidInput, match="not begun"):
        clock.now()
    clock.accept("2013-01-01T00:00:00Z")
    with pytest.raises(InvalidInput):
        clock.accept("2014-01-01T00:00:00")
    assert format_instant(clock.now()) == "2013-01-01T00:00:00Z"


def test_the_system_clock_refuses_to_be_told() -> None:
    clock = SystemClock()
    assert clock.accept(None) <= clock.now()
    with pytest.raises(InvalidInput, match="system clock"):
        clock.accept("2013-01-01T00:00:00Z")


def test_settings_choose_the_clock() -> None:
    assert isinstance(clock_of("replay"), ReplayClock)
    assert isinstance(clock_of("system"), SystemClock)


@given(instants, instants)
def test_prediction_ids_are_uuids_in_the_order_of_time(one: int, other: int) -> None:
    first, second = sorted((abs(one), abs(other)))
    ids = new_prediction_id(first), new_prediction_id(second)
    assert all(uuid.UUID(found).version == 7 for found in ids)
    if second > first:
        assert ids[0] < ids[1]


def test_ids_of_one_instant_differ() -> None:
    assert len({new_prediction_id(5) for _ in range(1_000)}) == 1_000
