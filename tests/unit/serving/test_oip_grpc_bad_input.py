"""Over gRPC too, what contradicts itself or the contract is refused with a mend, and nothing is predicted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tritonclient.grpc import service_pb2 as pb

from tests.unit.serving.grpc_rig import Told, line_to, raw, typed
from tests.unit.serving.late import question
from tests.unit.serving.oip import inputs, tensor
from tests.unit.serving.rig import Rig

ROW = inputs([question(1)])


def without(name: str, *more: Any) -> list[Any]:
    """A good row's tensors, one of them exchanged."""
    return [*(one for one in ROW if one["name"] != name), *more]


def hour(datatype: str, *data: Any, shape: Any = None) -> list[Any]:
    return without("hour", tensor("hour", datatype, data, shape))


def changed(request: Any, change: Callable[[Any], object]) -> Any:
    change(request)
    return request


def lying(content: bytes, datatype: str = "INT64", shape: Any = (1,)) -> Any:
    """A request whose raw hour is of these bytes."""
    request = raw(hour("INT64", 8))
    request.inputs[-1].datatype, request.raw_input_contents[-1] = datatype, content
    del request.inputs[-1].shape[:]
    request.inputs[-1].shape.extend(shape)
    return request


def in_field(field: str, values: list[Any]) -> Any:
    """A request whose INT64 hour has its values elsewhere."""
    request = typed(hour("INT64", 8))
    request.inputs[-1].ClearField("contents")
    getattr(request.inputs[-1].contents, field).extend(values)
    return request


