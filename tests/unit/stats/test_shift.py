"""A loss change is split as it was made: parts add up, each is found where it is, and bounds keep their promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.causes.shift import PARTS, Labelled, decompose
from homeostat.stats.estimates.ratios import recency
from tests.harness.examples import examples

BINS = 4


def _side(
    rng: np.random.Generator,
    days: int,
    *,
    shares: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25),
    cost: tuple[float, ...] = (0.2, 0.3, 0.4, 0.8),
    mood: float = 0.0,
    each: int = 80,
) -> Labelled:
    """Rows of two inputs of which the first one tells the cost; ``mood`` is what days differ by, all rows alike."""
    first = rng.choice(BINS, days * each, p=shares)
    place = np.repeat(np.arange(days), each)
    losses = np.array(cost)[first] + rng.normal(0.0, 0.2, place.size) + rng.normal(0.0, mood, days)[place]
    return Labelled(np.stack([first, rng.integers(0, BINS, place.size)], axis=1), losses, place)


def _split(before: Labelled, after: Labelled, seed: int = 0) -> dict[str, tuple[float, float, float]]:
    none = np.zeros(after.losses.size, dtype=bool)
    found = decompose(before, after, sizes=[BINS, BINS], unseen=none, rng=np.random.default_rng(seed), draws=200)
    return {name: (one.low, one.value, one.high) for name in ("total", *PARTS) if (one := getattr(found, name))}


def test_other_shares_of_known_inputs_are_the_inputs_part() -> None:
    rng = np.random.default_rng(1)
    found = _split(_side(rng, 20), _side(rng, 12, shares=(0.1, 0.15, 0.25, 0.5)))
    truth = 0.1 * 0.2 + 0.15 * 0.3 + 0.25 * 0.4 + 0.5 * 0.8 - 0.425
    assert found["inputs"][1] == pytest.approx(truth, rel=0.2)
    assert found["inputs"][0] > 0.0
    assert abs(found["relationship"][1]) < 0.03


def test_another_cost_of_the_same_inputs_is_the_relationships_part() -> None:
    rng = np.random.default_rng(2)
    found = _split(_side(rng, 20), _side(rng, 12, cost=(0.4, 0.5, 0.6, 1.0)))
    assert found["relationship"][0] < 0.2 < found["relationship"][2]
    assert abs(found["inputs"][1]) < 0.02
    assert found["relationship"][0] > 0.0


def test_both_at_once_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    found = _split(_side(rng, 24), _side(rng, 24, shares=(0.1, 0.2, 0.3, 0.4), cost=(0.3, 0.4, 0.5, 0.9)))
    assert found["relationship"][1] == pytest.approx(0.1, abs=0.03)
    assert found["inputs"][1] == pytest.approx(0.095, abs=0.03)


def test_rows_never_seen_are_a_part_of_their_own_whether_marked_or_found() -> None:
    rng = np.random.default_rng(4)
    before, after = _side(rng, 20), _side(rng, 12)
    new = rng.random(after.losses.size) < 0.2
    bins = np.concatenate([after.bins, np.zeros((after.losses.size, 1), dtype=np.int64)], axis=1)
    bins[new, 2] = 1
    old = np.concatenate([before.bins, np.zeros((before.losses.size, 1), dtype=np.int64)], axis=1)
    later = Labelled(bins, after.losses + 0.5 * new, after.days)
    earlier = Labelled(old, before.losses, before.days)
    for marks in (new, np.zeros(new.size, dtype=bool)):
        found = decompose(earlier, later, sizes=[BINS, BINS, 2], unseen=marks, rng=np.random.default_rng(0))
        assert found.unseen_share == pytest.approx(0.2, abs=0.02)
        assert found.unseen.low < 0.1 < found.unseen.high
        assert found.unseen.low > 0.0
        assert abs(found.relationship.value) < 0.03


@settings(max_examples=examples(4), deadline=None)
@given(
    seed=st.integers(0, 1_000),
    shares=st.lists(st.floats(0.1, 1.0), min_size=BINS, max_size=BINS),
    cost=st.lists(st.floats(0.0, 2.0), min_size=BINS, max_size=BINS),
)
def test_the_parts_add_up_to_the_change(seed: int, shares: list[float], cost: list[float]) -> None:
    rng = np.random.default_rng(seed)
    whole = sum(shares)
    after = _side(rng, 8, shares=tuple(one / whole for one in shares), cost=tuple(cost))
    before = _side(rng, 8)
    found = _split(before, after, seed)
    assert found["total"][1] == pytest.approx(after.losses.mean() - before.losses.mean())
    assert sum(found[name][1] for name in PARTS) == pytest.approx(found["total"][1])


def test_with_days_that_have_moods_bounds_miss_about_as_often_as_they_say() -> None:
    missed = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        low, _, high = _split(_side(rng, 24, mood=0.1, each=30), _side(rng, 12, mood=0.1, each=30), seed)[
            "relationship"
        ]
        missed += not low <= 0.0 <= high
    assert missed <= 3  # 16 x 0.05 = 0.8; four or more happen once in 120


def test_inputs_that_do_not_move_are_not_told_apart_by_their_days() -> None:
    rng = np.random.default_rng(5)
    days = np.repeat(np.arange(20), 50)
    weather = rng.integers(0, 8, 20)[days]
    found = recency(weather[:, None], [8], days >= 12, days)
    assert 0.2 < float(np.median(found.chance)) < 0.8


@pytest.mark.parametrize(("rows", "days"), [(100, 10), (400, 3)])
def test_too_few_rows_or_days_are_refused(rows: int, days: int) -> None:
    rng = np.random.default_rng(6)
    few = Labelled(rng.integers(0, 2, (rows, 1)), rng.random(rows), np.arange(rows) % days)
    enough = Labelled(rng.integers(0, 2, (400, 1)), rng.random(400), np.arange(400) % 10)
    with pytest.raises(NotEnoughData):
        decompose(few, enough, sizes=[2], unseen=np.zeros(400, bool), rng=rng)


def test_sides_without_anything_in_common_are_not_compared() -> None:
    rng = np.random.default_rng(7)
    old = Labelled(np.zeros((400, 3), dtype=np.int64), rng.random(400), np.arange(400) % 10)
    new = Labelled(np.ones((400, 3), dtype=np.int64), rng.random(400), np.arange(400) % 10)
    with pytest.raises(NotEnoughData, match="overlap"):
        decompose(old, new, sizes=[2, 2, 2], unseen=np.zeros(400, bool), rng=rng)
