"""Traffic is split by unit, the same everywhere, and never reshuffled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.serving.routing import Route, arm_of, place_of

shares = st.floats(0, 1)


def route(share: float, salt: str = "r1") -> Route:
    return Route("late", 3, "v1", canary="v2", share=share, salt=salt)


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


def test_the_split_is_the_same_in_every_release() -> None:
    assert place_of("r1", "unit") == pytest.approx(0.8995507, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"generation": -1, "champion": "v1"},
        {"generation": 1, "champion": "v1", "share": 1.5},
        {"generation": 1, "champion": "v1", "share": float("nan")},
        {"generation": 1, "champion": None, "canary": "v2"},
    ],
)
def test_an_impossible_route_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Route("late", **wrong)  # type: ignore[arg-type]
