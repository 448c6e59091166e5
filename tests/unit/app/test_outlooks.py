"""What a policy of money sees: the figures of the account, on real stores, and nothing that nobody said."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.outlooks import Outlooks
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.settings import Settings
from homeostat.app.shown.economics import economics, observed
from homeostat.control.economics.figures import Figure, Missing
from homeostat.control.economics.intervals import Stakes, best_interval
from homeostat.control.economics.observed import bad_releases_of, detection_days_of
from homeostat.control.economics.outlook import outlook_of
from homeostat.control.loop import Loop
from homeostat.control.policies.situation import Outlook
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN
from tests.harness.ageing import aged_home
from tests.unit.control.rig import Site, loop_of


def opened(home: Home) -> tuple[Operations, Loop]:
    return Operations.open(home), load_loop(Settings.load(home.root).loop_file)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Operations, Loop]:
    """A loop of which everything is known."""
    return opened(aged_home(tmp_path_factory.mktemp("aged")))


def test_it_tells_what_the_account_tells(aged: tuple[Operations, Loop]) -> None:
    operations, loop = aged
    days = operations.days(loop.name)
    seen = Outlooks(operations, loop).of(operations.state(loop.name), days, 3)
    told: Any = economics(operations, loop)
    used = told["interval"][told["interval"]["used"]]
    parts = told["retraining"]
    assert seen.lost[-1] == pytest.approx(told["staleness"]["value"])
    assert (seen.bearable, seen.interval) == (told["interval"]["cost_per_day"]["value"], used["value"])
    assert seen.each == pytest.approx(parts["total"]["value"] - parts["risk"]["value"])
    assert (seen.currency, seen.unknown, seen.asks) == ("EUR", "", ())
    assert len(seen.lost) == 3
    assert seen.lost[0] <= seen.lost[1] <= seen.lost[2]


def test_it_is_reckoned_again_only_after_news(aged: tuple[Operations, Loop]) -> None:
    operations, loop = aged
    state, days = operations.state(loop.name), operations.days(loop.name)
    outlooks = Outlooks(operations, loop)
    first = outlooks.of(state, days, 1)
    assert outlooks.of(state, days, 1) is first
    assert outlooks.of(state, days[:-7], 1) != first


def test_an_input_that_nobody_gave_is_named_and_never_made_up(aged: tuple[Operations, Loop]) -> None:
    operations, loop = aged
    seen = observed(operations, loop, operations.days(loop.name))
    assert "hs.Economics" in outlook_of(seen, None).unknown
    bare = outlook_of(seen, hs.Economics(currency="EUR", training_hour=2))
    assert {"skill_value", "bad_release", "person_hour"} <= set(bare.asks)
    assert "skill_value" in bare.unknown
    assert "person_hour" in bare.each_unknown
    assert (bare.each, bare.bearable, bare.lost) == (None, None, ())


def test_without_labels_or_a_version_it_is_unknown(tmp_path: Path) -> None:
    for name, made in {"unlabelled": {"labelled": False}, "empty": {"days": 5, "steps": 0}}.items():
        operations, loop = opened(aged_home(tmp_path / name, **made))  # type: ignore[arg-type]
        assert outlook_of(observed(operations, loop, operations.days(loop.name)), loop.economics).unknown


def test_before_the_first_release_the_risk_is_what_the_gate_promises(tmp_path: Path) -> None:
    operations, loop = opened(aged_home(tmp_path, steps=2))
    seen = observed(operations, loop, operations.days(loop.name))
    assert seen.released == 0
    risk = bad_releases_of(seen)
    assert isinstance(risk, Figure)
    assert (risk.value, risk.low, risk.high) == (pytest.approx(0.025), 0.0, 1.0)
    assert "1 in 40" in risk.basis
    strict = bad_releases_of(dataclasses.replace(seen, gate=hs.Gate(confidence=0.99)))
    assert isinstance(strict, Figure)
    assert strict.value == pytest.approx(0.005)
    told = outlook_of(seen, loop.economics)
    assert (told.unknown, told.bearable is not None) == ("", True)
    assert "bad_release" in outlook_of(seen, hs.Economics(currency="EUR", training_hour=2)).unknown


@given(
    st.floats(10, 1e6),
    st.floats(0.01, 10),
    st.floats(0.01, 0.9),
    st.floats(1, 1e4),
    st.floats(0.001, 0.2),
)
def test_waiting_costs_what_an_average_day_does_at_the_interval_of_least_cost(
    queries: float, value: float, quality: float, retraining: float, rate: float
) -> None:
    stakes = Stakes(queries, value, quality, retraining)
    pace = best_interval(stakes, rate)
    if pace.days is not None and rate * pace.days > 1e-4:
        assert stakes.per_day * -math.expm1(-rate * pace.days) == pytest.approx(pace.cost_per_day, rel=1e-6)


@pytest.mark.parametrize(
    ("outlook", "verdict", "retrains"),
    [
        (Outlook("EUR", lost=(11.0,), bearable=10.0, interval=9.0, each=5.0), RETRAIN, True),
        (Outlook("EUR", lost=(9.0,), bearable=10.0, interval=9.0, each=5.0), HOLD, False),
        (Outlook("EUR", unknown="unknown: say hs.Economics(bad_release=...)"), INCONCLUSIVE, False),
    ],
)
def test_a_loop_retrains_for_money_where_it_is_proven_to_pay(
    tmp_path: Path, outlook: Outlook, verdict: str, retrains: bool
) -> None:
    site = Site(tmp_path, retrain=dataclasses.replace(loop_of().retrain, when=hs.Economic(), cool_down=None))
    site.process.outlook = lambda state, days, windows: outlook
    site.live(1, 6)
    kinds = [entry.draft.kind for entry in site.store.entries()]
    assert ("retrain" in kinds) == retrains
    assert site.process.verdict is not None
    assert site.process.verdict.name == verdict


def test_a_policy_that_looks_at_no_outcomes_detects_no_silent_failure(aged: tuple[Operations, Loop]) -> None:
    operations, loop = aged
    seen = observed(operations, loop, operations.days(loop.name))
    assert isinstance(detection_days_of(seen), Figure)
    blind = dataclasses.replace(seen, retrain=hs.Retrain(when=hs.Schedule(at_latest="60d")))
    assert isinstance(detection_days_of(blind), Missing)
    both = hs.Sustained(hs.Realised(trail=20), 2) | hs.Sustained(hs.Realised(trail=14), 4, of=5)
    found = detection_days_of(dataclasses.replace(seen, retrain=hs.Retrain(when=both)))
    assert isinstance(found, Figure)
    assert "then 14 days of outcomes and 4 looks" in found.basis
