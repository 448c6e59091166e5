"""A collector of traces on loopback that reads OTLP as the protocol's own definitions do; it may refuse or hang."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Arrived:
    """A span as it arrived; ids are hexadecimal."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    kind: int
    state: str
    began: int
    ended: int
    facts: dict[str, Any]
    failed: bool
    reason: str
    resource: dict[str, Any]


class Collector:
    """What arrived at ``url``; ``status`` is what it answers, and while ``hangs`` it answers nothing."""

    def __init__(self) -> None:
        self.status = 200
        self.hangs = threading.Event()
        self._go, self._news = threading.Event(), threading.Condition()
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.tries = 0
        self._spans: list[Arrived] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def spans(self, **facts: Any) -> list[Arrived]:
        """What has arrived, of spans with these facts; dots are written as ``__``."""
        wanted = {name.replace("__", "."): value for name, value in facts.items()}
        with self._news:
            return [one for one in self._spans if wanted.items() <= one.facts.items()]

    def until(self, condition: Callable[[list[Arrived]], Any], seconds: float = 20) -> Any:
        """Wait until what has arrived gives something true, and give it."""
        with self._news:
            assert self._news.wait_for(lambda: condition(self._spans), seconds), [one.name for one in self._spans]
            return condition(self._spans)

    def tried(self, times: int, seconds: float = 20) -> None:
        """Wait until something was sent so often, taken or not."""
        with self._news:
            assert self._news.wait_for(lambda: self.tries >= times, seconds)

    def close(self) -> None:
        """Listen no more."""
        self._go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        with self._news:
            self.tries += 1
            if self.status == 200 and not self.hangs.is_set():
                self.paths.append(path)
                self.headers.append(headers)
                self._spans += spans_of(body)
            self._news.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
                told = {name.lower(): value for name, value in self.headers.items()}
                hangs = collector.hangs.is_set()
                collector._take(self.path, told, body)
                if hangs:
                    collector._go.wait()
                    return
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector until the block ends."""
    collector = Collector()
    try:
        yield collector
    finally:
        collector.close()


def spans_of(body: bytes) -> list[Arrived]:
    """The spans of one request of the protocol."""
    found = []
    for of in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _facts(of.resource.attributes)
        for scope in of.scope_spans:
            for one in scope.spans:
                found.append(
                    Arrived(
                        one.name, resource["service.name"], one.trace_id.hex(), one.span_id.hex(),
                        one.parent_span_id.hex(), one.kind, one.trace_state, one.start_time_unix_nano,
                        one.end_time_unix_nano, _facts(one.attributes), one.status.code == 2, one.status.message,
                        resource,
                    )
                )  # fmt: skip
    return found


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)
