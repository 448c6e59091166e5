"""Every detector of change alarms at the same places of the same stream, and never by what comes later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.adapters.river.changes import Adwin, PageHinkley
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.monitoring.changes import ChangeDetector
from homeostat.stats.changes.cusum import Cusum
from tests.harness.examples import examples

CUSUM = Cusum(mean=0.8, deviation=0.05, slack=1.0)
PAGE_HINKLEY = PageHinkley(limit=0.8, slack=0.03)
ADWIN = Adwin(chance=0.01)
PINNED: list[tuple[ChangeDetector, tuple[int, ...]]] = [
    (CUSUM, (*range(120, 149), *range(150, 200))),
    (PAGE_HINKLEY, (121, 202)),
    (ADWIN, (144, 235)),
]
detectors = pytest.mark.parametrize("detector", [CUSUM, PAGE_HINKLEY, ADWIN], ids=lambda one: type(one).__name__)
VALUES = st.lists(st.floats(0, 1), min_size=12, max_size=80)


def _stream() -> np.ndarray:
    """Shares of right answers that fall from 0.8 to 0.4 at block 120 and come back at block 200."""
    rng = np.random.default_rng(2013)
    return np.concatenate([rng.beta(48, 12, 120), rng.beta(24, 36, 80), rng.beta(48, 12, 80)])


@pytest.mark.parametrize(("detector", "places"), PINNED, ids=lambda one: type(one).__name__)
def test_alarms_on_a_seeded_stream_are_these(detector: ChangeDetector, places: tuple[int, ...]) -> None:
    assert detector.alarms(_stream()) == places


@detectors
def test_a_fall_is_seen_within_a_month_and_nothing_before_it(detector: ChangeDetector) -> None:
    alarms = detector.alarms(_stream())
    assert 120 <= alarms[0] < 150


@detectors
@settings(max_examples=examples(15))
@given(values=VALUES, cut=st.integers(11, 80))
def test_an_alarm_never_depends_on_later_values(detector: ChangeDetector, values: list[float], cut: int) -> None:
    whole = detector.alarms(values)
    assert detector.alarms(values) == whole
    assert detector.alarms(values[: max(cut, 11)]) == tuple(place for place in whole if place < cut)


@detectors
def test_a_stream_that_stays_put_raises_no_alarm(detector: ChangeDetector) -> None:
    assert detector.alarms([0.79, 0.81] * 200) == ()


@detectors
def test_nothing_and_what_is_missing_are_no_calm_stream(detector: ChangeDetector) -> None:
    with pytest.raises(NotEnoughData):
        detector.alarms([])
    with pytest.raises(InvalidInput):
        detector.alarms([0.8, float("nan")] * 20)


def test_a_detector_that_could_not_alarm_yet_says_so() -> None:
    for detector in (PageHinkley(limit=0.5, slack=0.0, least=10), Adwin(least=9)):
        with pytest.raises(NotEnoughData):
            detector.alarms([0.5] * 9)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Cusum, {"mean": 0.0, "deviation": 0.0}),
        (Cusum, {"mean": 0.0, "deviation": 1.0, "limit": 0.0}),
        (Cusum, {"mean": 0.0, "deviation": 1.0, "slack": -1.0}),
        (PageHinkley, {"limit": 0.0, "slack": 0.0}),
        (PageHinkley, {"limit": 1.0, "slack": -0.1}),
        (Adwin, {"chance": 0.0}),
        (Adwin, {"least": 0}),
    ],
)
def test_a_detector_that_makes_no_sense_is_refused(kind: type, arguments: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        kind(**arguments)
