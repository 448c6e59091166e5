"""Doubly robust figures of numbers where the truth is known: unbiased, bounds that hold, narrower where they may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.estimates.number_confidence import Learnt, Numbers
from homeostat.stats.estimates.parts import Foretold
from homeostat.stats.estimates.poststrata import post_stratified, strata
from homeostat.stats.estimates.robust_numbers import robust_numbers
from homeostat.stats.figures.number_sums import NumberSums, number_interval
from homeostat.stats.intervals import Interval

DAYS, BEFORE, ROWS, ONE_IN, WORLDS = 14, 7, 400, 10, 25
FIGURES = ("rmse", "mae", "bias")


@dataclass(frozen=True)
class World:
    """What three ways say of the same days, and what is true of every row of them."""

    said: dict[str, dict[str, Interval | None]]
    truth: NumberSums


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors go with an input that the predicted number does not show."""
    inputs = rng.random((ROWS, 2))
    told = 20.0 * inputs[:, 0]
    off = 3.0 * (inputs[:, 1] > 0.8) + (0.5 + 4.0 * inputs[:, 1] ** 2) * rng.normal(size=ROWS) + 0.3 * rng.normal()
    return inputs, told, told - off


def numbers(inputs: np.ndarray, told: np.ndarray, truth: np.ndarray) -> Numbers:
    return Numbers(inputs, told, truth, np.zeros(told.size, dtype=np.int64), np.zeros(2, dtype=np.bool_))


def world(seed: int, wrong: bool = False) -> World:
    """Above 10 it is acted on; one in ten is left alone. Errors are learnt on days before, ``wrong`` ones if so."""
    rng = np.random.default_rng(seed)
    past = [drawn(rng) for _ in range(BEFORE)]
    inputs, told, truth = (np.concatenate(part) for part in zip(*past, strict=True))
    seen = (told <= 10.0) | (rng.random(told.size) < 1 / ONE_IN)
    taught = numbers(inputs[seen], told[seen], truth[seen])
    if wrong:
        taught = numbers(1.0 - taught.features, taught.answers, taught.answers - 5.0)
    learnt, whole = Learnt.of(taught), list[NumberSums]()
    plain, foretold, by_size, weighted = list[NumberSums](), list[Foretold](), [], list[NumberSums]()
    for _ in range(DAYS):
        inputs, told, truth = drawn(rng)
        region, alone = told > 10.0, rng.random(ROWS) < 1 / ONE_IN
        mine = np.where(region & alone, ONE_IN, 0)
        every = numbers(inputs, told, np.full(ROWS, np.nan))
        stood = NumberSums.of(np.repeat(truth, mine), np.repeat(told, mine))
        plain.append(NumberSums.of(truth[~region], told[~region]))
        foretold.append(Foretold(learnt.sums(every, region.astype(np.int64)), learnt.sums(every, mine), stood))
        left = mine > 0
        by_size.append(strata(told[region], truth[left], told[left], mine[left]))
        weighted.append(plain[-1] + stood)
        whole.append(NumberSums.of(truth, told))
    return World(
        {
            "weighted": {name: number_interval(name, weighted) for name in FIGURES},
            "by size": post_stratified(FIGURES, list(zip(plain, by_size, strict=True))),
            "robust": robust_numbers(FIGURES, list(zip(plain, foretold, strict=True))),
        },
        sum(whole[1:], whole[0]),
    )


def summed(worlds: list[World], way: str, name: str) -> tuple[float, float, float, float]:
    """Bias, its standard error, how often bounds hold the truth of all rows, and how wide they are."""
    pairs = [(found, one.truth.figure(name)) for one in worlds if (found := one.said[way][name]) is not None]
    off = np.array([found.value - right for found, right in pairs])
    held = float(np.mean([found.low <= right <= found.high for found, right in pairs]))
    wide = float(np.mean([found.high - found.low for found, _ in pairs]))
    return float(off.mean()), float(off.std(ddof=1) / np.sqrt(off.size)), held, wide


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [world(seed) for seed in range(WORLDS)]


@pytest.fixture(scope="module")
def misled() -> list[World]:
    return [world(100 + seed, wrong=True) for seed in range(WORLDS)]


@pytest.mark.parametrize(("name", "narrower"), [("rmse", 1.0), ("mae", 0.95), ("bias", 1.0)])
def test_what_is_foretold_makes_figures_narrower_and_leaves_them_right(
    worlds: list[World], name: str, narrower: float
) -> None:
    bias, error, held, wide = summed(worlds, "robust", name)
    assert abs(bias) < 3.0 * error + 0.01
    assert held >= 0.9
    assert wide < narrower * summed(worlds, "weighted", name)[3]
    assert wide < summed(worlds, "by size", name)[3]


@pytest.mark.parametrize("name", FIGURES)
def test_where_what_is_foretold_is_wrong_the_chances_keep_figures_right(misled: list[World], name: str) -> None:
    bias, error, held, _ = summed(misled, "robust", name)
    assert abs(bias) < 3.0 * error + 0.01
    assert held >= 0.9


def test_without_labels_of_the_region_what_is_foretold_is_told_and_too_few_days_are_none() -> None:
    told, none = NumberSums.of([1.0, 2.0], [2.0, 3.0]), NumberSums.of([], [])
    days = [(none, Foretold(told, none, none)), *[(told, Foretold.nothing(None))] * 2]
    found = robust_numbers(["bias", "mae"], days)["bias"]
    assert found is not None
    assert (found.value, found.rows) == (1.0, 6)
    with pytest.raises(NotEnoughData):
        robust_numbers(["bias"], days[:2])
