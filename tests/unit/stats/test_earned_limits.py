"""Limits on drift are earned: false alarms as seldom as promised, and no limit where a history supports none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, Integers
from homeostat.stats.drift.distance import ks_from_counts, psi, share_swings
from homeostat.stats.drift.earned_limits import Earned, earned_limits
from homeostat.stats.drift.transport import rank_shifts, rank_spreads
from homeostat.stats.drift.window_distances import MEASURES, Series
from homeostat.stats.memory import Memory, memories_of
from tests.harness.examples import examples

BINS, SPANS, RATE = 10, (1, 3, 7, 28), 1 / 90
EDGES = ndtri(np.arange(1, BINS) / BINS)
ANY_NUMBER = dict.fromkeys(MEASURES, 0)


def _days(rng: np.random.Generator, days: int, memory: float, rows: int = 500, wander: float = 0.15) -> Integers:
    """Counts of a number whose mean wanders as a first-order process, and of rows without a value."""
    noise, level = rng.normal(size=days + 50), np.zeros(days + 50)
    for day in range(1, days + 50):
        level[day] = memory * level[day - 1] + np.sqrt(1 - memory**2) * noise[day]
    upto = np.concatenate((ndtr(EDGES - wander * level[50:, None]), np.ones((days, 1))), axis=1)
    shares = np.diff(upto, axis=1, prepend=0.0) * 0.98
    return rng.multinomial(rows, np.hstack((shares, np.full((days, 1), 0.02))))


def _limits(
    series: list[Series], seed: int = 1, rows: float | None = None, draws: int = 1_500
) -> dict[tuple[str, str, int], Earned]:
    rng = np.random.default_rng(seed)
    found = earned_limits(series, spans=SPANS, rate=RATE, draws=draws, rng=rng, rows=rows)
    return {(one.subject, one.measure, one.span): one for one in found}


def _distances(reference: Integers, window: Integers) -> dict[str, float]:
    before, now = reference[:-1] / reference[:-1].sum(), window[:-1] / window[:-1].sum()
    return {
        "psi": psi(before, now),
        "ks": ks_from_counts(reference[:-1], window[:-1]).value,
        "rank_shift": float(rank_shifts(before, now)),
        "rank_spread": float(rank_spreads(before, now)),
        "share_swing": float(share_swings(before, now)),
        "missing_change": abs(reference[-1] / reference.sum() - window[-1] / window.sum()),
    }


@pytest.mark.parametrize(("days", "memory"), [(365, 0.0), (365, 0.6)])
def test_all_signals_together_raise_no_more_false_alarms_than_promised(days: int, memory: float) -> None:
    """Five histories and streams of half a year; `python -m benchmarks.false_alarms` runs centuries."""
    alarms, windows = 0, 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        series = [Series(str(one), _days(rng, days + 180, memory), True, ANY_NUMBER) for one in range(4)]
        limits = _limits(
            [Series(one.subject, one.counts[:days], True, one.least_rows) for one in series], seed, draws=900
        )
        assert all(one.limit is not None for one in limits.values() if one.span >= 7)
        for end in range(days + 28, days + 180, 2):
            windows += 1
            alarms += any(
                value > (limits[one.subject, name, span].limit or np.inf)
                for one in series
                for span in SPANS
                for name, value in _distances(
                    one.counts[:days].sum(axis=0), one.counts[end - span : end].sum(axis=0)
                ).items()
            )
    assert alarms / windows < 4 * RATE, "alarms come in runs, and these are few windows"


def test_a_shift_too_small_for_any_day_is_above_the_limit_of_a_month() -> None:
    rng = np.random.default_rng(3)
    counts = _days(rng, 400, 0.0, rows=1_000, wander=0.0)
    limits = _limits([Series("x", counts, True, ANY_NUMBER)])
    shares = np.append(np.diff(np.append(ndtr(EDGES - 0.06), 1.0), prepend=0.0) * 0.98, 0.02)
    moved = rng.multinomial(1_000, shares, 28)
    one_day = _distances(counts.sum(axis=0), moved[0])
    month = _distances(counts.sum(axis=0), moved.sum(axis=0))
    assert all(value <= limits["x", name, 1].limit for name, value in one_day.items())  # type: ignore[operator]
    assert month["rank_shift"] > limits["x", "rank_shift", 28].limit  # type: ignore[operator]


@pytest.mark.parametrize(("days", "memory"), [(20, 0.0), (40, 0.0), (120, 0.97)])
def test_a_history_too_short_or_too_much_alike_earns_no_limit(days: int, memory: float) -> None:
    found = _limits([Series("x", _days(np.random.default_rng(2), days, memory), True, ANY_NUMBER)], draws=50)
    assert all(one.limit is None and not one.supported for one in found.values())
    assert len(found) == len(MEASURES) * len(SPANS)


def test_what_never_varied_earns_no_limit_though_its_days_would_do() -> None:
    counts = _days(np.random.default_rng(2), 200, 0.0)
    counts[:, -1] = 0
    never = _limits([Series("x", counts, True, ANY_NUMBER)], draws=200)["x", "missing_change", 1]
    assert (never.limit, never.supported) == (None, True)


def test_days_with_fewer_rows_than_the_reference_have_wider_limits() -> None:
    series = [Series("x", _days(np.random.default_rng(2), 200, 0.0), True, ANY_NUMBER)]
    usual, thin = _limits(series), _limits(series, rows=50.0)
    assert all(thin[key].limit > 1.2 * usual[key].limit for key in usual)  # type: ignore[operator]
    assert _limits(series, rows=5_000.0) == usual


def test_windows_with_too_few_rows_are_not_judged() -> None:
    counts = _days(np.random.default_rng(2), 200, 0.0)
    found = _limits([Series("x", counts, True, {**ANY_NUMBER, "psi": 1_000})], draws=200)
    assert found["x", "psi", 1].limit is None
    assert found["x", "psi", 7].limit is not None


def test_texts_have_no_ranks() -> None:
    found = _limits(
        [
            Series(
                "x", _days(np.random.default_rng(2), 200, 0.0), False, {"psi": 0, "share_swing": 0, "missing_change": 0}
            )
        ],
        draws=50,
    )
    assert {measure for _, measure, _ in found} == {"psi", "share_swing", "missing_change"}


@settings(max_examples=examples(10), deadline=None)
@given(days=st.integers(0, 60), rows=st.integers(0, 3), seed=st.integers(0, 99))
def test_no_history_breaks_it(days: int, rows: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, rows + 1, (days, BINS + 1))
    for one in _limits([Series("x", counts, True, ANY_NUMBER)], draws=20).values():
        assert one.limit is None or (np.isfinite(one.limit) and one.limit > 0)


@pytest.mark.parametrize(("spans", "rate"), [((1, 10), RATE), ((0,), RATE), ((1,), 0.0), ((1,), 1.0)])
def test_what_is_no_window_or_rate_is_refused(spans: tuple[int, ...], rate: float) -> None:
    with pytest.raises(InvalidInput):
        earned_limits([], spans=spans, rate=rate, draws=10, rng=np.random.default_rng(1))


def test_neighbours_that_are_alike_are_worth_fewer_days() -> None:
    rng = np.random.default_rng(5)
    free = memories_of([rng.normal(size=(400, 3)) for _ in range(5)])
    wandering = memories_of([np.cumsum(rng.normal(size=(400, 3)), axis=0) for _ in range(5)])
    assert all(300 < one.independent_days < 400 for one in free)
    assert all(one.independent_days < 10 and not one.supports(7, RATE) for one in wandering)


def test_the_more_quantities_move_apart_the_less_chance_leaves_open() -> None:
    rng = np.random.default_rng(5)
    alone = [rng.normal(size=(364, 1)) for _ in range(20)]
    alike, apart = ([memories_of([one])[0].of_weeks for one in every] for every in (
        [np.repeat(one, 20, axis=1) for one in alone], [rng.normal(size=(364, 20)) for _ in range(20)]
    ))  # fmt: skip
    assert alike == pytest.approx([memories_of([one])[0].of_weeks for one in alone])
    assert np.mean(apart) < 0.6 * np.mean(alike)
    assert all(memories_of([np.repeat(np.cumsum(one), 20).reshape(-1, 20)])[0].of_weeks > 0.9 for one in alone)


def test_windows_of_days_stand_on_as_many_stretches_as_fit() -> None:
    days = Memory(days=60, weeks=8, of_days=0.5, of_weeks=0.0)
    assert [days.blocks(span) for span in (1, 2, 4, 7)] == [20, 10, 5, 8]
    assert [days.supports(span, 1 / 20) for span in (1, 4, 5)] == [True, True, False]
    assert days.further(4, 0.01) > days.further(2, 0.01) > days.further(1, 0.01) > 1.0
    assert days.further(4, 0.001) > days.further(4, 0.01), "far out few blocks leave more open"


def test_a_memory_that_chance_hides_in_one_subject_is_held_to_be_that_of_the_others() -> None:
    rng = np.random.default_rng(5)
    wandering = [np.cumsum(rng.normal(size=(200, 3)), axis=0) for _ in range(4)]
    together = memories_of([*wandering, rng.normal(size=(200, 3))])
    assert together[-1].independent_days == min(one.independent_days for one in together[-1:]) < 20


def test_what_weeks_of_one_feature_hide_is_told_by_the_others_as_far_as_they_are_alike() -> None:
    rng = np.random.default_rng(6)
    alike = [Series(str(one), _days(rng, 300, 0.0, wander=0.0), True, ANY_NUMBER) for one in range(10)]
    unlike = Series("10", _days(rng, 300, 0.8, wander=0.08), True, ANY_NUMBER)
    steadied, alone = _of_weeks(alike), np.array([_of_weeks([one])[0] for one in alike])
    assert steadied.std() / steadied.mean() < 0.7 * alone.std() / alone.mean()
    assert _of_weeks([*alike, unlike])[-1] > 1.6 * steadied.mean()


def _of_weeks(series: list[Series]) -> Floats:
    """The limit of each rank shift over a week."""
    found = earned_limits(series, spans=(1, 7), rate=RATE, draws=400, rng=np.random.default_rng(1))
    by = {one.subject: one.limit for one in found if (one.measure, one.span) == ("rank_shift", 7)}
    return np.array([by[one.subject] for one in series], dtype=float)
