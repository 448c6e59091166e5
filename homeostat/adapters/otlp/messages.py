"""Spans of ours as OTLP writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Written

from homeostat.kernel.traces import Fact, Span

_KINDS = {
    "internal": Written.SPAN_KIND_INTERNAL,
    "server": Written.SPAN_KIND_SERVER,
    "client": Written.SPAN_KIND_CLIENT,
}
_SAMPLED, _REMOTE_IS_KNOWN, _REMOTE = 0x001, 0x100, 0x200


def request_of(spans: Sequence[Span], resource: Mapping[str, str], scope: str, release: str) -> bytes:
    """One request of the protocol; ``resource`` says who sends, ``scope`` at which ``release`` made the spans."""
    by = ScopeSpans(scope=InstrumentationScope(name=scope, version=release), spans=[_written(one) for one in spans])
    of = ResourceSpans(resource=Resource(attributes=_facts(resource)), scope_spans=[by])
    body: bytes = ExportTraceServiceRequest(resource_spans=[of]).SerializeToString()
    return body


def _written(span: Span) -> Written:
    place = span.place
    return Written(
        trace_id=place.trace_id.to_bytes(16),
        span_id=place.span_id.to_bytes(8),
        parent_span_id=span.parent.to_bytes(8) if span.parent else b"",
        trace_state=place.state,
        flags=_SAMPLED | _REMOTE_IS_KNOWN | (_REMOTE if span.remote else 0),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.began,
        end_time_unix_nano=span.ended,
        attributes=_facts(span.facts),
        status=None if span.failed is None else Status(code=Status.STATUS_CODE_ERROR, message=span.failed),
    )


def _facts(facts: Mapping[str, Fact]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(fact)) for name, fact in facts.items()]


def _value(fact: Fact) -> AnyValue:
    if isinstance(fact, str):
        return AnyValue(string_value=fact)
    if isinstance(fact, bool):
        return AnyValue(bool_value=fact)
    if isinstance(fact, int):
        return AnyValue(int_value=fact)
    if isinstance(fact, float):
        return AnyValue(double_value=fact)
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=one) for one in fact]))
