"""Every figure of predicted numbers is estimated before labels where inputs move, and unknown where none is alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.estimates.confidence import Estimated
from homeostat.stats.estimates.number_confidence import LearntErrors, Numbers, learnt_errors
from homeostat.stats.figures.number_sums import NumberSums

PAST, ROWS = 24, 250
NAMES = ("skill", "rmse", "mae", "bias", "quantile_loss")


def asked(rng: np.random.Generator, day: int, moved: float = 0.0, rows: int = ROWS, offset: float = 0.0) -> Numbers:
    """Errors are larger, and answers too high, where the first input is; the second is a name."""
    inputs = np.column_stack([rng.normal(moved, 1.0, rows), rng.integers(0, 3, rows)])
    told = offset + 5 * inputs[:, 0]
    off = 0.8 * np.tanh(inputs[:, 0]) + np.exp(0.4 * inputs[:, 0]) * rng.normal(size=rows)
    return Numbers(inputs, told, told - off, np.full(rows, day), np.array([False, True]))


def together(*parts: Numbers) -> Numbers:
    every = (np.concatenate([getattr(one, name) for one in parts]) for name in ("features", "answers", "truth", "days"))
    return Numbers(*every, parts[0].named)


def with_past(rng: np.random.Generator, now: Numbers, days: int = PAST, offset: float = 0.0) -> Numbers:
    return together(*(asked(rng, day, offset=offset) for day in range(days)), replace(now, truth=now.truth * np.nan))


def known(found: Estimated | NotEnoughData) -> Estimated:
    assert isinstance(found, Estimated)
    return found


@pytest.mark.parametrize("level", [None, 0.5, 0.9])
@pytest.mark.parametrize("moved", [0.0, 0.8])
def test_every_figure_is_estimated_where_inputs_move(level: float | None, moved: float) -> None:
    rng = np.random.default_rng(3)
    now = asked(rng, 99, moved, 4_000)
    learnt = learnt_errors(with_past(rng, now), {99: 4_000}, level=level)
    realised = NumberSums.of(now.truth, now.answers, level=level)
    found = learnt.estimated(NAMES, [99])
    before = learnt.realised[0]
    for sums in learnt.realised[1:]:
        before = before + sums
    for name in NAMES:
        one, is_now = known(found[name]), realised.figure(name)
        assert one.interval.low < is_now < one.interval.high, name
        assert abs(one.interval.value - is_now) < 0.3 * abs(before.figure(name) - is_now) + 0.05 * abs(is_now) + 0.05


def test_bounds_of_a_day_and_of_a_trail_hold() -> None:
    rng, held = np.random.default_rng(5), []
    for _ in range(6):
        now = together(asked(rng, 99), asked(rng, 100))
        numbers = with_past(rng, now)
        learnt = learnt_errors(numbers, {99: ROWS, 100: ROWS})
        last = learnt.realised[-12:]
        trail = learnt.estimated(NAMES[:4], [99, 100], known=last)
        whole = NumberSums.of(now.truth, now.answers)
        for sums in last:
            whole = whole + sums
        for name in NAMES[:4]:
            one = known(trail[name])
            held.append(one.interval.low <= whole.figure(name) <= one.interval.high)
            alone = known(learnt.estimated([name], [100])[name]).interval
            assert one.interval.high - one.interval.low < alone.high - alone.low
    assert np.mean(held) >= 0.85


def test_numbers_far_from_zero_have_the_same_skill() -> None:
    near, far = (known(_learnt(offset).estimated(["skill"], [99])["skill"]).interval.value for offset in (0.0, 1e7))
    assert far == pytest.approx(near, abs=1e-4)


def _learnt(offset: float) -> LearntErrors:
    rng = np.random.default_rng(1)
    now = asked(rng, 99, offset=offset)
    return learnt_errors(with_past(rng, now, offset=offset), {99: ROWS})


def test_what_is_learnt_can_be_passed_in() -> None:
    rng = np.random.default_rng(2)
    numbers = with_past(rng, asked(rng, 99))

    def mean(features: np.ndarray, losses: np.ndarray):
        return lambda others: np.full(len(others), losses.mean())

    learnt = learnt_errors(numbers, {99: ROWS}, learn=mean, learn_error=mean)
    past = np.abs(numbers.answers - numbers.truth)
    assert known(learnt.estimated(["mae"], [99])["mae"]).interval.value == pytest.approx(np.nanmean(past))
    with pytest.raises(InvalidInput, match="no finite loss"):
        learnt_errors(numbers, {99: ROWS}, learn=lambda features, losses: lambda others: others[:1, 0])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda one: replace(one, features=one.features + np.array([9.0, 0.0])), "inputs_never_seen"),
        (
            lambda one: replace(one, features=one.features * np.array([1.0, 0.0]) + np.array([0.0, 7.0])),
            "inputs_never_seen",
        ),
        (lambda one: replace(one, features=one.features * np.array([np.nan, 1.0])), "inputs_never_seen"),
        (lambda one: replace(one, answers=one.answers + 1e4), "inputs_never_seen"),
        (lambda one: one.take(one.days < 0), "no_rows"),
    ],
)
def test_rows_unlike_any_with_a_label_have_no_estimate(spoil, reason: str) -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(NotEnoughData) as raised:
        learnt_errors(with_past(rng, spoil(asked(rng, 99))), {99: ROWS})
    assert raised.value.facts["reason"] == reason


def test_a_few_strange_rows_and_time_that_goes_on_are_no_reason() -> None:
    rng = np.random.default_rng(6)
    numbers = with_past(rng, asked(rng, PAST))
    features = np.column_stack([numbers.features, numbers.days])
    features[-10:, 0] = 50.0
    aged = replace(numbers, features=features, named=np.array([False, True, False]))
    assert known(learnt_errors(aged, {PAST: ROWS}).estimated(["mae"], [PAST])["mae"]).interval.value > 0


def test_too_few_days_are_unknown_and_equal_truths_have_no_skill() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(NotEnoughData) as raised:
        learnt_errors(with_past(rng, asked(rng, 99), days=2), {99: ROWS})
    assert raised.value.facts["reason"] == "too_few_matured_days"
    numbers = with_past(rng, asked(rng, 99))
    right = replace(numbers, answers=np.ones(numbers.days.size), truth=np.where(np.isnan(numbers.truth), np.nan, 1.0))
    found = learnt_errors(right, {99: ROWS}).estimated(["skill", "mae"], [99])
    assert isinstance(found["skill"], NotEnoughData)
    assert known(found["mae"]).interval.value == 0.0
    with pytest.raises(InvalidInput, match="infinite"):
        learnt_errors(replace(numbers, features=numbers.features + np.inf), {99: ROWS})
