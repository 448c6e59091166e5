"""Whatever is sent over gRPC has its answer, and rows are answered as over REST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from tests.unit.serving.conftest import WithRig
from tests.unit.serving.grpc_rig import Told, line_to, outputs_of, raw, typed
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, inputs, outputs, tensor
from tests.unit.serving.rig import Answer, Rig
from tests.unit.serving.test_oip_property import rows

MEMBERS = ["model_name", "model_version", "id"]
ANSWERED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"}
GOOD = [
    inputs([question(1), question(2, carrier="DL", hour=9)]),
    [*inputs([question(1)])[:4], tensor("m", "FP32", [8, 1], [1, 2])],
]
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
words = st.sampled_from(["hour", "carrier", "m", "late", "v1", "INT64", "FP64", "FP16", "BYTES", "BOOL", "arm"]) | texts
whole = st.sampled_from([0, 1, 2, -1, 8, 2**31 - 1, -(2**31)]) | st.integers(-(2**63), 2**63 - 1)
parameters = st.dictionaries(
    st.sampled_from(["binary_data", "binary_data_output", "content_type", "classification", "x"]),
    st.builds(pb.InferParameter)
    | st.booleans().map(lambda one: pb.InferParameter(bool_param=one))
    | whole.map(lambda one: pb.InferParameter(int64_param=one))
    | st.floats().map(lambda one: pb.InferParameter(double_param=one))
    | (st.sampled_from(["base64", "pd_json"]) | texts).map(lambda one: pb.InferParameter(string_param=one)),
    max_size=2,
)
contents = st.builds(
    pb.InferTensorContents,
    bool_contents=st.lists(st.booleans(), max_size=1),
    int_contents=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=1),
    int64_contents=st.lists(whole, max_size=2),
    fp64_contents=st.lists(st.floats(), max_size=2),
    bytes_contents=st.lists(st.binary(max_size=6) | st.just(b"UA"), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good request in which up to four things were exchanged, wherever they lay."""
    request = draw(st.sampled_from([typed, raw]))(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        one = draw(st.sampled_from(list(request.inputs) or [request.inputs.add()]))
        draw(st.sampled_from(CHANGES))(draw, request, one)
    return request


def _shape(draw: st.DrawFn, request: Any, one: Any) -> None:
    del one.shape[:]
    one.shape.extend(draw(st.lists(whole, max_size=3)))


def _raw(draw: st.DrawFn, request: Any, one: Any) -> None:
    kept = list(request.raw_input_contents)
    place = draw(st.integers(0, len(kept)))
    request.raw_input_contents[:] = [*kept[:place], draw(st.binary(max_size=20)), *kept[place + 1 :]]


CHANGES: list[Callable[[st.DrawFn, Any, Any], object]] = [
    _shape,
    _raw,
    lambda draw, request, one: setattr(one, draw(st.sampled_from(["name", "datatype"])), draw(words)),
    lambda draw, request, one: setattr(
        request, draw(st.sampled_from(["model_name", "model_version", "id"])), draw(words)
    ),
    lambda draw, request, one: one.contents.CopyFrom(draw(contents)),
    lambda draw, request, one: one.contents.MergeFrom(draw(contents)),
    lambda draw, request, one: [one.parameters[name].CopyFrom(value) for name, value in draw(parameters).items()],
    lambda draw, request, one: [request.parameters[name].CopyFrom(value) for name, value in draw(parameters).items()],
    lambda draw, request, one: request.inputs.add().CopyFrom(one),
    lambda draw, request, one: request.outputs.add(name=draw(words), parameters=draw(parameters)),
    lambda draw, request, one: request.inputs.remove(one),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The bytes of a good request, some of them changed, cut or added."""
    content = bytearray(draw(st.sampled_from([typed, raw]))(GOOD[0]).SerializeToString())
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)) | st.just(len(content)))]) + draw(st.binary(max_size=9))


def on_a_line(with_rig: WithRig[object], check: Callable[[Callable[[Any], Told], Callable[..., Answer]], None]) -> None:
    """A check in a thread, with a way to ask over gRPC and one over REST."""

    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        loop = asyncio.get_running_loop()
        async with line_to(rig) as (line, _):

            def infer(request: Any) -> Told:
                return asyncio.run_coroutine_threadsafe(line.infer(request), loop).result(60)

            def ask(*arguments: Any) -> Answer:
                return asyncio.run_coroutine_threadsafe(rig.ask(*arguments), loop).result(60)

            await asyncio.to_thread(check, infer, ask)

    with_rig(scenario)


def test_no_request_whatever_is_a_fault_of_ours(with_rig: WithRig[object]) -> None:
    def check(infer: Callable[[Any], Told], ask: Callable[..., Answer]) -> None:
        @given(mutated() | damaged() | st.binary())
        @settings(max_examples=400, deadline=None)
        def answered_or_mended(request: Any) -> None:
            told = infer(request)
            assert told.status in ANSWERED, told
            assert told.status == "OK" or (told.parts and told.parts["mend"]), told

        answered_or_mended()

    on_a_line(with_rig, check)


def test_rows_are_answered_as_over_rest(with_rig: WithRig[object]) -> None:
    def check(infer: Callable[[Any], Told], ask: Callable[..., Answer]) -> None:
        @given(st.lists(rows, min_size=1, max_size=5))
        @settings(max_examples=60, deadline=None)
        def alike(given_rows: list[dict[str, Any]]) -> None:
            columns = inputs(given_rows)
            numbers = [row[name] for row in given_rows for name in ("hour", "distance")]
            texts_alone = [one for one in columns if one["datatype"] == "BYTES"]
            matrix = [*texts_alone, tensor("m", "FP64", numbers, [len(given_rows), 2])]
            wanted = outputs(ask("POST", INFER, {"inputs": columns}))
            for request in (typed(columns), raw(columns), typed(matrix), raw(matrix)):
                found = outputs_of(infer(request))
                for name in ("prediction", "probability", "version", "arm"):
                    assert found[name] == wanted[name]

        alike()

    on_a_line(with_rig, check)
