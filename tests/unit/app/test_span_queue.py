"""Whatever the collector does, nobody waits for it, what waits is bounded, and what is lost is counted."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from homeostat.adapters.otlp.exporter import OtlpExporter
from homeostat.app.tracing.queue import SpanQueue
from homeostat.kernel.traces import Place, Span
from tests.harness.collector import Collector, collecting
from tests.harness.running import PATIENCE, until


def spans(count: int, name: str = "s") -> list[Span]:
    return [Span(f"{name}{place}", "server", Place(1, place + 1, True), 0, 1, 2) for place in range(count)]


class Export:
    """Sends nowhere; answers what it is told, after it may."""

    def __init__(self) -> None:
        self.may, self.why, self.taken = threading.Event(), None, 0
        self.calls, self.closed = 0, False
        self.may.set()

    why: str | None

    def send(self, spans: Sequence[Span]) -> str | None:
        self.may.wait()
        self.calls += 1
        self.taken += 0 if self.why else len(spans)
        if self.why == "raise":
            raise OSError("no route")
        return self.why

    def close(self) -> None:
        self.closed = True
        self.may.set()


@contextmanager
def queued(export: Export, **limits: float) -> Iterator[SpanQueue]:
    queue = SpanQueue(export, **limits)  # type: ignore[arg-type]
    try:
        yield queue
    finally:
        queue.close(PATIENCE)


def test_what_is_put_arrives_also_at_the_end() -> None:
    export = Export()
    with queued(export) as queue:
        queue.put(spans(3))
        queue.put(spans(700))
    assert (export.taken, export.closed) == (703, True)
    assert queue.counts() == {"sent": 703, "failed": 0, "dropped": 0}


def test_a_collector_that_hangs_holds_nobody_and_what_has_no_room_is_dropped_whole_and_counted() -> None:
    export = Export()
    export.may.clear()
    with queued(export, most=1_000) as queue:
        queue.put(spans(512))
        until(lambda: not queue._waiting)
        for _ in range(200):
            queue.put(spans(9))
        assert len(queue._waiting) == 999
        assert queue.counts()["dropped"] == 9 * 200 - 999
        export.may.set()
    assert queue.counts() == {"sent": 512 + 999, "failed": 0, "dropped": 801}


def test_the_end_does_not_wait_for_a_collector_that_hangs() -> None:
    export = Export()
    export.may.clear()
    queue = SpanQueue(export)
    queue.put(spans(1))
    queue.close(0.05)
    assert export.closed


@pytest.mark.parametrize("why", ["no room", "raise"])
def test_trouble_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture, why: str) -> None:
    caplog.set_level(logging.INFO, "homeostat.traces")
    export = Export()
    export.why = why
    with queued(export, rest=0.01) as queue:
        for times in range(1, 6):
            queue.put(spans(512))
            until(lambda times=times: queue.counts()["failed"] >= 512 * times)
        export.why = None
        queue.put(spans(512))
        until(lambda: queue.counts()["sent"] == 512)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert ("no route" if why == "raise" else why) in said[0]
    assert "again" in said[1]


def exporter(collector: Collector) -> closing[OtlpExporter]:
    told = {"service.name": "homeostat-test", "service.version": "1"}
    return closing(OtlpExporter(f"{collector.url}/v1/traces", told, "1", os.environ))


def test_spans_arrive_as_the_protocol_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    place = Place(0xABC, 0xDEF, True, "a=1")
    facts = {"text": "x", "number": 1, "share": 0.5, "yes": True, "several": ["a", "b"]}
    with collecting() as collector, exporter(collector) as found:
        assert found.send([Span("one", "client", place, 7, 10, 20, facts, remote=True, failed="spool_full")]) is None
    (one,) = collector.spans()
    assert (one.name, one.kind, one.began, one.ended, one.state) == ("one", 3, 10, 20, "a=1")
    assert (int(one.trace, 16), int(one.id, 16), int(one.parent, 16)) == (0xABC, 0xDEF, 7)
    assert (one.facts, one.failed, one.reason) == (facts, True, "spool_full")
    assert one.resource["service.name"] == "homeostat-test"
    assert one.resource["deployment.environment.name"] == "test"
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["authorization"] == "Bearer x"


def test_the_name_of_the_service_is_the_standard_variables_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "delays")
    with collecting() as collector, exporter(collector) as found:
        found.send(spans(1))
    assert collector.spans()[0].service == "delays"


@pytest.mark.parametrize("status", [307, 400, 404])
def test_a_collector_that_refuses_is_quoted_and_a_redirect_is_not_followed(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting() as collector, exporter(collector) as found:
        collector.status = status
        why = found.send(spans(1))
    assert why is not None
    assert str(status) in why
    assert (collector.tries, caplog.records) == (1, [])


def test_an_unreachable_collector_ends_within_the_standards_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    with collecting() as collector:
        pass
    began = time.monotonic()
    with exporter(collector) as found:
        assert found.send(spans(1)) is not None
    assert time.monotonic() - began < 10.0, "what it has by itself"
