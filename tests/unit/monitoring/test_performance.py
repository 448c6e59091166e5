"""Performance over days is that of the pooled rows, with bounds only where they are earned."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import ArrayLike

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.monitoring.performance import (
    DaySums,
    PairSums,
    pair_sums,
    paired_difference,
    performance,
)
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.windows import Window, day_name
from homeostat.stats import metrics
from homeostat.stats.intervals import block_mean
from tests.harness.blocks import sums_by_block

SPAN = Window(0, 10 * 86_400_000_000, "1970-01-01..1970-01-10")


def _rows(days: int = 10, per_day: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    names = np.repeat(np.arange(days), per_day)
    logit = rng.normal(-1, 1, names.size)
    labels = rng.random(names.size) < 1 / (1 + np.exp(-logit))
    good = 1 / (1 + np.exp(-logit))
    return names, labels, good, np.full(names.size, labels.mean())


def day_sums(days: np.ndarray, scorer: str, labels: ArrayLike, scores: ArrayLike) -> tuple[DaySums, ...]:
    """One `DaySums` per event day of the rows."""
    sums = sums_by_block(labels, scores, days)
    return tuple(DaySums(day_name(day), scorer, block) for day, block in zip(np.unique(days), sums, strict=True))


def test_figures_over_days_are_those_of_the_rows() -> None:
    names, labels, good, _ = _rows()
    seen = performance(day_sums(names, "v1", labels, good), subject="v1", window=SPAN)
    assert seen.log_loss.known == pytest.approx(metrics.log_loss(labels, good))
    assert seen.skill.known == pytest.approx(metrics.skill(labels, good))
    assert seen.brier.known == pytest.approx(metrics.brier(labels, good))
    assert seen.base_rate.known == pytest.approx(labels.mean())
    assert abs(seen.roc_auc.known - metrics.roc_auc(labels, good)) <= seen.auc_error  # type: ignore[operator]
    bounds = block_mean(metrics.log_losses(labels, good), names)
    assert (seen.log_loss.low, seen.log_loss.high) == pytest.approx((bounds.low, bounds.high))
    for signal in seen.signals:
        assert (signal.rows, signal.blocks, signal.window) == (800, 10, SPAN)
        assert signal.low < signal.known < signal.high  # type: ignore[operator]


def test_one_day_has_figures_without_bounds() -> None:
    names, labels, good, _ = _rows(days=1)
    seen = performance(day_sums(names, "v1", labels, good), subject="v1", window=SPAN)
    for signal in seen.signals:
        assert signal.known is not None
        assert (signal.low, signal.high, signal.blocks) == (None, None, 1)


def test_what_is_undefined_is_unknown_never_zero() -> None:
    names = np.repeat(np.arange(4), 5)
    one_class = performance(day_sums(names, "v1", [0] * 20, [0.1] * 20), subject="v1", window=SPAN)
    assert one_class.skill.value == one_class.roc_auc.value == Unknown("not_enough_data")
    assert one_class.log_loss.known == pytest.approx(-np.log(0.9))
    empty = performance([], subject="v1", window=SPAN)
    assert {signal.value for signal in empty.signals} == {Unknown("not_enough_data")}
    assert performance(day_sums(names[:0], "v1", [], []), subject="v1", window=SPAN) == empty


def test_the_better_scorer_is_told_by_the_same_rows() -> None:
    names, labels, good, dull = _rows()
    pairs = pair_sums(names, labels, ("v1", dull), ("v2", good))
    difference = paired_difference(pairs)
    expected = metrics.log_loss(labels, dull) - metrics.log_loss(labels, good)
    assert difference.value == pytest.approx(expected)
    assert 0 < difference.low < difference.high
    reverse = paired_difference(pair_sums(names, labels, ("v2", good), ("v1", dull)))
    assert (reverse.low, reverse.high) == pytest.approx((-difference.high, -difference.low))
    with pytest.raises(NotEnoughData):
        paired_difference(pairs[:2])


def test_parts_of_a_day_add_to_the_day() -> None:
    names, labels, good, dull = _rows(days=1)
    (first,), (second,) = (
        day_sums(names[part], "v1", labels[part], good[part]) for part in (slice(30), slice(30, None))
    )
    (whole,) = day_sums(names, "v1", labels, good)
    assert (first + second).sums.positives_by_score == whole.sums.positives_by_score
    assert (first + second).sums.log_loss == pytest.approx(whole.sums.log_loss)
    halves = [
        pair_sums(names[part], labels[part], ("v1", good[part]), ("v2", dull[part]))[0]
        for part in (slice(30), slice(30, None))
    ]
    (pair,) = pair_sums(names, labels, ("v1", good), ("v2", dull))
    assert (halves[0] + halves[1]).difference == pytest.approx(pair.difference)
    assert (halves[0] + halves[1]).rows == pair.rows


def test_days_and_scorers_are_never_mixed_up() -> None:
    names, labels, good, dull = _rows(days=3)
    days, pairs = day_sums(names, "v1", labels, good), pair_sums(names, labels, ("v1", good), ("v2", dull))
    other = pair_sums(names, labels, ("v1", good), ("v3", dull))
    for mixed in (
        lambda: days[0] + days[1],
        lambda: pairs[0] + other[0],
        lambda: performance([*days, days[0]], subject="v1", window=SPAN),
        lambda: paired_difference([*pairs, pairs[0]]),
        lambda: paired_difference([pairs[0], pairs[1], other[2]]),
    ):
        with pytest.raises(Conflict):
            mixed()


def test_missing_scores_raise() -> None:
    names = np.zeros(2, dtype=np.int64)
    with pytest.raises(InvalidInput):
        day_sums(names, "v1", [0, 1], [0.5, np.nan])
    with pytest.raises(InvalidInput):
        pair_sums(names, [0, 1], ("v1", [0.5, 0.5]), ("v2", [np.nan, 0.5]))


def test_the_json_forms_read_back() -> None:
    names, labels, good, dull = _rows(days=1)
    (day,), (pair,) = (
        day_sums(names, "v1", labels, good),
        pair_sums(names, labels, ("v1", good), ("v2", dull)),
    )
    assert DaySums.from_json(json.loads(json.dumps(day.to_json()))) == day
    assert PairSums.from_json(json.loads(json.dumps(pair.to_json()))) == pair
    for reader in (DaySums.from_json, PairSums.from_json):
        with pytest.raises(InvalidInput):
            reader({})
