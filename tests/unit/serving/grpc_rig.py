"""The gRPC port of a rig, and requests for it made from rows without the code under test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from tritonclient.grpc import service_pb2 as pb

from homeostat.app.gateway.door_parts import GatewaySettings
from homeostat.app.tracing.tracer import Tracer
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.oip.repository import Repository
from homeostat.web.doors.oip_grpc.server import OipGrpc
from homeostat.web.doors.once import Once
from homeostat.web.doors.requests import SlowSenders
from homeostat.web.doors.traced.asking import TracedAsking
from homeostat.web.doors.traced.grpc import TracedGrpc
from tests.harness.ports import free_ports
from tests.unit.serving.oip import packed, unpacked
from tests.unit.serving.rig import Rig

NOW = (("homeostat-now", "2013-02-01T13:00:00Z"),)
FIELDS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a call was answered: a message, or a status with its text and its parts."""

    status: str
    message: Any = None
    text: str = ""
    parts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A channel to a gateway's gRPC port."""

    channel: Any

    async def call(self, name: str, request: Any, metadata: Any = NOW) -> Told:
        """One call; ``request`` may be bytes that are no message."""
        asked = self.channel.unary_unary(f"/inference.GRPCInferenceService/{name}")
        content = request if isinstance(request, bytes) else request.SerializeToString()
        try:
            reply = await asked(content, metadata=metadata, timeout=20)
        except grpc.aio.AioRpcError as error:
            trailing = dict(error.trailing_metadata())
            parts = trailing.get("homeostat-error-bin")
            return Told(error.code().name, None, error.details() or "", json.loads(parts) if parts else None)
        return Told("OK", getattr(pb, f"{name}Response").FromString(reply))

    async def infer(self, request: Any, **options: Any) -> Told:
        """Ask for predictions."""
        return await self.call("ModelInfer", request, **options)


@asynccontextmanager
async def line_to(
    rig: Rig, *, slowest: int = 30, limit: int = 64 * 1024, tracer: Tracer | None = None
) -> AsyncIterator[tuple[Line, SlowSenders]]:
    """A gRPC port before the rig's use case, and a channel to it."""
    port = free_ports()
    bodies = SlowSenders(slowest)
    asking = (TracedAsking if tracer else Asking)(
        rig.gateway, rig.live, rig.metrics, rig.clock, bodies, limit, rig.recorder
    )
    told = GatewaySettings(rig.home, 0, "", "", grpc_port=port, slowest_sender_seconds=slowest, max_body_bytes=limit)
    of = (asking, Once(asking, rig.answers), Repository.of(asking), told)
    server = TracedGrpc(*of, tracer) if tracer else OipGrpc(*of)
    await server.open()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Line(channel), bodies
    finally:
        await server.close(0)


def typed(tensors: Sequence[Any], **members: Any) -> Any:
    """Tensors of ``tests.unit.serving.oip`` as a request with typed contents."""
    request = _head(tensors, members)
    for one, into in zip(tensors, request.inputs, strict=True):
        values = [value.encode() if isinstance(value, str) else value for value in one["data"]]
        known = [float("nan") if value is None else value for value in values]
        getattr(into.contents, FIELDS[one["datatype"]]).extend(known)
    return request


def raw(tensors: Sequence[Any], **members: Any) -> Any:
    """The same with raw contents."""
    request = _head(tensors, members)
    request.raw_input_contents.extend(packed(one["datatype"], one["data"]) for one in tensors)
    return request


def _head(tensors: Sequence[Any], members: Mapping[str, Any]) -> Any:
    request = pb.ModelInferRequest(**{"model_name": "late", **members})
    for one in tensors:
        request.inputs.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
    return request


def outputs_of(told: Told) -> dict[str, list[Any]]:
    """The tensors of an answer by name."""
    assert told.status == "OK", told
    contents = told.message.raw_output_contents
    each = zip(told.message.outputs, contents, strict=True)
    return {one.name: unpacked(one.datatype, one.shape[0], content) for one, content in each}
