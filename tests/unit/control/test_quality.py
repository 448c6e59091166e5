"""Quality limits: proof on the same rows flips or halts, unknown never does, and looking often makes no proof."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.by_hand import redeploy
from homeostat.control.quality import MIN_DAYS, QualitySeen, confidence_of, halt, judge_quality
from homeostat.control.reading import quality_of
from homeostat.control.state import LoopState
from homeostat.control.transitions import next_route
from homeostat.kernel.errors import InvalidInput, Refused
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, ROLL_BACK, Reason, Verdict
from homeostat.serving.routing import Experiment, ExperimentArm, Route
from homeostat.stats.intervals import Interval, block_mean_from_sums
from tests.unit.control.rig import DAY, Outside, Site

PATIENT = hs.Retrain(when=hs.Schedule(at_latest="60d"), cool_down="3d", first_holdout="3d", min_rows=100)
STRICT = hs.Limits(quality=0.01)
PROMOTED = 18
"""The midnight by which version 2 is promoted, and the rollout of version 3 opens."""


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 10, 9_000, 0.95)


@given(st.floats(-0.5, 0.5), st.floats(0, 0.5), st.floats(0, 0.2))
def test_only_proof_beyond_the_limit_fires(low: float, width: float, limit: float) -> None:
    found = judge_quality(QualitySeen("v2", "v1", 10, interval(low, low + width)), limit)
    assert found.name == (ROLL_BACK if low > limit else HOLD)


def test_unknown_never_fires() -> None:
    assert judge_quality(QualitySeen("v2", "v1", 2, None), 0.0).name == INCONCLUSIVE


def test_all_looks_at_a_pair_err_with_one_in_twenty_at_most() -> None:
    assert sum((1 - confidence_of(days)) / 2 for days in range(MIN_DAYS, 5_000)) < 0.05
    assert all(0.5 < confidence_of(days) < 1 for days in range(5_000))


def test_two_equal_versions_looked_at_every_day_of_a_year_are_seldom_told_apart() -> None:
    drawn = np.random.default_rng(7)
    fired = 0
    for _ in range(150):
        losses = drawn.normal(0, 1.0, 120)
        looks = (
            block_mean_from_sums(losses[:days], np.ones(days), confidence=confidence_of(days)).low > 0
            for days in range(MIN_DAYS, 121)
        )
        fired += any(looks)
    assert fired <= 0.05 * 150


@pytest.mark.parametrize("part", ["quality", "arm_quality"])
@pytest.mark.parametrize("limit", [-0.1, float("nan"), float("inf")])
def test_a_limit_that_is_no_margin_is_refused(part: str, limit: float) -> None:
    with pytest.raises(InvalidInput, match="no margin"):
        hs.Limits(**{part: limit})  # type: ignore[arg-type]


def _kinds(site: Site) -> list[str]:
    return [entry.draft.kind for entry in site.store.entries()]


def test_a_champion_that_turns_out_worse_than_its_standby_is_taken_back_and_marked(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(worse={"v2": 0.05}), limits=STRICT)
    before = site.live(1, PROMOTED)
    assert (before.route.champion, before.route.standby) == ("v2", "v1")
    state = site.live(PROMOTED + 1, PROMOTED + 4)
    assert state.route.champion == "v1"
    assert state.versions["v2"].name == "rolled_back"
    drafts = [entry.draft for entry in site.store.entries() if entry.draft.actor == "limits"]
    assert [draft.version for draft in drafts] == ["v3", "v2"]
    assert drafts[0].reasons[0] == "v3 was judged against v2, which is to leave"
    assert drafts[1].reasons[0].startswith("log-loss of v2 minus that of v1 on the same rows at least 0.04")
    assert drafts[1].evidence["seen"]["days"] == MIN_DAYS
    assert site.outside.served[-1].champion == "v1"
    with pytest.raises(Refused, match="taken back"):
        redeploy(state, "v2", Verdict(ROLL_BACK, ()), 30 * DAY, "me", override=False)


@pytest.mark.parametrize("limits", [hs.Limits(), hs.Limits(quality=0.1)])
def test_without_a_limit_or_within_it_the_champion_stays(tmp_path: Path, limits: hs.Limits) -> None:
    site = Site(tmp_path, Outside(worse={"v2": 0.05}), limits=limits)
    site.live(1, PROMOTED + 6)
    assert "limits" not in {entry.draft.actor for entry in site.store.entries()}


def test_what_was_seen_before_it_came_does_not_count_against_it(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(worse={"v2": 0.05}))
    state = site.live(1, PROMOTED + 3)
    days = [day for _, day in site.store.days("demo")]
    seen = quality_of(state, days, "v2", "v1")
    assert (seen.days, seen.difference) == (2, None)
    assert quality_of(site.live(PROMOTED + 4, PROMOTED + 4), days, "v2", "v9").days == 0


def _experimenting(folder: Path, outside: Outside, **parts: Any) -> tuple[Site, LoopState]:
    """Version 2 is the champion, and version 1 an arm of an experiment beside it."""
    site = Site(folder, outside, retrain=PATIENT, **parts)
    state = site.live(1, 6)
    arms = (ExperimentArm("a", "v1", 0.5), ExperimentArm("b", "v9", 0.5))
    route = next_route(state.route, experiments=(Experiment("checkout", arms),))
    return site, site.store.commit(state, dataclasses.replace(state, route=route), (), ())


def test_an_arm_that_turns_out_worse_is_not_asked_any_more_and_keeps_its_units(tmp_path: Path) -> None:
    site, before = _experimenting(tmp_path, Outside(worse={"v9": 0.02}))
    assert before.route.arms == ("v9",)
    state = site.live(7, 14)
    assert (state.route.halted, state.route.arms, state.route.candidates) == (("v9",), (), ())
    assert state.route.experiments == before.route.experiments
    assert state.route.generation == before.route.generation + 1
    draft = next(entry.draft for entry in site.store.entries() if entry.draft.kind == "halt")
    assert (draft.version, draft.actor) == ("v9", "limits")
    assert draft.title == "v9 is not asked any more as checkout/b; v1 answers"
    assert site.outside.served[-1] == state.route
    assert _kinds(site).count("halt") == 1


@pytest.mark.parametrize("worse", [{"v9": -0.02}, {"v9": 0.0}])
def test_an_arm_that_is_not_proven_worse_goes_on(tmp_path: Path, worse: dict[str, float]) -> None:
    site, _ = _experimenting(tmp_path, Outside(worse=worse))
    assert site.live(7, 20).route.halted == ()


def test_an_experiment_may_run_whatever_it_costs(tmp_path: Path) -> None:
    site, _ = _experimenting(tmp_path, Outside(worse={"v9": 0.5}), limits=hs.Limits(arm_quality=None))
    assert site.live(7, 14).route.halted == ()


def test_only_an_arm_stays_halted(tmp_path: Path) -> None:
    arms = (ExperimentArm("a", "v2", 0.5), ExperimentArm("b", "v9", 0.5))
    state = LoopState("demo", 1, Route("demo", 3, "v2", experiments=(Experiment("e", arms),)))
    route = halt(state, "v9", Verdict(ROLL_BACK, (Reason("x", 1, 0, "1 > 0"),)), 5, {}).state.route
    assert route.halted == ("v9",)
    assert next_route(route, share=0.0).halted == ("v9",)
    assert next_route(route, canary="v9", share=0.1).halted == ()
    assert next_route(route, champion="v9").halted == ()
    assert next_route(route, experiments=()).halted == ()
    assert next_route(route, champion=None).halted == ()
