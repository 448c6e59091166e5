"""Spans of ours as OpenTelemetry's, sent by its exporter."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from homeostat.kernel.traces import Place, Span

_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_FINE = Status(StatusCode.UNSET)
_TALK = "opentelemetry"


class OtlpExporter:
    """Sends spans to one endpoint, which is a whole URL.

    ``resource`` says who sends them; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say it better. Headers, time-out,
    compression and certificates are what the standard's variables say. Proxies and redirects are not followed: what
    is sent goes to the endpoint or nowhere.
    """

    def __init__(self, endpoint: str, resource: Mapping[str, str], release: str) -> None:
        session = requests.Session()
        session.trust_env = False
        session.hooks["response"].append(_not_elsewhere)
        self._said = _LastWords()
        talk = logging.getLogger(_TALK)
        talk.handlers, talk.propagate = [self._said], False  # each failure would be a line; we say it once
        self._exporter = OTLPSpanExporter(endpoint, session=session)
        self._resource = Resource.create(dict(resource)).merge(OTELResourceDetector().detect())
        self._scope = InstrumentationScope("homeostat", release)

    def send(self, spans: Sequence[Span]) -> str | None:
        """Send them, which may take as long as the standard's time-out; why they were not taken, or None."""
        self._said.text = ""
        taken = self._exporter.export([self._readable(span) for span in spans])
        return None if taken is SpanExportResult.SUCCESS else self._said.text or "it did not take them"

    def close(self) -> None:
        """Send no more: a wait for another try ends."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> ReadableSpan:
        here, parent = span.place, None
        if span.parent:
            above = Place(here.trace_id, span.parent, here.sampled, here.state)
            parent = _context(above, remote=span.remote)
        return ReadableSpan(
            span.name,
            _context(here),
            parent,
            self._resource,
            span.facts,
            kind=_KINDS[span.kind],
            status=_FINE if span.failed is None else Status(StatusCode.ERROR, span.failed),
            start_time=span.began,
            end_time=span.ended,
            instrumentation_scope=self._scope,
        )


def _context(place: Place, *, remote: bool = False) -> SpanContext:
    state = TraceState.from_header([place.state]) if place.state else None
    return SpanContext(place.trace_id, place.span_id, remote, TraceFlags(place.sampled), state)


def _not_elsewhere(response: requests.Response, **_: object) -> None:
    """To the exporter, a redirect that it does not follow would be a success."""
    if 300 <= response.status_code < 400:
        raise requests.TooManyRedirects(f"it answered {response.status_code}, and redirects are not followed")


class _LastWords(logging.Handler):
    """Remembers what the exporter said last."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
