"""A log that keeps a share: counts and figures are right on average over which rows were chosen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from homeostat.data.log_policy import Log
from homeostat.data.profiles import Profile
from homeostat.data.weights import chosen, coarsest, even, evened, weights
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.performance import pair_sums
from homeostat.stats.drift.distance import psi
from homeostat.stats.figures.sums import ScoreSums

ROWS, ONE_IN, SEEDS = 2_000, 5, 120
DRAWN = np.random.default_rng(3)
TROUBLED = DRAWN.random(ROWS) < 0.15
"""Rows that are always kept. What they are like differs much from the others."""
VALUE = DRAWN.normal(size=ROWS) + 2.0 * TROUBLED
LABEL = DRAWN.random(ROWS) < np.where(TROUBLED, 0.8, 0.3)
SCORE = np.clip(np.where(LABEL, 0.6, 0.35) + DRAWN.normal(scale=0.15, size=ROWS) - 0.2 * TROUBLED, 0.02, 0.98)
OTHER = np.clip(SCORE + np.where(TROUBLED, 0.15, -0.05), 0.02, 0.98)
DAYS = np.repeat([1, 2, 3, 4], ROWS // 4)
REFERENCE = Profile.of("value", "number", DRAWN.normal(size=ROWS), bins=5)


def kept(seed: int) -> pa.Table:
    """The log of a population whose predictions got other ids."""
    policy = Log(share=1 / ONE_IN)
    ids = [f"{seed}/{row}" for row in range(ROWS)]
    weight = [policy.weigh(name, always=bool(always)) for name, always in zip(ids, TROUBLED, strict=True)]
    every = pa.table({"prediction_id": ids, "weight": weight, "one_in": [ONE_IN] * ROWS, "row": list(range(ROWS))})
    return every.filter(pa.array(np.array(weight) > 0))


def sums(rows: np.ndarray) -> ScoreSums:
    return ScoreSums.of(LABEL[rows], SCORE[rows])


def difference(rows: np.ndarray) -> float:
    pairs = pair_sums(DAYS[rows], LABEL[rows], ("a", OTHER[rows]), ("b", SCORE[rows]))
    return sum(one.difference for one in pairs) / sum(one.rows for one in pairs)


FIGURES: dict[str, Callable[[np.ndarray], float]] = {
    "log_loss": lambda rows: sums(rows).mean_log_loss(),
    "brier": lambda rows: sums(rows).mean_brier(),
    "auc": lambda rows: sums(rows).roc_auc(),
    "base rate": lambda rows: sums(rows).base_rate(),
    "paired difference": difference,
    "share of a bin": lambda rows: float(REFERENCE.count(VALUE[rows]).shares()[-1]),
}
EVERY = np.arange(ROWS)


@pytest.fixture(scope="module")
def logs() -> list[pa.Table]:
    return [kept(seed) for seed in range(SEEDS)]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_right_on_average_over_which_rows_are_kept(logs: list[pa.Table], name: str) -> None:
    figure = FIGURES[name]
    found = np.array([figure(evened(log)[0]["row"].to_numpy()) for log in logs])
    error = found.std(ddof=1) / np.sqrt(SEEDS)
    assert abs(found.mean() - figure(EVERY)) < 3.5 * error
    naive = np.array([figure(log["row"].to_numpy()) for log in logs])
    assert abs(naive.mean() - figure(EVERY)) > 5 * error, "the planted data would not show a bias"


def test_psi_is_off_by_what_chance_adds_to_so_few_rows_and_by_no_more(logs: list[pa.Table]) -> None:
    found, rows = [], []
    for log in logs:
        sample = evened(log)[0]["row"].to_numpy()
        found.append(psi(REFERENCE.shares(), REFERENCE.count(VALUE[sample]).shares()))
        rows.append(sample.size)
    truth = psi(REFERENCE.shares(), REFERENCE.count(VALUE).shares())
    by_chance = 2 * len(REFERENCE.counts) / float(np.mean(rows))
    assert -3.5 * np.std(found) / np.sqrt(SEEDS) < np.mean(found) - truth < by_chance


def test_weights_count_what_was_served(logs: list[pa.Table]) -> None:
    counted = np.array([weights(log).sum() for log in logs])
    assert abs(counted.mean() - ROWS) < 3.5 * counted.std(ddof=1) / np.sqrt(SEEDS)
    of_day = np.array([weights(log)[DAYS[log["row"].to_numpy()] == 2].sum() for log in logs])
    assert abs(of_day.mean() - ROWS / 4) < 3.5 * of_day.std(ddof=1) / np.sqrt(SEEDS)
    scaled = np.array([sums(evened(log)[0]["row"].to_numpy()).times(ONE_IN).rows for log in logs])
    assert abs(scaled.mean() - ROWS) < 3.5 * scaled.std(ddof=1) / np.sqrt(SEEDS)


def test_what_is_always_kept_is_counted_exactly(logs: list[pa.Table]) -> None:
    for log in logs[:10]:
        troubled = TROUBLED[log["row"].to_numpy()]
        assert weights(log)[troubled].sum() == TROUBLED.sum()


def test_a_log_that_keeps_all_is_taken_as_it_is() -> None:
    old = pa.table({"prediction_id": ["a", "b"]})
    for log in (old, old.append_column("weight", pa.array([1, None])).append_column("one_in", pa.array([1, None]))):
        assert evened(log) == (log, 1)
        assert (weights(log).tolist(), coarsest(log), even(log, 1).tolist()) == ([1, 1], 1, [True, True])


def test_a_slice_over_a_change_of_the_share_is_thinned_to_the_smaller_one() -> None:
    ids = [str(n) for n in range(6_000)]
    half, tenth = Log(share=0.5), Log(share=0.1)
    rows = [(name, log.weigh(name, always=False), log.one_in) for name in ids for log in (half, tenth)]
    left = [one for one in rows if one[1]]
    columns = dict(zip(("prediction_id", "weight", "one_in"), map(list, zip(*left, strict=True)), strict=True))
    sample, each = evened(pa.table(columns))
    assert each == 10
    for one_in in (2, 10):
        assert 500 < (sample["one_in"].to_numpy() == one_in).sum() < 700


def test_what_a_share_keeps_a_greater_one_keeps_too() -> None:
    assert all(chosen(str(n), 4) for n in range(2_000) if chosen(str(n), 40))


@pytest.mark.parametrize("share", [0, -1, 1.5, 0.3, 0.7, float("nan")])
def test_a_share_that_is_not_one_in_a_number_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="no share"):
        Log(share=share)


def test_a_third_may_be_written_as_one_likes() -> None:
    assert [Log(share=share).one_in for share in (1, 0.5, 1 / 3, 0.333, 0.1, 0.001)] == [1, 2, 3, 3, 10, 1_000]
