"""Traces of real processes, as a collector that speaks the published protocol receives them, or does not."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.serving.gateway import STAGES
from homeostat.serving.routing import Shadow
from tests.harness.collector import Arrived, Collector, collecting
from tests.harness.running import started, until
from tests.harness.world import LOOP, World, write_loop
from tests.service.test_gateway import Gateway, furnished, gateway
from tests.unit.serving.late import question
from tests.unit.serving.rig import NOW_HEADER, PREDICT

pytestmark = pytest.mark.service
NOWHERE = "http://127.0.0.1:9/v1/traces"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with versions v1 and v2."""
    return furnished(tmp_path)


def told(collector: Collector, share: float = 1.0) -> dict[str, Any]:
    return {"endpoint": f"{collector.url}/v1/traces", "share": share}


def ask(running: Gateway, number: int, *rows: object) -> httpx.Response:
    """Ask as part of trace ``number``."""
    parent = {"traceparent": f"00-{number:032x}-{number:016x}-01", **NOW_HEADER}
    return running.client.post(PREDICT, json={"rows": list(rows)}, headers=parent)


def of(spans: list[Arrived], number: int) -> dict[str, Arrived]:
    return {one.name: one for one in spans if int(one.trace, 16) == number}


def test_many_requests_at_once_each_arrive_in_the_trace_of_their_caller(home: Path) -> None:
    with collecting() as collector, gateway(home, traces=told(collector, 0.0)) as running:
        running.route(1, "v1", canary="v2", share=1.0)
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda number: ask(running, number, question(number)), range(1, 201)))
        assert running.end()[0] == 0
    assert {reply.status_code for reply in replies} == {200}
    names = {"POST /loops/{loop}/predict", "decode", *STAGES, "encode", "ask v2", "score v2"}
    for number, reply in enumerate(replies, 1):
        spans = of(collector.spans(), number)
        assert set(spans) == names
        own = spans.pop("POST /loops/{loop}/predict")
        (one,) = reply.json()["predictions"]
        assert own.facts["homeostat.prediction_ids"] == [one["prediction_id"]]
        assert (own.facts["homeostat.versions"], own.facts["homeostat.arms"]) == (["v2"], ["canary"])
        assert (int(own.parent, 16), own.service, own.resource["service.instance.id"]) == (
            number,
            "homeostat-gateway",
            "r1",
        )
        assert spans["score v2"].parent == spans["ask v2"].id
        assert spans["ask v2"].parent == spans["predict"].id
        assert {spans[name].parent for name in ("decode", *STAGES, "encode")} == {own.id}
    assert len(collector.spans()) == 200 * len(names)


@pytest.mark.parametrize("trouble", ["nowhere", "hangs", "refuses"])
def test_no_reply_is_slower_or_lost_for_a_collector_in_trouble(
    home: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")  # so long would take who waited for it
    with collecting() as collector:
        if trouble == "hangs":
            collector.hangs.set()
        collector.status = 503
        traces = {"endpoint": NOWHERE, "share": 1.0} if trouble == "nowhere" else told(collector)
        with gateway(home, traces=traces) as running:
            running.route(1, "v1")
            replies = [ask(running, number, question(number)) for number in range(1, 301)]
            assert {reply.status_code for reply in replies} == {200}
            took = sorted(reply.elapsed.total_seconds() for reply in replies)
            assert (took[150] < 0.5, took[-1] < 30) == (True, True)
            if trouble != "nowhere":
                collector.tried(1)
            began = time.monotonic()
            status, _, said = running.end()
            assert (status, time.monotonic() - began < 30) == (0, True), said
    assert said.count("takes no traces") <= 1
    assert "Traceback" not in said
    assert len(re.findall("opentelemetry|urllib3", said)) <= 1


def test_spans_that_a_collector_refused_are_counted_where_metrics_are(home: Path) -> None:
    with collecting() as collector, gateway(home, traces=told(collector)) as running:
        running.route(1, "v1")
        collector.status = 400
        running.predict(question())

        def failed() -> bool:
            told = running.client.get("/metrics").text
            found = re.search(r'homeostat_trace_spans_total\{replica="r1",outcome="failed"\} (\S+)', told)
            return found is not None and float(found[1]) > 0

        until(failed)
        assert "takes no traces" in running.end()[2]


def test_without_an_endpoint_nobody_is_called_whatever_the_environment_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
        with gateway(home) as running:
            running.route(1, "v1", canary="v2", share=0.5, shadows=(Shadow("v2", 1.0),))
            for number in range(1, 20):
                assert ask(running, number, question(number)).status_code == 200
            status, out, err = running.end()
    assert (status, out.splitlines()) == (0, ["heavy: []", "called: []"]), err
    assert (collector.tries, collector.spans()) == (0, [])


def test_an_installation_is_one_trace_through_gateway_and_recorder_and_control_has_its_own(tmp_path: Path) -> None:
    environment = {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}
    with collecting() as collector:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        with started(tmp_path / "home", write_loop(tmp_path), environment=environment) as running:
            now, visits, purchases = next(one for one in World().hours(0, 1) if one[1] and one[2])
            running.send("purchases", purchases, now).raise_for_status()
            assert running.ask(visits, now).status_code == 503
            assert running.control.get(f"/api/loops/{LOOP}/route").status_code == 200
            assert running.control.get("/api/loops/none/route").status_code == 404
            own = collector.until(lambda spans: _named(spans, "POST /tables/{table}/events"))
            asked = collector.until(lambda spans: _named(spans, "recorder events", kind=3))
            heard = collector.until(lambda spans: _named(spans, "recorder events", kind=2))
            assert {one.trace for one in (own, asked, heard)} == {own.trace}
            assert (asked.parent, heard.parent) == (own.id, asked.id)
            assert [one.service for one in (own, asked, heard)] == [*["homeostat-gateway"] * 2, "homeostat-recorder"]
            refused = collector.until(lambda spans: _named(spans, "POST /loops/{loop}/predict"))
            assert (refused.failed, refused.facts["error.type"]) == (True, "unavailable")
            route = "/api/loops/{loop}/route"
            found = collector.until(lambda spans: _named(spans, f"GET {route}"))
            assert (found.service, found.facts["http.response.status_code"]) == ("homeostat-control", 200)
            assert (found.kind, found.facts["http.route"]) == (2, route)


def _named(spans: list[Arrived], name: str, kind: int = 2) -> Arrived | None:
    return next((one for one in spans if (one.name, one.kind) == (name, kind)), None)
