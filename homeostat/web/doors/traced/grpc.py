"""A span for every call over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from homeostat.app.gateway.door_parts import GatewaySettings
from homeostat.app.tracing.tracer import CURRENT, Trace, Tracer
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.traces import Place, place_of
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.oip.repository import Repository
from homeostat.web.doors.oip_grpc.calls import Call
from homeostat.web.doors.oip_grpc.messages import SERVICE
from homeostat.web.doors.oip_grpc.refusals import grpc_status
from homeostat.web.doors.oip_grpc.server import Asked, OipGrpc
from homeostat.web.doors.once import Once
from homeostat.web.doors.traced.application import ERROR
from homeostat.web.statuses import status_of

_FAULTS = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
"""What the standard counts as a failure of a server."""


class TracedGrpc(OipGrpc):
    """As ``OipGrpc``."""

    def __init__(
        self, asking: Asking, once: Once, repository: Repository, settings: GatewaySettings, tracer: Tracer
    ) -> None:
        super().__init__(asking, once, repository, settings)
        self._tracer = tracer

    async def _answered(self, call: Call, messages: AsyncIterator[bytes], context: Any) -> bytes:
        trace = self._tracer.begin(_caller(context))
        if trace is None:
            return await super()._answered(call, messages, context)
        method = f"{SERVICE.full_name}/{call.request.DESCRIPTOR.name.removesuffix('Request')}"
        trace.facts = {
            "rpc.system.name": "grpc",
            "rpc.method": method,
            "rpc.response.status_code": "CANCELLED",  # unless it is answered
        }
        token = CURRENT.set(trace)
        try:
            return await super()._answered(call, messages, context)
        finally:
            CURRENT.reset(token)
            trace.finish(method, "server")

    async def _answer(self, call: Call, asked: Asked) -> bytes | HomeostatError:
        found = await super()._answer(call, asked)
        if trace := CURRENT.get():
            _note(trace, found)
        return found


def _note(trace: Trace, found: bytes | HomeostatError) -> None:
    if isinstance(found, bytes):
        trace.facts["rpc.response.status_code"] = "OK"
        return
    status = grpc_status(status_of(found)).name
    trace.facts |= {"rpc.response.status_code": status, ERROR: found.code}
    if status in _FAULTS:
        trace.failed = trace.facts["error.type"] = found.code


def _caller(context: Any) -> Place | None:
    told: dict[str, list[str]] = {"traceparent": [], "tracestate": []}
    for name, value in context.invocation_metadata() or ():
        if name in told:
            told[name].append(value)
    return place_of(told["traceparent"], told["tracestate"])
