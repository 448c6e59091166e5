"""Requests that wait at one time share a call of the model, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier

from homeostat.adapters.onnx.convert import convert
from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.app.gateway.batched import batching_of
from homeostat.app.gateway.counted import samples_of
from homeostat.data.contracts import Value
from homeostat.kernel.errors import InvalidInput, Unavailable
from homeostat.registry.models import Kind
from homeostat.serving.arms import answer
from homeostat.serving.batches import Batches
from homeostat.serving.batching import Batching, check_batching, decide, together
from homeostat.serving.live import Serving
from homeostat.serving.routing import Route
from homeostat.training.proof import TOLERANCE
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import NOW, PLAN, question
from tests.unit.serving.parts import Constant, expected
from tests.unit.serving.rig import Rig

ONE_INPUT: tuple[tuple[str, Kind], ...] = (("x", "number"),)


class Echo(Constant):
    """Answers x / 1,000; fails whole calls that hold a row of ``poison``; remembers the rows of each call."""

    def __init__(self, *poison: int, bad: float | None = None) -> None:
        super().__init__("v1", 0.0, ONE_INPUT)
        self._poison, self._bad = poison, bad
        self.calls: list[list[Value]] = []

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Any:
        rows = list(columns["x"])
        self.calls.append(rows)
        if self._bad is None and set(rows) & set(self._poison):
            raise ValueError(f"one of {rows}")
        return np.array([self._bad if row in self._poison else row / 1_000 for row in rows])  # type: ignore[operator]


def asked(batches: Batches, requests: Sequence[Sequence[int]]) -> list[Any]:
    """What requests that come at one time are told, failures included."""

    async def scenario() -> list[Any]:
        waiting = [batches.predict({"x": list(rows)}, len(rows)) for rows in requests]
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(scenario())


requests = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=20), min_size=1, max_size=20)


@given(requests, st.integers(2, 64))
def test_each_request_gets_its_own_rows_whoever_it_waits_with_and_no_call_has_more_rows_than_allowed(
    sent: list[list[int]], most: int
) -> None:
    model = Echo()
    assert asked(Batches(model, most), sent) == [[row / 1_000 for row in rows] for rows in sent]
    sizes = [len(rows) for rows in model.calls]
    assert max(sizes) <= most
    assert len(sizes) == -(-sum(len(rows) for rows in sent) // most)


@given(requests, st.integers(2, 64), st.integers(0, 99), st.sampled_from([None, float("nan"), 1.5]))
def test_a_row_that_a_model_cannot_take_fails_its_own_request_and_no_other(
    sent: list[list[int]], most: int, poison: int, bad: float | None
) -> None:
    found = asked(Batches(Echo(poison, bad=bad), most), sent)
    for rows, got in zip(sent, found, strict=True):
        if poison in rows:
            assert isinstance(got, Exception)
        else:
            assert got == [row / 1_000 for row in rows]


def test_a_request_without_company_is_predicted_in_the_next_turn_of_the_event_loop() -> None:
    async def scenario() -> None:
        model = Echo()
        task = asyncio.ensure_future(Batches(model, 64).predict({"x": [5]}, 1))
        for _ in range(2):
            await asyncio.sleep(0)
        assert model.calls == [[5]]
        assert await task == [0.005]

    asyncio.run(scenario())


def test_what_comes_while_the_model_computes_goes_together_after_it() -> None:
    async def scenario() -> None:
        loop, later = asyncio.get_running_loop(), []

        class Busy(Echo):
            def predict(self, columns: Mapping[str, Sequence[Value]]) -> Any:
                if not self.calls:  # as the event loop sees it: they have come by the time that it turns again
                    for x in (2, 3, 4):
                        loop.call_soon(lambda x=x: later.append(loop.create_task(batches.predict({"x": [x]}, 1))))
                return super().predict(columns)

        model = Busy()
        batches = Batches(model, 64)
        await batches.predict({"x": [1]}, 1)
        while len(later) < 3:
            await asyncio.sleep(0)
        await asyncio.gather(*later)
        assert model.calls == [[1], [2, 3, 4]]
        assert (batches.calls, batches.requests) == (2, 4)

    asyncio.run(scenario())


def test_a_long_request_takes_turns_with_short_ones() -> None:
    async def scenario() -> None:
        model = Echo()
        batches = Batches(model, 10)
        told: list[str] = []

        async def ask(name: str, rows: list[int]) -> None:
            await batches.predict({"x": rows}, len(rows))
            told.append(name)

        await asyncio.gather(ask("long", list(range(100))), ask("short", [200]), ask("other", [201, 202]))
        assert told == ["short", "other", "long"]
        assert [len(rows) for rows in model.calls] == [10, 10, *[10] * 8, 3]
        assert {200, 201, 202} <= set(model.calls[1])

    asyncio.run(scenario())


def test_what_nobody_waits_for_any_more_is_not_predicted() -> None:
    async def scenario() -> None:
        model = Echo()
        batches = Batches(model, 64)
        gone, stays = (asyncio.ensure_future(batches.predict({"x": [x]}, 1)) for x in (1, 2))
        asyncio.get_running_loop().call_soon(gone.cancel)
        assert await stays == [0.002]
        assert gone.cancelled() or isinstance((await asyncio.gather(gone, return_exceptions=True))[0], BaseException)
        assert model.calls == [[2]]

    asyncio.run(scenario())


def test_a_champion_that_fails_is_unavailable_to_the_request_that_it_fails_and_counted_for_it_alone() -> None:
    async def scenario() -> None:
        model = Echo(7)
        serving = Serving(Route("late", 1, "v1"), {"v1": model}, batches={"v1": Batches(model, 8)})
        failures: list[int] = []
        waiting = [
            answer(serving, ["u"], {"x": [x]}, lambda version, arm, rows, why: failures.append(rows)) for x in (6, 7, 8)
        ]
        good, bad, other = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(bad, Unavailable)
        assert [one[0].score for one in (good, other)] == [0.006, 0.008]  # type: ignore[index]
        assert failures == [1]

    asyncio.run(scenario())


class Timed(Constant):
    """A model with a cost of a call and of each row, on a clock of its own."""

    def __init__(self, call: float, row: float) -> None:
        super().__init__("v1", 0.5, ONE_INPUT)
        self._call, self._row, self.now = call, row, 0.0

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Any:
        self.now += self._call + self._row * len(columns["x"])
        return super().predict(columns)


@pytest.mark.parametrize(
    ("asked", "call", "row", "rows", "why"),
    [
        ("auto", 2e-6, 5e-6, 1, "quick"),
        ("auto", 40e-6, 1e-6, 1, "quick"),
        ("auto", 1e-3, 1e-3, 1, "no_gain"),
        ("auto", 300e-6, 60e-6, 64, "pays"),
        ("auto", 5e-3, 1e-6, 64, "pays"),
        ("off", 5e-3, 1e-6, 1, "off"),
        (32, 2e-6, 5e-6, 32, "asked"),
    ],
)
def test_auto_decides_by_what_a_row_costs_alone_and_in_company(
    asked: Batching, call: float, row: float, rows: int, why: str
) -> None:
    model = Timed(call, row)
    found = decide(asked, model, lambda: model.now)
    assert (found.rows, found.why) == (rows, why)
    if asked == "auto":
        assert found.seconds[1] == pytest.approx(call + row)
    assert found.seconds.get(16, call / 16 + row) == pytest.approx(call / 16 + row)


@pytest.mark.parametrize("given", [1, 0, 1_025, True, "on", None, 2.0])
def test_a_setting_that_is_none_is_refused_with_those_that_are(given: Any) -> None:
    with pytest.raises(InvalidInput, match="'off', 'auto', or how many rows"):
        check_batching(given, "late")


@pytest.fixture(scope="module")
def network() -> tuple[OnnxRuntime, list[dict[str, list[Value]]]]:
    """A neural network as it is served, and rows to ask it about."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(300, 20)).astype(np.float32), columns=[f"c{n}" for n in range(20)])
    estimator = MLPClassifier((64, 64), max_iter=400, random_state=0).fit(frame, frame.sum(axis=1) > 0)
    kinds: dict[str, Kind] = dict.fromkeys(frame.columns, "number")
    rows: list[dict[str, list[Value]]] = [{name: [row[name]] for name in kinds} for row in frame.to_dict("records")]
    return OnnxRuntime("v1", tuple(kinds.items()), convert(estimator, kinds)), rows


