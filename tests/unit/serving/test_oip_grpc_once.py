"""A call with an idempotency key: over gRPC as over HTTP, one answer and one record, whoever gives up or dies."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb

from tests.unit.serving.conftest import WithRig
from tests.unit.serving.grpc_rig import NOW, Line, Told, raw, typed
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, inputs
from tests.unit.serving.rig import NOW_HEADER, Rig
from tests.unit.serving.test_oip_grpc import run
from tests.unit.serving.test_once import _died

KEY = ("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324")
ROWS = inputs([question(1), question(2)])
LATER = ("homeostat-now", "2013-02-01T14:00:00Z")


async def told(line: Line, request: Any, key: str = KEY[1], now: tuple[str, str] = NOW[0]) -> Told:
    return await line.infer(request, metadata=(now, ("idempotency-key", key)))


async def bytes_of(line: Line, request: bytes, now: tuple[str, str] = NOW[0]) -> bytes:
    """An answer as it came over the wire."""
    asked = line.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    found: bytes = await asked(request, metadata=(now, KEY), timeout=20)
    return found


def test_a_retried_call_gets_the_same_bytes_and_is_recorded_once(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        for make in (raw, typed):
            request = make(ROWS, id=make.__name__).SerializeToString()
            key = ("idempotency-key", make.__name__)
            asked = line.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            first, again = [await asked(request, metadata=(now, key), timeout=20) for now in (NOW[0], LATER)]
            assert first == again
        assert len(rig.records()) == len({one.prediction_id for one in rig.records()}) == 4
        assert rig.metric("homeostat_idempotent_requests_total", outcome="repeated") == 2

    run(with_rig, scenario)


def test_a_client_that_writes_parameters_in_another_order_repeats_its_call(with_rig: WithRig[object]) -> None:
    one, other = (
        pb.ModelInferRequest(parameters={name: pb.InferParameter(int64_param=7)}).SerializeToString() for name in "ab"
    )
    whole = raw(ROWS).SerializeToString()

    async def scenario(rig: Rig, line: Line) -> None:
        assert await bytes_of(line, whole + one + other) == await bytes_of(line, whole + other + one)
        assert len(rig.records()) == 2

    run(with_rig, scenario)


def test_another_call_under_the_same_key_is_refused_in_parts_whatever_differs(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        assert (await told(line, raw(ROWS))).status == "OK"
        for other in (raw(inputs([question(3), question(2)])), raw(ROWS, model_version="v1"), raw(ROWS, id="x")):
            refused = await told(line, other)
            assert refused.status == "INVALID_ARGUMENT"
            assert refused.parts is not None
            assert refused.parts["code"] == "idempotency_key_reused"
            assert "key of its own" in refused.parts["mend"]
        assert (await told(line, raw(ROWS), key="another")).status == "OK"
        assert len(rig.records()) == 4

    run(with_rig, scenario)


def test_a_key_belongs_to_the_door_that_it_was_sent_to(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        rest = await rig.ask("POST", INFER, {"inputs": ROWS}, {**NOW_HEADER, KEY[0]: KEY[1]})
        first, again = await told(line, raw(ROWS)), await told(line, raw(ROWS))
        assert (rest.status, first.status, again) == (200, "OK", first)
        assert len(rig.records()) == len({one.prediction_id for one in rig.records()}) == 4

    run(with_rig, scenario)


@pytest.mark.parametrize("key", ["", "a" * 256])
def test_what_is_no_key_is_refused(with_rig: WithRig[object], key: str) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        refused = await told(line, raw(ROWS), key=key)
        assert (refused.status, refused.parts and refused.parts["code"]) == ("INVALID_ARGUMENT", "invalid_input")
        live = await line.call("ServerLive", b"", metadata=(("idempotency-key", key),))
        assert live.message.live
        assert not rig.records()

    run(with_rig, scenario)


def test_errors_are_not_remembered_and_the_mended_call_may_keep_its_key(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        assert (await told(line, raw(inputs([question(hour=99)])))).status == "INVALID_ARGUMENT"
        assert (await told(line, raw(ROWS, model_version="v9"))).status == "NOT_FOUND"
        assert (await told(line, raw(ROWS))).status == "OK"

    run(with_rig, scenario)


def test_of_calls_at_once_one_is_answered_and_the_others_wait_or_get_its_answer(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        every = await asyncio.gather(*(told(line, raw(ROWS)) for _ in range(8)))
        answered = [one for one in every if one.status == "OK"]
        waiting = [one for one in every if one.status == "ABORTED"]
        assert len(answered) + len(waiting) == 8
        assert all(one == answered[0] for one in answered)
        assert {one.parts["code"] for one in waiting if one.parts} <= {"request_under_way"}
        assert await told(line, raw(ROWS)) == answered[0]
        assert len(rig.records()) == 2

    run(with_rig, scenario)


def test_a_gateway_killed_between_recording_and_remembering_leads_to_the_recorded_answer(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        request = raw(ROWS).SerializeToString()
        first = await bytes_of(line, request)
        _died(rig.home)
        rig.landed({"flight_id": "l", "arrived_at": 1, "carrier": "UA", "origin": "JFK", "arr_delay": 99.0})
        assert await bytes_of(line, request, now=LATER) == first
        assert len(rig.records()) == 2

    run(with_rig, scenario)


@pytest.mark.parametrize("stage", ["claimed", "recorded"])
def test_a_call_that_is_given_up_goes_on_and_its_retry_gets_what_it_led_to(
    with_rig: WithRig[object], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        entered, go = threading.Event(), threading.Event()
        append, claim = rig.spool.append, rig.answers._claim

        async def slowly(records: Any) -> None:
            await append(records)
            entered.set()
            await asyncio.to_thread(go.wait)

        def late(*arguments: Any) -> Any:
            found = claim(*arguments)
            entered.set()
            go.wait()
            return found

        monkeypatch.setattr(*((rig.spool, "append", slowly) if stage == "recorded" else (rig.answers, "_claim", late)))
        ask = line.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        call = ask(raw(ROWS).SerializeToString(), metadata=(*NOW, KEY))
        await asyncio.to_thread(entered.wait)
        call.cancel()
        while not rig.metric("homeostat_requests_total", door="grpc_infer", loop="late", status="499"):
            await asyncio.sleep(0)
        go.set()
        while (found := await told(line, raw(ROWS))).status == "ABORTED":
            pass
        assert found.status == "OK"
        assert len(rig.records()) == 2
        assert rig.metric("homeostat_idempotent_requests_total", outcome="taken_up") == 0

    run(with_rig, scenario)


def test_a_deadline_that_passes_is_the_callers_alone(
    with_rig: WithRig[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(rig: Rig, line: Line) -> None:
        go, append = asyncio.Event(), rig.spool.append

        async def late(records: Any) -> None:
            await go.wait()
            await append(records)

        monkeypatch.setattr(rig.spool, "append", late)
        ask = line.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.aio.AioRpcError) as passed:
            await ask(raw(ROWS).SerializeToString(), metadata=(*NOW, KEY), timeout=2.0)
        assert passed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await told(line, raw(ROWS))).status == "ABORTED"
        go.set()
        while (found := await told(line, raw(ROWS))).status == "ABORTED":
            pass
        assert (found.status, len(rig.records())) == ("OK", 2)

    run(with_rig, scenario)
