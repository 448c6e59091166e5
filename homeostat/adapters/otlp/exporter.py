"""Sends spans to one collector, as the standard's variables say how."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from homeostat.adapters.otlp.messages import request_of
from homeostat.kernel.traces import Span

_SECONDS = "10"
_QUOTED = 200


class OtlpExporter:
    """Sends spans to one endpoint, which is a whole URL.

    ``resource`` says who sends them; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME of ``environment`` say it better.
    There, too, are headers, time-out in seconds, compression and certificates, under the standard's names. Proxies
    and redirects are not followed: what is sent goes to the endpoint or nowhere.
    """

    def __init__(
        self, endpoint: str, resource: Mapping[str, str], release: str, environment: Mapping[str, str]
    ) -> None:
        self._endpoint, self._release = endpoint, release
        named = {"service.name": name} if (name := environment.get("OTEL_SERVICE_NAME")) else {}
        self._resource = {**resource, **_pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", "")), **named}
        told = _Told(environment)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = told.value("CERTIFICATE") or True
        self._session.cert = _pair(told.value("CLIENT_CERTIFICATE"), told.value("CLIENT_KEY"))
        self._session.headers.update(_pairs(told.value("HEADERS")))
        self._session.headers["Content-Type"] = "application/x-protobuf"
        self._session.headers["User-Agent"] = f"homeostat/{release}"
        self._seconds = float(told.value("TIMEOUT") or _SECONDS)
        self._zipped = told.value("COMPRESSION") == "gzip"

    def send(self, spans: Sequence[Span]) -> str | None:
        """Send them, which may take as long as the time-out; why they were not taken, or None."""
        body = request_of(spans, self._resource, "homeostat", self._release)
        headers = {"Content-Encoding": "gzip"} if self._zipped else {}
        content = gzip.compress(body, 1) if self._zipped else body
        try:
            reply = self._session.post(
                self._endpoint, content, headers=headers, timeout=self._seconds, allow_redirects=False
            )
        except (requests.RequestException, OSError) as error:
            return f"{type(error).__name__}: {str(error)[:_QUOTED]}"
        return _rejected(reply.content) if reply.status_code // 100 == 2 else f"it answered {reply.status_code}"

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class _Told:
    """The standard's variables for traces, or else those for everything."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def value(self, name: str) -> str:
        """Empty where neither is set."""
        told = (self._environment.get(f"OTEL_EXPORTER_OTLP_{kind}{name}", "").strip() for kind in ("TRACES_", ""))
        return next(filter(None, told), "")


def _pair(certificate: str, key: str) -> str | tuple[str, str] | None:
    return (certificate, key) if certificate and key else certificate or None


def _pairs(text: str) -> dict[str, str]:
    """Names and values as the standard's variables list them.

    >>> _pairs("authorization=Bearer%20x, tenant = a,broken")
    {'authorization': 'Bearer x', 'tenant': 'a'}
    """
    parts = [part.partition("=") for part in text.split(",")]
    return {unquote(name.strip()): unquote(value.strip()) for name, between, value in parts if between and name.strip()}


def _rejected(body: bytes) -> str | None:
    """Why a collector that answered 200 did not take everything."""
    try:
        partly = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return None
    return f"it rejected {partly.rejected_spans}: {partly.error_message[:_QUOTED]}" if partly.rejected_spans else None
