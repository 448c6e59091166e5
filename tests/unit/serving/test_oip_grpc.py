"""Over gRPC, rows are answered as over REST, and what is wrong is told in a status, a text and its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb

from homeostat.kernel.errors import ContractBroken
from homeostat.web.doors.oip_grpc.messages import SERVICE
from homeostat.web.doors.oip_grpc.refusals import parts_of_error, text_of_error
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.grpc_rig import NOW, Line, line_to, outputs_of, raw, typed
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, WIDE, inputs, outputs, tensor
from tests.unit.serving.rig import Rig

ROWS = [question(1), question(2, carrier="DL", hour=9)]
ROW = inputs(ROWS[:1])
Scenario = Callable[[Rig, Line], Awaitable[None]]


def run(with_rig: WithRig[object], scenario: Scenario) -> None:
    """A scenario on a rig that serves v1, with a gRPC port."""

    async def whole(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1", standby=None)
        async with line_to(rig) as (line, _):
            await scenario(rig, line)

    with_rig(whole)


def without(name: str, *more: Any) -> list[Any]:
    """A good row's tensors, one of them exchanged."""
    return [*(one for one in ROW if one["name"] != name), *more]


def test_rows_are_answered_alike_raw_typed_and_over_rest(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        rest = outputs(await rig.ask("POST", INFER, {"inputs": inputs(ROWS)}))
        matrix = [*inputs(ROWS)[:4], tensor("m", "FP32", [8, 1400, 9, 1400], [2, 2])]
        for request in (typed(inputs(ROWS)), raw(inputs(ROWS)), typed(matrix), raw(matrix)):
            found = outputs_of(await line.infer(request))
            assert list(found) == list(rest)
            for name in ("prediction", "probability", "version", "arm", "defaulted", "warnings"):
                assert found[name] == rest[name]
        assert [record.prediction_id for record in rig.records()][-2:] == found["prediction_id"]

    run(with_rig, scenario)


def test_columns_of_every_kind_and_missing_values_are_read(
    with_rig_of: Callable[[Any], WithRig[object]],
) -> None:
    more = [
        tensor("wet", "BOOL", [True]),
        tensor("planned", "BYTES", ["2013-02-01T12:00:00Z"]),
        tensor("note", "BYTES", ["\u00e9"]),
        tensor("seats", "UINT8", [200]),
        tensor("distance", "FP64", [None]),
    ]

    async def scenario(rig: Rig, line: Line) -> None:
        for make in (typed, raw):
            assert (await line.infer(make(without("distance", *more)))).status == "OK"
        for record in rig.records():
            kept = {name: record.question[name] for name in ("wet", "note", "seats", "distance")}
            assert kept == {"wet": True, "note": "\u00e9", "seats": 200, "distance": None}

    run(with_rig_of(WIDE), scenario)


def test_what_may_be_left_out_is_filled_in_and_id_and_parameters_come_back(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        given = {"mine": pb.InferParameter(string_param="x"), "n": pb.InferParameter(int64_param=-3)}
        request = typed([one for one in ROW if one["name"] not in ("flight_id", "asked_at")], id="q", parameters=given)
        request.outputs.add(name="version")
        told = await line.infer(request)
        assert outputs_of(told) == {"version": ["v1"]}
        assert (told.message.id, told.message.model_name, told.message.model_version) == ("q", "late", "v1")
        assert dict(told.message.parameters) == given
        assert rig.records()[0].key == '["q/0"]'

    run(with_rig, scenario)


def test_the_present_and_the_consumer_come_as_metadata_and_calls_are_counted(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        rig.metrics.consumer_of = lambda loop, told: told or "unregistered"
        assert (await line.infer(typed(ROW), metadata=())).parts["code"] == "invalid_input"  # type: ignore[index]
        told = await line.infer(typed(ROW), metadata=(("homeostat-consumer", "board"), *NOW))
        assert told.status == "OK"
        assert rig.records()[0].served_at == 1_359_723_600_000_000
        assert rig.metric("homeostat_consumers_requests_total", loop="late", consumer="board") == 1
        for status in ("200", "400"):
            labels = {"door": "grpc_infer", "loop": "late", "status": status}
            assert rig.metric("homeostat_requests_total", **labels) == 1
        assert rig.metric("homeostat_predict_seconds_count", loop="late") == 2

    run(with_rig, scenario)


def test_it_is_unavailable_and_not_ready_before_a_first_version(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        async with line_to(rig) as (line, _):
            told = await line.infer(typed(ROW))
            assert (told.status, told.parts and told.parts["code"]) == ("UNAVAILABLE", "unavailable")
            assert (await line.call("ServerLive", b"")).message.live
            assert not (await line.call("ServerReady", b"")).message.ready
            assert not (await line.call("ModelReady", pb.ModelReadyRequest(name="late"))).message.ready
            (index,) = (await line.call("RepositoryIndex", b"")).message.models
            assert (index.state, "first version" in index.reason) == ("UNAVAILABLE", True)
            await rig.route(generation=1, champion="v1")
            assert (await line.call("ServerReady", b"")).message.ready
            for name, version, ready in (
                ("late", "", True),
                ("late", "v1", True),
                ("late", "v9", False),
                ("x", "", False),
            ):
                asked = pb.ModelReadyRequest(name=name, version=version)
                assert (await line.call("ModelReady", asked)).message.ready is ready

    with_rig(scenario)


def test_a_message_that_does_not_come_is_not_waited_for(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        async with line_to(rig, slowest=1) as (line, bodies):
            stalled = line.channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")()
            while not bodies._reading:
                await asyncio.sleep(0)
            bodies.look()
            bodies.look()
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await stalled
            assert told.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert dict(told.value.trailing_metadata())["homeostat-code"] == "too_slow"

    with_rig(scenario)


def test_messages_over_the_limit_are_refused_packed_ones_too(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        async with line_to(rig, limit=10_000) as (line, _):
            told = await line.infer(b"\0" * 10_001)
            assert (told.status, told.parts and told.parts["code"]) == ("RESOURCE_EXHAUSTED", "too_large")
            ask = line.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for size in (30_000, 30_000_000):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await ask(b"\0" * size, compression=grpc.Compression.Gzip)
                assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    with_rig(scenario)


def test_a_fault_of_ours_says_nothing_of_its_inside(with_rig: WithRig[object], monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        monkeypatch.setattr(rig.spool, "append", None)
        told = await line.infer(typed(ROW))
        assert (told.status, told.parts and told.parts["code"]) == ("INTERNAL", "homeostat_error")
        assert "NoneType" not in told.text

    run(with_rig, scenario)


def test_an_error_of_any_size_fits_into_what_clients_take(with_rig: WithRig[object]) -> None:
    breaks = [{"row": place, "problem": "x" * 50} for place in range(100)]
    told = ContractBroken("Row 0.", mend="Mend it.", count=100, breaks=breaks)
    (_, code), (_, parts) = parts_of_error(told)
    assert (code, len(parts) < 4_000, b'"row":9' in parts) == ("contract_broken", True, True)
    for text in ("x" * 9_000, "\u20ac" * 9_000, "\ud800" * 9_000):
        long = ContractBroken(text, mend=text, what=text)
        assert len(text_of_error(long)) < 2_000
        assert len(parts_of_error(long)[1][1]) < 4_000

    async def scenario(rig: Rig, line: Line) -> None:
        told = await line.infer(typed([*ROW, tensor("\u20ac" * 20_000, "INT64", [8])]))
        assert told.status == "INVALID_ARGUMENT"
        many = [question(place, hour=99, carrier="\u20ac" * 50) for place in range(100)]
        told = await line.infer(typed(inputs(many)))
        assert (told.status, told.parts and told.parts["facts"]["count"]) == ("INVALID_ARGUMENT", 200)

    run(with_rig, scenario)


def test_every_call_of_the_interface_is_answered(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        for name in SERVICE.methods_by_name:
            assert (await line.call(name, b"")).status in ("OK", "NOT_FOUND"), name
        assert (await line.call("ModelConfig", b"")).status == "UNIMPLEMENTED"

    run(with_rig, scenario)
