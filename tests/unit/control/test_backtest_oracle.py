"""The hindsight oracle: nobody who goes by the same rules does better, and regret is measured from it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.control.backtest.costs import Costs, costs_of
from homeostat.control.backtest.matrix import Matrix
from homeostat.control.backtest.oracle import best_weeks
from homeostat.control.backtest.play import Judge, Seen, planned, play
from homeostat.control.backtest.prices import Prices
from homeostat.control.backtest.regret import regret_of
from homeostat.control.backtest.release import Releases, Rules
from homeostat.control.gates import Gate
from homeostat.control.rollouts import Canary
from homeostat.kernel.verdicts import HOLD, RETRAIN, Verdict
from tests.harness.examples import examples
from tests.harness.matrices import EASY, ageing, matrix_of

MONEY = Prices("EUR", 0.5, training=20.0, release=10.0, taken_back=100.0)
STRICT = Rules(Gate(margin=0.01), Canary(holds=("3d", "2d", "1d", "1d"), margin=0.01, looks=5))
SEEDS = st.integers(0, 2**32 - 1)


def cost_of(matrix: Matrix, releases: Releases, costs: Costs, judge: Judge) -> float:
    """All that a policy loses and spends."""
    played = play(matrix, releases, judge, 0.95)
    return costs.lost_on(played.serving) + sum(costs.spent_on(one.week, one.release) for one in played.asked)


@settings(max_examples=examples(60), deadline=None)
@given(
    seed=SEEDS,
    weeks=st.integers(2, 6),
    rules=st.sampled_from([EASY, STRICT]),
    training=st.floats(0, 200),
    days=st.integers(0, 9),
)
def test_the_oracle_is_as_good_as_the_best_of_all_sequences(
    seed: int, weeks: int, rules: Rules, training: float, days: int
) -> None:
    rng = np.random.default_rng(seed)
    losses = ageing(weeks, rng, rate=float(rng.uniform(-0.002, 0.01)))
    matrix = matrix_of(losses, seconds=[86_400.0 * days] * weeks)
    releases, costs = Releases(matrix, rules), costs_of(matrix, Prices("EUR", 0.5, training, 1.0, 5.0, 50.0))
    found = cost_of(matrix, releases, costs, planned(best_weeks(matrix, releases, costs)))
    every = [
        cost_of(matrix, releases, costs, planned(frozenset(chosen)))
        for count in range(weeks)
        for chosen in itertools.combinations(range(1, weeks), count)
    ]
    assert found == pytest.approx(min(every), abs=1e-9)


@settings(max_examples=examples(40), deadline=None)
@given(seed=SEEDS, share=st.floats(0, 1), rules=st.sampled_from([EASY, STRICT]))
def test_no_policy_beats_the_oracle(seed: int, share: float, rules: Rules) -> None:
    rng = np.random.default_rng(seed)
    matrix = matrix_of(ageing(12, rng))
    releases, costs = Releases(matrix, rules), costs_of(matrix, MONEY)
    drawn = rng.random(12) < share

    def by_chance(seen: Seen) -> Verdict:
        return Verdict(RETRAIN if drawn[seen.week] else HOLD, ())

    best = cost_of(matrix, releases, costs, planned(best_weeks(matrix, releases, costs)))
    assert cost_of(matrix, releases, costs, by_chance) >= best - 1e-9


def test_the_oracle_leaves_a_version_alone_where_a_training_costs_more_than_it_saves() -> None:
    matrix = matrix_of(ageing(8, np.random.default_rng(1)))
    releases = Releases(matrix, EASY)
    dear, cheap = (costs_of(matrix, Prices("EUR", 0.5, training)) for training in (1e6, 0.0))
    assert best_weeks(matrix, releases, dear) == frozenset()
    assert best_weeks(matrix, releases, cheap)


def test_the_regret_of_the_oracle_is_0_and_that_of_never_is_1() -> None:
    oracle, never = [1.0, 2.0] * 6, [4.0, 3.0] * 6
    rng = np.random.default_rng(3)
    assert (
        regret_of(oracle, oracle, never, rng).to_json()["value"],
        regret_of(never, oracle, never, rng).to_json()["value"],
    ) == (0, 1)


def test_regret_is_unknown_where_never_retraining_costs_no_more_than_the_oracle() -> None:
    told = regret_of([3.0] * 9, [2.0] * 9, [2.0] * 9, np.random.default_rng(1)).to_json()
    assert (told["value"], told["low"], told["high"]) == (None, None, None)
    assert "nothing to regret" in str(told["unknown"])


def test_regret_has_bounds_from_eight_weeks_on_and_they_hold_it() -> None:
    rng = np.random.default_rng(5)
    oracle = rng.uniform(0, 1, 40)
    never, policy = oracle + rng.uniform(1, 3, 40), oracle + rng.uniform(0, 1, 40)
    long = regret_of(policy.tolist(), oracle.tolist(), never.tolist(), rng).to_json()
    assert float(str(long["low"])) < float(str(long["value"])) < float(str(long["high"]))
    short = regret_of(policy[:7].tolist(), oracle[:7].tolist(), never[:7].tolist(), rng).to_json()
    assert (short["low"], short["high"]) == (None, None)


def test_bounds_are_unknown_where_never_is_often_as_good_as_the_oracle() -> None:
    oracle, never = [0.0] * 12, [*[-1.0] * 5, *[1.0] * 7]
    told = regret_of([0.5] * 12, oracle, never, np.random.default_rng(2)).to_json()
    assert told["high"] is None
