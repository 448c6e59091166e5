"""What the doors count, in the format of Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from homeostat.data.contracts import Break
from homeostat.governance.consumers import UNREGISTERED
from homeostat.serving.live import LiveRoutes
from homeostat.serving.plans import ServingPlan
from homeostat.serving.routing import Arm

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_LOG = logging.getLogger("homeostat.serving")
_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096)
Refuse = Callable[[str, Sequence[object]], None]
ConsumerOf = Callable[[str, str | None], str]


class DoorMetrics:
    """Counters of one process in a registry of their own; also the gateway's observer."""

    def __init__(self, live: LiveRoutes, spool_bytes: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._live = live
        self.forward: Refuse = _nowhere
        self.consumer_of: ConsumerOf = _nobody
        self._known: dict[tuple[str, str], tuple[Counter, Gauge]] = {}
        arm = ("loop", "version", "arm")
        self._requests = self._counter("requests", "Requests.", "door", "loop", "status")
        self._predictions = self._counter("predictions", "Acknowledged predictions.", *arm)
        self._failures = self._counter("arm_failures", "Rows that a version failed to answer.", *arm)
        self._fallbacks = self._counter("fallbacks", "Rows answered for a failed canary.", "loop")
        self._defaulted = self._counter(
            "features_defaulted", "Declared defaults used for missing or stale values.", "loop", "feature"
        )
        self._breaks = self._counter("contract_breaks", "Breaks in refused requests.", "loop", "reason")
        of = ("loop", "consumer")
        self._consumed = self._counter("consumers_requests", "Predict requests by who asked.", *of)
        self._seen = self._gauge("consumers_last_request_seconds", "When each asked last, Unix time.", *of)
        warned = "Promises that only warn, broken in answered requests."
        self._warnings = self._counter("contract_warnings", warned, "loop", "promise")
        self._generation = self._gauge("route_generation", "Generation of the route that is served.", "loop")
        self._problem = self._gauge("route_problem", "1 while the newest route is not served in full.", "loop")
        self._answering = self._gauge("answering", "1 while a version answers; 0 while none can.", "loop")
        self._gauge("spool_bytes", "Predictions on disk, not yet drained.").set_function(spool_bytes)
        self._latency = Histogram(
            "homeostat_predict_seconds",
            "Predict requests, recording included.",
            ("loop",),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def request(self, door: str, loop: str, status: int, seconds: float) -> None:
        """A request was answered."""
        known = loop if loop in self._live.loops else ""  # what callers make up must not become labels
        self._requests.labels(door, known, str(status)).inc()
        if door == "predict" and known:
            self._latency.labels(known).observe(seconds)

    def consumed(self, loop: str, told: str | None) -> None:
        """Somebody asks for predictions, and may say who it is; names come from the registration, never from it."""
        if loop in self._live.loops:
            who = (loop, self.consumer_of(loop, told))
            if who not in self._known:  # looking metrics up by their labels takes longer than counting
                self._known[who] = self._consumed.labels(*who), self._seen.labels(*who)
            counter, seen = self._known[who]
            counter.inc()
            seen.set_to_current_time()

    def predicted(self, loop: str, version: str, arm: str, rows: int) -> None:
        """Rows were answered and are durable."""
        self._predictions.labels(loop, version, arm).inc(rows)

    def defaulted(self, loop: str, features: Mapping[str, int]) -> None:
        """Declared defaults stood in for missing or stale values."""
        for name, rows in features.items():
            self._defaulted.labels(loop, name).inc(rows)

    def arm_failed(self, loop: str, version: str, arm: Arm, rows: int, why: Exception | None) -> None:
        """A version did not answer; said in the log, counted by row."""
        _LOG.warning("%s %s of loop %s failed for %d rows: %r", arm, version, loop, rows, why)
        self._failures.labels(loop, version, arm).inc(rows)
        if arm == "canary":
            self._fallbacks.labels(loop).inc(rows)

    def contract_broken(self, plan: ServingPlan, breaks: Sequence[Break], rows: Sequence[object]) -> None:
        """A request was refused; its broken rows are kept apart with the reason."""
        for found in breaks:
            self._breaks.labels(plan.name, found.reason).inc()
        self.forward(plan.question.name, rows)

    def contract_warned(self, plan: ServingPlan, warnings: Sequence[Break]) -> None:
        """Rows were answered that broke promises which only warn."""
        for found in warnings:
            self._warnings.labels(plan.name, found.promise).inc()

    def exposition(self) -> bytes:
        """All of it, as Prometheus reads it."""
        for loop in self._live.loops:
            serving = self._live.current(loop)
            self._generation.labels(loop).set(serving.route.generation if serving else -1)
            self._answering.labels(loop).set(1 if serving and serving.route.champion else 0)
            self._problem.labels(loop).set(1 if self._live.problem(loop) else 0)
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"homeostat_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"homeostat_{name}", help_text, labels, registry=self.registry)


def health(live: LiveRoutes) -> tuple[bool, Mapping[str, object]]:
    """Whether any loop can answer, and what each serves now."""
    loops: dict[str, object] = {}
    ready = False
    for name in live.loops:
        serving = live.current(name)
        route = serving.route if serving else None
        ready = ready or bool(route and route.champion)
        loops[name] = {
            "generation": route.generation if route else None,
            "champion": route.champion if route else None,
            "canary": route.canary if route else None,
            "share": route.share if route else 0.0,
            "standby": route.standby if route else None,
            "problem": live.problem(name),
        }
    return ready, {"ready": ready, "loops": loops}


def _nowhere(table: str, rows: Sequence[object]) -> None:
    """Until a recorder is known, refused rows are only counted."""


def _nobody(loop: str, told: str | None) -> str:
    """Until registrations are known, nobody is registered."""
    return UNREGISTERED
