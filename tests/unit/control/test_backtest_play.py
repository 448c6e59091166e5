"""A policy played through a history sees what was known then, and costs what it served and spent."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.control.backtest.account import Contender, back_test
from homeostat.control.backtest.contenders import Loopwise, of_file, usual
from homeostat.control.backtest.costs import costs_of
from homeostat.control.backtest.matrix import Matrix, Monitor
from homeostat.control.backtest.play import Played, Seen, planned, play
from homeostat.control.backtest.prices import LOSS, Prices, prices_of
from homeostat.control.backtest.release import Releases, Rules, release_of
from homeostat.control.economics.figures import Missing
from homeostat.control.economics.inputs import Economics
from homeostat.control.gates import Gate
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.economic import Economic
from homeostat.control.policies.outcomes import Emergency, Estimated, Realised
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.sustained import Sustained
from homeostat.control.policies.timing import Schedule, Volume
from homeostat.control.rollouts import Canary
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import HOLD, Verdict
from homeostat.monitoring.drift_table import DriftTable
from homeostat.monitoring.drifting import Drifted
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.sums import ScoreSums
from tests.harness.examples import examples
from tests.harness.matrices import EASY, LEAD, ROWS, ageing, matrix_of, sums_of

MONEY = Prices("EUR", 0.5, training=20.0, release=10.0, taken_back=100.0)
SOON = Retrain(when=Sustained(Realised(tolerance=0.0, trail=5), 2), cool_down="7d")
ECONOMICS = Economics(
    currency="EUR",
    skill_value=0.5,
    training_hour=1.0,
    person_hour=50.0,
    validation_hours=0.2,
    deployment_hours=0.1,
    bad_release=40.0,
)


def loopwise(matrix: Matrix) -> Loopwise:
    return Loopwise(matrix, "UTC", ECONOMICS, 0.5)


def played(losses: Floats, policy: Retrain, rules: Rules = EASY) -> tuple[Matrix, Played]:
    matrix = matrix_of(losses)
    return matrix, played_on(matrix, policy, rules)


def played_on(matrix: Matrix, policy: Retrain, rules: Rules = EASY) -> Played:
    judge = loopwise(matrix).contender("it", policy).judge
    return play(matrix, Releases(matrix, rules), judge, 0.95)


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    week=st.integers(2, 11),
    policy=st.sampled_from([SOON, Retrain(when=Volume(2_000), cool_down=None), Retrain(when=Emergency(below=0.2))]),
)
def test_what_comes_true_later_never_changes_an_earlier_decision(seed: int, week: int, policy: Retrain) -> None:
    rng = np.random.default_rng(seed)
    losses = ageing(12, rng)
    changed = losses.copy()
    changed[:, LEAD + 7 * week :] = rng.uniform(0.3, 1.2, size=changed[:, LEAD + 7 * week :].shape)
    decided = []
    for one in (losses, changed):
        matrix, found = played(one, policy)
        now = matrix.begins(week)
        decided.append([(each.week, each.because) for each in found.asked if matrix.begins(each.week) <= now])
    assert decided[0] == decided[1]


@pytest.mark.parametrize("late", [1, 9])
def test_labels_that_are_not_mature_are_not_seen(late: int) -> None:
    matrix, seen = matrix_of(ageing(6, np.random.default_rng(1)), late=late), list[Seen]()

    def look(one: Seen) -> Verdict:
        seen.append(one)
        return Verdict(HOLD, ())

    play(matrix, Releases(matrix, EASY), look, 0.95)
    known = [day for day in seen[-1].days if day.outcomes is not None]
    assert (len(seen[-1].days), len(known)) == (35, 35 - late)


def test_a_candidate_takes_its_share_and_then_everything_step_by_step() -> None:
    matrix = matrix_of(ageing(6, np.random.default_rng(2)))
    found = play(matrix, Releases(matrix, EASY), planned(frozenset({1})), 0.95)
    days = found.serving[matrix.first_day(1) :]
    shares = [day.get(1, 0.0) for day in days]
    assert found.asked[0].release.outcome == "promoted"
    assert shares[:3] == [0.05] * 3
    assert sorted(shares) == shares
    assert shares[-1] == 1.0
    assert all(sum(day.values()) == pytest.approx(1.0) for day in found.serving)


def test_what_is_worse_is_taken_back_and_what_knows_nothing_is_rejected() -> None:
    losses = ageing(6, np.random.default_rng(3), noise=0.01)
    harmful, useless = losses.copy(), losses.copy()
    harmful[1, LEAD + 7 :] += 0.3
    useless[1, :] = 0.9
    taken, turned = (
        play(
            matrix,
            Releases(matrix, Rules(Gate(margin=0.05), Canary(holds=("4d", "1d", "1d", "1d")))),
            planned(frozenset({1})),
            0.95,
        )
        for matrix in (matrix_of(harmful), matrix_of(useless))
    )
    assert taken.asked[0].release.outcome == "taken_back"
    assert "log-loss above the champion's" in taken.asked[0].release.why[0]
    assert turned.asked[0].release.outcome == "rejected"
    assert {*turned.serving[-1]} == {0}


def test_a_training_that_takes_days_comes_so_much_later() -> None:
    losses = ageing(6, np.random.default_rng(2))
    quick, slow = (matrix_of(losses, seconds=[86_400.0 * days] * 6) for days in (0, 5))
    began = [Releases(matrix, EASY).of(0, 1).begins - matrix.first_day(1) for matrix in (quick, slow)]
    assert began == [0, 5]


def test_a_policy_of_money_alone_begins_by_itself() -> None:
    """Before the first release nobody knows how many are taken back, but what the gate promises is known."""
    _, found = played(ageing(16, np.random.default_rng(4)), Retrain(when=Economic(), cool_down=None))
    assert found.asked
    assert found.asked[0].release.released


def test_a_person_who_is_asked_says_yes() -> None:
    rules = Rules(EASY.gate, dataclasses.replace(EASY.rollout, ask="always"))
    matrix = matrix_of(ageing(6, np.random.default_rng(2)))
    assert Releases(matrix, rules).of(0, 1).outcome == "promoted"
    matrix, found = played(ageing(8, np.random.default_rng(4)), Retrain(Schedule(at_latest="14d"), None, ask="always"))
    assert [one.week for one in found.asked][:1] == [2]


def test_costs_are_skill_lost_on_labelled_predictions_and_what_versions_cost() -> None:
    losses = np.full((3, LEAD + 21), 0.5)
    losses[0, LEAD + 7 :] = 0.6
    matrix = matrix_of(losses)
    money, nats = costs_of(matrix, MONEY), costs_of(matrix, Prices(LOSS, None, 3.0))
    serving = play(matrix, Releases(matrix, EASY), planned(frozenset()), 0.95).serving
    assert nats.lost_on(serving) == pytest.approx(0.1 * ROWS * 14)
    entropy = -(0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert money.lost_on(serving) == pytest.approx(0.5 * 0.1 * ROWS * 14 / entropy)
    release = Releases(matrix, EASY).of(0, 1)
    assert (money.spent_on(1, release), nats.spent_on(1, release)) == (30.0, 3.0)


def test_a_week_with_one_outcome_costs_nothing_in_money_and_has_no_skill() -> None:
    matrix = matrix_of(np.full((2, LEAD + 14), 0.5))
    trials = [dataclasses.replace(one, sums={at: sums_of(0.1, ROWS, 0) for at in one.sums}) for one in matrix.trials]
    matrix = dataclasses.replace(matrix, trials=trials)
    told = back_test(matrix, EASY, [], MONEY, np.random.default_rng(1))
    assert {week["skill"] for one in told["policies"] for week in one["weeks"]} == {None}
    assert {one["regret"] for one in told["policies"]} == {None}


def test_weeks_without_a_version_are_lost_only_for_those_who_asked() -> None:
    matrix = matrix_of(ageing(5, np.random.default_rng(2)))
    failed = dataclasses.replace(matrix.trials[2], sums={}, problem="train() raised ValueError: no")
    matrix = dataclasses.replace(matrix, trials=[*matrix.trials[:2], failed, *matrix.trials[3:]])
    asks = Contender("asks", "", planned(frozenset({2})))
    told = {
        str(one["name"]): one for one in back_test(matrix, EASY, [asks], MONEY, np.random.default_rng(1))["policies"]
    }
    assert told["asks"]["asked"][0]["outcome"] == "failed"
    assert told["asks"]["total_cost"] > told["never"]["total_cost"]


def test_the_usual_policies_are_at_least_eight_beside_never_and_the_oracle() -> None:
    matrix = matrix_of(ageing(20, np.random.default_rng(7)))
    names = [one.name for one in usual(loopwise(matrix), SOON)]
    assert len(set(names)) == len(names) >= 8
    assert {"own", "monthly", "drift", "realised", "volume", "economic", "every-week"} <= {*names}
    told = back_test(matrix, EASY, usual(loopwise(matrix), SOON), prices(), np.random.default_rng(1))
    found = {str(one["name"]): one for one in told["policies"]}
    assert found["oracle"]["regret"] == 0.0
    assert found["never"]["regret"] == 1.0
    assert all(one["regret"] >= 0 for one in found.values())
    assert found["every-week"]["retrains"] > found["monthly"]["retrains"] > found["never"]["retrains"] == 0
    assert found["economic"]["retrains"] > 0
    assert found["monthly"]["labels"] > found["never"]["labels"]
    totals = [one["total_cost"] for one in found.values()]
    assert totals == sorted(totals)


def test_policies_of_a_file_stand_beside_the_loops_own() -> None:
    matrix = matrix_of(ageing(4, np.random.default_rng(7)))
    named = of_file(loopwise(matrix), {"quick": Retrain(Schedule(at_latest="7d"), None)}, SOON)
    assert [one.name for one in named] == ["own", "quick"]
    for name in ("never", "oracle", "own"):
        with pytest.raises(InvalidInput, match=name):
            of_file(loopwise(matrix), {name: Retrain()}, SOON)


def test_drift_is_seen_as_live_and_over_weeks_only_once_a_version_served_them() -> None:
    matrix = matrix_of(ageing(8, np.random.default_rng(7)))
    signals = [Drifted("psi", span, {"size": 0.3}, {"size": 0.2}) for span in (1, 28)]
    table = DriftTable.of([signals] * (len(matrix.days) - matrix.lead))
    trials = [dataclasses.replace(one, drift=table, drift_from=matrix.lead) for one in matrix.trials]
    drifting = dataclasses.replace(matrix, trials=trials, monitor=Monitor())
    weeks = {
        span: [one.week for one in played_on(drifting, Retrain(when=Drift(span=span), cool_down=None)).asked]
        for span in (1, 28)
    }
    assert weeks[1][0] == 1
    assert weeks[28][0] == 4


def test_skill_before_labels_is_estimated_as_live() -> None:
    rng, matrix = np.random.default_rng(7), matrix_of(ageing(10, np.random.default_rng(7)))
    sure, unsure = rng.choice([0.1, 0.9], 400), np.full(400, 0.5)
    sums = {
        place: ScoreSums.of(rng.random(400) < scores, scores)
        for place in range(len(matrix.days))
        for scores in [sure if place < matrix.lead + 35 else unsure]
    }
    first = dataclasses.replace(matrix.trials[0], sums=sums)
    calm = dataclasses.replace(first, sums=dict.fromkeys(sums, sums[0]))
    asked = []
    for one in (first, calm):
        changed = dataclasses.replace(matrix, trials=[one, *matrix.trials[1:]], monitor=Monitor())
        asked.append(played_on(changed, Retrain(when=Estimated(), cool_down=None)).asked)
    assert asked[0]
    assert 5 < asked[0][0].week <= 8
    assert not asked[1]


def test_without_prices_costs_are_in_nats_and_what_lacks_is_named() -> None:
    lacking = prices_of(dataclasses.replace(ECONOMICS, person_hour=None))
    assert isinstance(lacking, Missing)
    assert lacking.asks == ("person_hour",)
    assert prices().release == pytest.approx(5.0)


def prices() -> Prices:
    found = prices_of(ECONOMICS)
    assert isinstance(found, Prices)
    return found


def test_a_rollout_of_numbers_is_judged_in_shares_of_what_the_best_constant_costs() -> None:
    """Minutes squared of another size than the margin, and the same share of what a constant costs."""
    matrix, rng = matrix_of(ageing(3, np.random.default_rng(4))), np.random.default_rng(5)
    truth = rng.normal(scale=100.0, size=(len(matrix.days), 50))

    def sums(week: int) -> dict[int, NumberSums]:
        off = rng.normal(scale=20.0 + 0.1 * week, size=truth.shape)
        return {place: NumberSums.of(truth[place], truth[place] + off[place]) for place in matrix.trials[week].sums}

    trials = [dataclasses.replace(one, sums=sums(week)) for week, one in enumerate(matrix.trials)]
    rules = Rules(Gate(margin=0.5), Canary(holds=("3d", "1d", "1d", "1d"), margin=0.05))
    found = release_of(dataclasses.replace(matrix, trials=trials), 0, 1, rules)
    assert found.outcome == "promoted", found.why
    assert "squared error" in found.why[0]