def test_a_network_says_the_same_of_a_row_whatever_the_company(
    network: tuple[OnnxRuntime, list[dict[str, list[Value]]]],
) -> None:
    runtime, rows = network
    alone = [together(runtime, [row])[0] for row in rows]
    for size in (2, 7, 16, 64, 200):
        for start in range(0, len(rows), size):
            found = together(runtime, rows[start : start + size])
            assert np.abs(np.array(found) - np.array(alone[start : start + size])).max() <= TOLERANCE


@pytest.mark.parametrize("batching", ["off", 4, 64])
def test_requests_through_the_doors_keep_their_ids_contracts_and_records_however_they_are_predicted(
    with_rig_of: Any, batching: Batching
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        sent: list[Any] = [[question(n, hour=n % 24)] for n in range(20)]
        sent[7] = [question(7, hour="late")]
        sent[9] = [question(100 + n, hour=n) for n in range(10)]
        replies = await asyncio.gather(
            *(rig.gateway.predict("late", rows, NOW) for rows in sent), return_exceptions=True
        )
        assert type(replies[7]).__name__ == "ContractBroken"
        good = [(rows, found) for rows, found in zip(sent, replies, strict=True) if isinstance(found, list)]
        assert len(good) == 19
        for rows, found in good:
            told = [one.probability for one in found]
            assert told == pytest.approx([expected(-1.0, row["hour"]) for row in rows], abs=1e-6)
        recorded = {record.prediction_id: record for record in rig.records()}
        ids = list(itertools.chain.from_iterable([one.prediction_id for one in found] for _, found in good))
        assert len(set(ids)) == len(ids) == len(recorded) == 28
        for rows, found in good:
            assert [recorded[one.prediction_id].question["hour"] for one in found] == [row["hour"] for row in rows]
        calls = rig.metric("homeostat_batched_calls_total", loop="late", version="v1")
        assert calls == {"off": 0, 4: 7, 64: 1}[batching]

    run: WithRig[object] = with_rig_of(replace(PLAN, batching=batching))
    run(scenario)


def test_what_was_decided_and_why_is_told(with_rig_of: Any) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await asyncio.gather(*(rig.gateway.predict("late", [question(n)], NOW) for n in range(6)))
        (told,) = batching_of(samples_of(rig.metrics.exposition().decode()), "late")
        assert (told["version"], told["rows"], told["why"], told["requests_per_call"]) == ("v1", 16, "asked", 6.0)
        assert told["text"] == "at most 16 rows of waiting requests in a call, as the loop asks"

    run: WithRig[object] = with_rig_of(replace(PLAN, batching=16))
    run(scenario)
