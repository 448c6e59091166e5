"""Traffic is split by unit, the same everywhere, and never reshuffled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.serving.routing import Experiment, ExperimentArm, Route, Shadow, place_for, place_of, shadows_of

shares = st.floats(0, 1)


def route(share: float, salt: str = "r1") -> Route:
    return Route("late", 3, "v1", canary="v2", share=share, salt=salt)


def arm_of(route: Route, unit: str) -> str:
    return place_for(route, unit)[0]


def experiment(name: str, share: float = 1.0, first: float = 0.5) -> Experiment:
    return Experiment(name, (ExperimentArm("a", "v2", first), ExperimentArm("b", "v3", 1.0 - first)), share)


@given(st.text(), shares, shares, st.text(max_size=40))
def test_raising_the_share_keeps_everyone_who_is_in(unit: str, one: float, other: float, salt: str) -> None:
    low, high = sorted((one, other))
    if arm_of(route(low, salt), unit) == "canary":
        assert arm_of(route(high, salt), unit) == "canary"


@given(st.text())
def test_all_or_nothing_is_exact(unit: str) -> None:
    assert arm_of(route(1.0), unit) == "canary"
    assert arm_of(route(0.0), unit) == "champion"
    assert arm_of(Route("late", 1, "v1", share=1.0), unit) == "champion"


def test_the_share_is_met_and_salts_split_independently() -> None:
    units = [f'["flight-{number}"]' for number in range(20_000)]
    first = {unit for unit in units if arm_of(route(0.25, "a"), unit) == "canary"}
    second = {unit for unit in units if arm_of(route(0.25, "b"), unit) == "canary"}
    assert len(first) == pytest.approx(5_000, abs=250)
    assert len(first & second) == pytest.approx(1_250, abs=150)


@given(st.text(), shares, shares, st.floats(0.01, 0.99))
def test_raising_the_share_of_an_experiment_moves_nobody_between_its_arms(
    unit: str, one: float, other: float, first: float
) -> None:
    low, high = sorted((one, other))
    before = place_for(Route("late", 1, "v1", experiments=(experiment("e", low, first),)), unit)
    after = place_for(Route("late", 2, "v1", experiments=(experiment("e", high, first),)), unit)
    assert before in (after, ("champion", "v1"))


def test_experiments_split_exactly_and_independently_of_each_other_and_of_the_rollout() -> None:
    units = [f'["flight-{number}"]' for number in range(40_000)]
    one = Route("late", 1, "v1", experiments=(experiment("one", 0.4, 0.25),))
    two = Route("late", 1, "v1", experiments=(experiment("two", 0.4, 0.25),))
    arms = {name: {unit for unit in units if arm_of(one, unit) == name} for name in ("one/a", "one/b")}
    assert len(arms["one/a"]) == pytest.approx(4_000, abs=250)
    assert len(arms["one/b"]) == pytest.approx(12_000, abs=400)
    other = {unit for unit in units if arm_of(two, unit) == "two/a"}
    assert len(arms["one/a"] & other) == pytest.approx(400, abs=80)
    canary = {unit for unit in units if arm_of(route(0.25), unit) == "canary"}
    assert len(arms["one/b"] & canary) == pytest.approx(3_000, abs=220)


def test_the_rollout_comes_before_experiments_and_these_in_their_order() -> None:
    both = (experiment("one"), experiment("two"))
    assert arm_of(Route("late", 1, "v1", canary="v9", share=1.0, experiments=both), "u") == "canary"
    assert arm_of(Route("late", 1, "v1", experiments=both), "u").startswith("one/")


def test_a_shadow_sees_its_share_of_the_units() -> None:
    units = [f"u{number}" for number in range(20_000)]
    shadowed = Route("late", 1, "v1", shadows=(Shadow("v2"), Shadow("v3", 0.1)))
    seen = [shadows_of(shadowed, unit) for unit in units]
    assert all("v2" in versions for versions in seen)
    assert sum("v3" in versions for versions in seen) == pytest.approx(2_000, abs=180)


def test_the_split_is_the_same_in_every_release() -> None:
    assert place_of("r1", "unit") == pytest.approx(0.8995507, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"generation": -1, "champion": "v1"},
        {"generation": 1, "champion": "v1", "share": 1.5},
        {"generation": 1, "champion": "v1", "share": float("nan")},
        {"generation": 1, "champion": None, "canary": "v2"},
        {"generation": 1, "champion": None, "shadows": (Shadow("v2"),)},
        {"generation": 1, "champion": "v1", "shadows": (Shadow("v2", 2.0),)},
        {"generation": 1, "champion": "v1", "shadows": (Shadow("v2"),) * 5},
        {"generation": 1, "champion": "v1", "experiments": (Experiment("e", ()),)},
        {"generation": 1, "champion": "v1", "experiments": (experiment("e"),) * 2},
        {"generation": 1, "champion": "v1", "experiments": (experiment("e", 1.0, 0.0),)},
    ],
)
def test_an_impossible_route_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Route("late", **wrong)  # type: ignore[arg-type]
