"""What the doors count, in the format of Prometheus."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from homeostat.app.arms.shadow import ShadowCounts
from homeostat.app.gateway.counted import PREDICTING
from homeostat.data.contracts import Break
from homeostat.governance.consumers import UNREGISTERED
from homeostat.serving.gateway import STAGES
from homeostat.serving.live import LiveRoutes, Serving
from homeostat.serving.plans import ServingPlan
from homeostat.serving.prediction_log import SpoolState
from homeostat.serving.routing import Arm
from homeostat.web.doors.tallies import Reading, Seconds, Tally

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_LOG = logging.getLogger("homeostat.serving")
_STAGE_SECONDS = (
    *(0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
)
_SAID_EVERY_SECONDS = 10.0
_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096)
Refuse = Callable[[str, Sequence[object]], None]
ShadowsSeen = Callable[[], Mapping[tuple[str, str], ShadowCounts]]
ConsumerOf = Callable[[str, str | None], str]


class DoorMetrics:
    """Counters of one process in a registry of their own; also the gateway's observer."""

    def __init__(self, live: LiveRoutes, spool: Callable[[], SpoolState], shadows: ShadowsSeen) -> None:
        self._live, self._spool_state, self._shadows = live, spool, shadows
        self._loops = frozenset(live.loops)
        self.forward: Refuse = _nowhere
        self._say_again: dict[tuple[str, str, str], float] = {}
        self.consumer_of: ConsumerOf = _nobody
        self.open_requests: Callable[[], int] = int
        self.traced: Callable[[], Mapping[str, int]] = dict
        arm = ("loop", "version", "arm")
        self._requests = Tally("requests", "Requests.", "door", "loop", "status")
        self._predictions = Tally("predictions", "Acknowledged predictions.", *arm)
        self._positives = Tally("positives", "Acknowledged predictions that are true.", *arm)
        self._failures = Tally("arm_failures", "Rows that a version failed to answer.", *arm)
        self._fallbacks = Tally("fallbacks", "Rows answered for a failed canary.", "loop")
        stood_in = "Declared defaults used for missing or stale values."
        self._defaulted = Tally("features_defaulted", stood_in, "loop", "feature")
        self._breaks = Tally("contract_breaks", "Breaks in refused requests.", "loop", "reason")
        of = ("loop", "consumer")
        self._consumed = Tally("consumers_requests", "Predict requests by who asked.", *of)
        self._seen = Reading("consumers_last_request_seconds", "When each asked last, Unix time.", *of)
        warned = "Promises that only warn, broken in answered requests."
        self._warnings = Tally("contract_warnings", warned, "loop", "promise")
        self._idempotent = Tally("idempotent_requests", "Requests with an idempotency key by their fate.", "outcome")
        self._labels = Tally("labels", "Posted labels by what became of them.", "loop", "outcome")
        self._generation = Reading("route_generation", "Generation of the route that is served.", "loop")
        self._problem = Reading("route_problem", "1 while the newest route is not served in full.", "loop")
        self._answering = Reading("answering", "1 while a version answers; 0 while none can.", "loop")
        beside = ("loop", "version", "outcome")
        self._shadowed = Reading("shadow_rows", "Rows a shadow scored, failed to score, or skipped unseen.", *beside)
        of = ("loop", "version")
        self._together = Reading("batching_rows", "At most how many rows go to a version in one call.", *of, "why")
        took = "What a row took when a version was loaded, in calls of so many rows."
        self._row = Reading("row_seconds", took, *of, "rows")
        self._calls = Tally("batched_calls", "Calls of versions whose requests go together.", *of)
        self._batched = Tally("batched_requests", "Requests that these calls answered.", *of)
        self._open = Reading("requests_open", "Requests that are being answered, this one included.")
        self._spool = Reading("spool_bytes", "Predictions that wait to be moved to the log.")
        self._spool_limit = Reading("spool_limit_bytes", "How many of them may; over it, replies are 503.")
        drained = "How long ago the recorder had moved all that it found; none before the first time."
        self._drained = Reading("spool_drained_seconds", drained)
        self._disk = Reading("disk_free_bytes", "Room that is left on the disk that holds the spool.")
        self._latency = Seconds("predict", "Predict requests, recording included.", _SECONDS, "loop")
        took = "What a stage of predict requests took; version and arm are those of a request's first row."
        self._stages = Seconds("stage", took, _STAGE_SECONDS, *arm, "stage")
        waited = "How long what is ready waits for its turn on the event loop, looked at ten times a second."
        self._queue = Seconds("queue", waited, _STAGE_SECONDS)
        self._spans = Tally("trace_spans", "Spans of traces by what became of them; none without traces.", "outcome")
        self._processor = Tally("processor_seconds", "Processor time of this process.")
        self._uptime = Reading("uptime_seconds", "How long this process has been running.")
        self._began = time.monotonic()
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def request(self, door: str, names: tuple[str, ...], status: int, seconds: float) -> None:
        """A request was answered; the first of ``names`` is the loop's, where its door has one."""
        known = names[0] if names and names[0] in self._loops else ""  # what callers make up must not become labels
        self._requests.add((door, known, str(status)))
        if door in PREDICTING and known:
            self._latency.observe((known,), seconds)

    def timed(self, loop: str, version: str, arm: Arm, seconds: Sequence[float]) -> None:
        """What each stage of the use case took."""
        for stage, spent in zip(STAGES, seconds, strict=True):
            self._stages.observe((loop, version, arm, stage), spent)

    def stage(self, loop: str, version: str, arm: Arm, stage: str, seconds: float) -> None:
        """What a stage at the door took."""
        self._stages.observe((loop, version, arm, stage), seconds)

    def queued(self, seconds: float) -> None:
        """How late the event loop was."""
        self._queue.observe((), seconds)

    def consumed(self, loop: str, told: str | None) -> None:
        """Somebody asks for predictions, and may say who it is; names come from the registration, never from it."""
        if loop in self._loops:
            who = (loop, self.consumer_of(loop, told))
            self._consumed.add(who)
            self._seen.set(who, time.time())

    def idempotent(self, outcome: str) -> None:
        """A request with an idempotency key came."""
        self._idempotent.add((outcome,))

    def labelled(self, loop: str, taken: Mapping[str, object]) -> None:
        """Labels were posted; ``taken`` is what the recorder said of them."""
        for outcome in ("accepted", "duplicates", "quarantined_rows", "refused_rows"):
            count = taken.get(outcome)
            if isinstance(count, int) and count:
                self._labels.add((loop, outcome.removesuffix("_rows")), count)

    def predicted(self, loop: str, version: str, arm: str, rows: int, positives: int) -> None:
        """Rows were answered and are durable; so many of them are predicted true."""
        self._predictions.add((loop, version, arm), rows)
        self._positives.add((loop, version, arm), positives)

    def defaulted(self, loop: str, features: Mapping[str, int]) -> None:
        """Declared defaults stood in for missing or stale values."""
        for name, rows in features.items():
            self._defaulted.add((loop, name), rows)

    def arm_failed(self, loop: str, version: str, arm: Arm, rows: int, why: Exception | None) -> None:
        """A version did not answer; counted by row, and said in the log now and then: each time would be a flood."""
        now, who = time.monotonic(), (loop, version, arm)
        if now >= self._say_again.get(who, 0.0):
            self._say_again[who] = now + _SAID_EVERY_SECONDS
            _LOG.warning("%s %s of loop %s fails, now for %d rows: %r", arm, version, loop, rows, why)
        self._failures.add((loop, version, arm), rows)
        if arm == "canary":
            self._fallbacks.add((loop,), rows)

    def contract_broken(self, plan: ServingPlan, breaks: Sequence[Break], rows: Sequence[object]) -> None:
        """A request was refused; its broken rows are kept apart with the reason, unless they may hold what the log
        hides: a value may stand under any name there."""
        for found in breaks:
            self._breaks.add((plan.name, found.reason))
        if not plan.log.hidden:
            self.forward(plan.question.name, rows)

    def contract_warned(self, plan: ServingPlan, warnings: Sequence[Break]) -> None:
        """Rows were answered that broke promises which only warn."""
        for found in warnings:
            self._warnings.add((plan.name, found.promise))

    def collect(self) -> Iterator[Metric]:
        """Everything, for a registry."""
        self._together.clear()
        self._row.clear()
        for loop in self._live.loops:
            serving = self._live.current(loop)
            if serving is not None:
                self._batching(loop, serving)
            self._generation.set((loop,), serving.route.generation if serving else -1)
            self._answering.set((loop,), 1 if serving and serving.route.champion else 0)
            self._problem.set((loop,), 1 if self._live.problem(loop) else 0)
        self._open.set((), self.open_requests())
        self._spooled(self._spool_state())
        self._processor.put((), time.process_time())
        self._uptime.set((), time.monotonic() - self._began)
        for outcome, spans in self.traced().items():
            self._spans.put((outcome,), spans)
        for who, counts in self._shadows().items():
            for outcome in ("rows", "failed", "dropped"):
                self._shadowed.set((*who, outcome), getattr(counts, outcome))
        for family in vars(self).values():
            if isinstance(family, Tally | Reading | Seconds):
                yield from family.collect()

    def _batching(self, loop: str, serving: Serving) -> None:
        for version, decision in serving.decisions.items():
            self._together.set((loop, version, decision.why), decision.rows)
            for rows, seconds in decision.seconds.items():
                self._row.set((loop, version, str(rows)), seconds)
        for version, batches in serving.batches.items():
            self._calls.put((loop, version), batches.calls)
            self._batched.put((loop, version), batches.requests)

    def _spooled(self, state: SpoolState) -> None:
        self._spool.set((), state.waiting)
        self._spool_limit.set((), state.limit)
        self._disk.set((), state.free)
        if state.drained_at is not None:
            self._drained.set((), max(0.0, time.time() - state.drained_at))

    def exposition(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)


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