NAN, INFINITE = float("nan"), float("inf")
bytes_of_carrier = without("carrier", tensor("carrier", "BYTES", [b"\xff"]))
BAD: dict[str, tuple[Any, str, str]] = {
    "no inputs": (pb.ModelInferRequest(model_name="late"), "INVALID_ARGUMENT", "one tensor for each column"),
    "no model": (typed(ROW, model_name=""), "NOT_FOUND", "Known: late"),
    "unknown model": (typed(ROW, model_name="lat"), "NOT_FOUND", "Did you mean 'late'"),
    "unknown version": (typed(ROW, model_version="v9"), "NOT_FOUND", "Known: v1"),
    "path for a version": (typed(ROW, model_version="../v1"), "NOT_FOUND", "v1"),
    "bytes that are no message": (b"\xff\xff", "INVALID_ARGUMENT", "published interface"),
    "text not utf-8": (b"\x0a\x01\xff", "INVALID_ARGUMENT", "UTF-8"),
    "raw and typed": (
        changed(raw(ROW), lambda r: r.inputs[4].contents.int64_contents.append(8)),
        "INVALID_ARGUMENT",
        "Leave out one",
    ),
    "fewer raw contents": (changed(raw(ROW), lambda r: r.raw_input_contents.pop()), "INVALID_ARGUMENT", "each input"),
    "more raw contents": (
        changed(raw(ROW), lambda r: r.raw_input_contents.append(b"")),
        "INVALID_ARGUMENT",
        "each input",
    ),
    "raw without inputs": (
        pb.ModelInferRequest(model_name="late", raw_input_contents=[b"x"]),
        "INVALID_ARGUMENT",
        "each input",
    ),
    "raw too short": (lying(b"\x08\0\0"), "INVALID_ARGUMENT", "Send 8 bytes"),
    "raw too long": (lying(b"\x08" + b"\0" * 15), "INVALID_ARGUMENT", "Send 8 bytes"),
    "raw of another shape": (lying(b"\x08" + b"\0" * 7, shape=(2,)), "INVALID_ARGUMENT", "Send 8 bytes"),
    "raw boolean of another byte": (lying(b"\x02", "BOOL"), "INVALID_ARGUMENT", "Send 0 or 1"),
    "raw text of 4 GB": (lying(b"\xff\xff\xff\xffUA", "BYTES"), "INVALID_ARGUMENT", "4 bytes little-endian"),
    "wrong contents": (in_field("fp64_contents", [8.0]), "INVALID_ARGUMENT", "int64_contents, and there alone"),
    "contents twice": (
        changed(typed(ROW), lambda r: r.inputs[4].contents.uint_contents.append(8)),
        "INVALID_ARGUMENT",
        "there alone",
    ),
    "no contents": (in_field("int64_contents", []), "INVALID_ARGUMENT", "int64_contents"),
    "too few values": (typed(hour("INT64", 8, shape=[2])), "INVALID_ARGUMENT", "2 x 1 values"),
    "too many values": (typed(hour("INT64", 8, 9, shape=[1])), "INVALID_ARGUMENT", "1 x 1 values"),
    "typed half float": (
        changed(typed(ROW), lambda r: setattr(r.inputs[4], "datatype", "FP16")),
        "INVALID_ARGUMENT",
        "no other place",
    ),
    "unknown datatype": (
        changed(typed(ROW), lambda r: setattr(r.inputs[4], "datatype", "INT63")),
        "INVALID_ARGUMENT",
        "INT64",
    ),
    "typed text not utf-8": (typed(bytes_of_carrier), "INVALID_ARGUMENT", "UTF"),
    "no shape": (lying(b"\x08" + b"\0" * 7, shape=()), "INVALID_ARGUMENT", "at least one row"),
    "zero rows": (typed(hour("INT64", shape=[0])), "INVALID_ARGUMENT", "at least one row"),
    "negative": (typed(hour("INT64", 8, shape=[-1])), "INVALID_ARGUMENT", "at least one row"),
    "three dimensions": (typed(hour("INT64", 8, shape=[1, 1, 1])), "INVALID_ARGUMENT", "[rows]"),
    "huge rows": (typed(hour("INT64", 8, shape=[2**62])), "RESOURCE_EXHAUSTED", "10000 rows"),
    "huge width": (typed(hour("INT64", 8, shape=[1, 2**62])), "INVALID_ARGUMENT", "values"),
    "rows that differ": (typed(hour("INT64", 8, 9)), "INVALID_ARGUMENT", "as many rows"),
    "twice the same": (typed([*ROW, ROW[4]]), "INVALID_ARGUMENT", "Send each column once"),
    "unknown column": (typed([*ROW, tensor("hours", "INT64", [8])]), "INVALID_ARGUMENT", "Did you mean 'hour'"),
    "unknown output": (typed(ROW, outputs=[{"name": "arms"}]), "INVALID_ARGUMENT", "Did you mean 'arm'"),
    "output twice": (typed(ROW, outputs=[{"name": "arm"}] * 2), "INVALID_ARGUMENT", "each output once"),
    "very many outputs": (typed(ROW, outputs=[{"name": "arm"}] * 900), "INVALID_ARGUMENT", "each output once"),
    "missing column": (typed(without("hour")), "INVALID_ARGUMENT", "required"),
    "nan where null is not allowed": (typed(hour("FP64", NAN)), "INVALID_ARGUMENT", "null means missing"),
    "raw nan where null is not allowed": (raw(hour("FP32", NAN)), "INVALID_ARGUMENT", "null means missing"),
    "infinity": (typed(without("distance", tensor("distance", "FP64", [INFINITE]))), "INVALID_ARGUMENT", "null"),
    "fraction": (typed(hour("FP64", 1.5)), "INVALID_ARGUMENT", "whole number"),
    "above the maximum": (typed(hour("INT64", 24)), "INVALID_ARGUMENT", "at most"),
    "rounded": (typed(without("distance", tensor("distance", "INT64", [2**53 + 1]))), "INVALID_ARGUMENT", "Send FP64"),
    "from the future": (
        typed(without("asked_at", tensor("asked_at", "BYTES", ["2013-02-01T13:05:01Z"]))),
        "INVALID_ARGUMENT",
        "clock",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def told_of_bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What each bad request was answered, and a good one after all of them."""
    found: dict[str, Told] = {}

    async def scenario() -> None:
        rig = Rig(tmp_path_factory.mktemp("home"))
        await rig.route(generation=1, champion="v1")
        async with line_to(rig) as (line, _):
            for name, (request, _, _) in BAD.items():
                found[name] = await line.infer(request)
            assert rig.records() == []
            found["good"] = await line.infer(typed(ROW))
        await rig.close()

    asyncio.run(scenario())
    return found


@pytest.mark.parametrize(("name", "status", "mend"), [(name, *told[1:]) for name, told in BAD.items()], ids=list(BAD))
def test_bad_requests_are_told_how_to_mend_them(
    told_of_bad: dict[str, Told], name: str, status: str, mend: str
) -> None:
    told = told_of_bad[name]
    assert told.status == status, told
    assert told.parts is not None
    assert mend in told.parts["problem"] + told.parts["mend"], told.parts
    assert told.text == f"{told.parts['problem']} {told.parts['mend']}"
    assert told_of_bad["good"].status == "OK"
