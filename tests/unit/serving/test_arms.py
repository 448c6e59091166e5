"""Every row gets an answer in its place; users never pay for a candidate."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import Unavailable
from homeostat.serving.arms import answer
from homeostat.serving.live import Serving
from homeostat.serving.routing import Arm, Route, place_for
from tests.unit.serving.parts import Beside, Constant

ROUTE = Route("late", 1, "v1", canary="v2", share=0.5, salt="r")
UNITS = [f"u{number}" for number in range(40)]
COLUMNS = {"hour": list(range(40))}
Failure = tuple[str, Arm, int]


def serving(canary: Constant, champion: float = 0.1, route: Route = ROUTE) -> Serving:
    """The canary in a process of its own, as it were."""
    return Serving(route, {"v1": Constant("v1", champion)}, {"v2": Beside(canary)})


def arm_of(route: Route, unit: str) -> Arm:
    return place_for(route, unit)[0]


def ask(serving: Serving) -> tuple[list[tuple[float, str, Arm, bool]], list[Failure]]:
    failures: list[Failure] = []

    def failed(version: str, arm: Arm, rows: int, why: Exception | None) -> None:
        failures.append((version, arm, rows))

    found = asyncio.run(answer(serving, UNITS, COLUMNS, failed))
    return [(a.score, a.version, a.arm, a.fell_back) for a in found], failures


def test_each_row_is_answered_by_its_own_arm() -> None:
    canary = Constant("v2", 0.2)
    whole = serving(canary)
    found, failures = ask(whole)
    for unit, row in zip(UNITS, found, strict=True):
        assert row == (
            (0.2, "v2", "canary", False) if arm_of(ROUTE, unit) == "canary" else (0.1, "v1", "champion", False)
        )
    assert {row[2] for row in found} == {"champion", "canary"}
    assert failures == []
    assert canary.asked == 1


@pytest.mark.parametrize(
    "bad",
    [
        RuntimeError("no"),
        np.array([0.5]),
        np.full(40, 0.5),
        np.full((20, 2), 0.5),
        float("nan"),
        float("inf"),
        1.2,
        -0.3,
    ],
    ids=["raises", "too few", "too many", "two columns", "nan", "infinite", "above one", "below zero"],
)
def test_a_failing_canary_is_answered_by_the_champion_and_counted(bad: object) -> None:
    found, failures = ask(serving(Constant("v2", bad)))
    canaries = [arm_of(ROUTE, unit) == "canary" for unit in UNITS]
    assert found == [(0.1, "v1", "champion", fell_back) for fell_back in canaries]
    assert failures == [("v2", "canary", sum(canaries))]


def test_a_canary_that_could_not_be_loaded_is_answered_by_the_champion() -> None:
    found, failures = ask(Serving(ROUTE, {"v1": Constant("v1", 0.1)}))
    assert {row[:3] for row in found} == {(0.1, "v1", "champion")}
    assert [failure[:2] for failure in failures] == [("v2", "canary")]


def test_a_failing_champion_is_unavailable_and_never_a_guess() -> None:
    with pytest.raises(Unavailable, match="v1"):
        ask(Serving(Route("late", 1, "v1"), {"v1": Constant("v1", ValueError("x"))}))


def test_no_champion_yet_says_to_come_back() -> None:
    with pytest.raises(Unavailable, match="no version to answer with"):
        ask(Serving(Route("late", 1, None)))


@given(st.lists(st.text(), min_size=1, max_size=30), st.floats(0, 1))
def test_rows_keep_their_order_however_the_arms_mix(units: list[str], share: float) -> None:
    class Echo(Constant):
        def predict(self, columns: object) -> object:
            return np.array(columns["x"]) / 100  # type: ignore[index]

    route = Route("late", 1, "v1", canary="v2", share=share)
    both = Serving(route, {"v1": Echo("v1", 0)}, {"v2": Beside(Echo("v2", 0))})
    found = asyncio.run(answer(both, units, {"x": list(range(len(units)))}, lambda *_: None))
    assert [round(row.score * 100) for row in found] == list(range(len(units)))


def test_rounding_just_outside_is_cut_off() -> None:
    found, failures = ask(Serving(Route("late", 1, "v1"), {"v1": Constant("v1", 1.0000001)}))
    assert {row[0] for row in found} == {1.0}
    assert failures == []
