"""The data plane in one process: real store, real models, real spool; only the recorder is played."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeostat.adapters.files.routes import write_route
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.arms.shadow import ShadowConfig
from homeostat.app.arms.shadows import Shadows
from homeostat.app.clocks import DoorClock, ReplayClock
from homeostat.app.gateway.answers import Answers
from homeostat.app.gateway.consumer_names import ConsumerNames
from homeostat.app.gateway.door_parts import DoorParts, GatewaySettings
from homeostat.app.gateway.prediction_ids import new_prediction_id
from homeostat.app.gateway.replica import Replica
from homeostat.app.gateway.route_watcher import RouteWatcher
from homeostat.app.tracing.tracer import Tracer, current_trace_id, stage_timer
from homeostat.data.records import PredictionRecord
from homeostat.features.kept_rows import keeping
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError
from homeostat.serving.gateway import Gateway, Reply
from homeostat.serving.live import LiveRoutes
from homeostat.serving.plans import ServingPlan
from homeostat.serving.routing import Route
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.refused import RefusedRows
from homeostat.web.doors.traced.asking import TracedMetrics
from homeostat.web.doors.wiring import doors_of
from tests.unit.serving.late import NOW, PLAN
from tests.unit.serving.parts import beside, loading, model, save_version

NOW_HEADER = {"homeostat-now": "2013-02-01T13:00:00Z"}
PREDICT = "/loops/late/predict"
GOOD = (
    b'{"rows": [{"flight_id": "f1", "asked_at": "2013-02-01T13:00:00Z", "carrier": "UA", "origin": "JFK", "hour": 8}]}'
)
"""A request that is answered with one prediction."""


class Recorder:
    """The other end of the events door: remembers what it was given, or refuses it."""

    def __init__(self, records: Callable[[], list[PredictionRecord]]) -> None:
        self._records = records
        self.events_given: list[tuple[str, bytes, Instant]] = []
        self.refused_given: list[tuple[str, bytes, Instant]] = []
        self.error: HomeostatError | None = None

    async def events(self, table: str, body: bytes, now: Instant) -> Mapping[str, object]:
        self._fail()
        table.encode()
        self.events_given.append((table, body, now))
        return {"accepted": 1}

    async def events_of_several(self, body: bytes, now: Instant) -> Mapping[str, object]:
        return await self.events("", body, now)

    async def predictions(self, loop: str, ids: Sequence[str]) -> Mapping[str, object]:
        self._fail()
        found = [record for record in self._records() if record.prediction_id in ids]
        names = [name for name in Reply.__struct_fields__[:6] if name != "probability"]
        told = [{"chances": one.probability, **{name: getattr(one, name) for name in names}} for one in found]
        return {"predictions": told}

    async def labels(self, loop: str, body: bytes, now: Instant) -> Mapping[str, object]:
        return {**await self.events(loop, body, now), "duplicates": 0, "refused_rows": 1}

    async def refuse(self, table: str, body: bytes, now: Instant) -> Mapping[str, object]:
        self._fail()
        self.refused_given.append((table, body, now))
        return {}

    def _fail(self) -> None:
        if self.error:
            raise self.error


def no_shadow(loop: str, version: str) -> ShadowConfig:
    """The rig starts no processes."""
    raise AssertionError(f"{loop} {version}")


@dataclass
class Answer:
    """What a door answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reads: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class Given(dict[str, str]):
    """A request's headers; several values of one name are lines."""

    def get_all(self, name: str) -> list[str]:
        return self[name].split("\n") if name in self else []


@dataclass
class Scope:
    """A request's head, as RSGI tells it."""

    method: str
    path: str
    query_string: str
    headers: Given


class Transport:
    """The wire of one request: its body in parts, and the answer that goes back."""

    def __init__(self, parts: list[bytes], answer: Answer, *, leaves: bool, head: bool) -> None:
        self._parts, self._answer, self._leaves, self._head = parts, answer, leaves, head

    async def __call__(self) -> bytes:
        if self._leaves:
            raise RuntimeError("RSGI transport is closed")
        self._answer.reads += 1
        return b"".join(self._parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            self._answer.reads += 1
            yield part

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._answer.status = status
        self._answer.headers = {"content-length": str(len(body)), **dict(headers)}
        self._answer.body = b"" if self._head else body


class Rig:
    """A home with version v1 serving, doors on a replay clock, and ways to look at what was kept."""

    def __init__(
        self,
        home: Path,
        *,
        clock: DoorClock | None = None,
        limit: int = 64 * 1024,
        plan: ServingPlan = PLAN,
        tracer: Tracer | None = None,
    ) -> None:
        self.home = home
        save_version(home / "versions", "v1", model(-1.0), features=plan.features)
        self.store = SqliteOnlineStore(home / "online.sqlite")
        kept = [] if plan.rows is None else [keeping(plan.rows)]
        self.store.prepare([plan.features, *kept])
        self._sequences = itertools.count()
        load = loading(home / "versions")
        self.live = LiveRoutes([plan], load, beside(load))
        self.watcher = RouteWatcher(home / "routes", self.live, retry=0.0)
        self.spool = FileSpool(home / "spool", durability="system")
        self.online = SqliteOnlineReader(home / "online.sqlite")
        self.recorder = Recorder(self.records)
        self.metrics = (TracedMetrics if tracer else DoorMetrics)(self.live, self.spool.state, dict)
        self.clock = clock or ReplayClock()
        self.refused = RefusedRows(self.recorder, self.clock)
        self.metrics.forward = self.refused.forward
        self.gateway = Gateway(
            [plan], self.live, self.online, self.spool, self.metrics,
            new_id=new_prediction_id, timer=stage_timer if tracer else time.perf_counter, log_key=bytes(32),
            trace_id=current_trace_id if tracer else None,
        )  # fmt: skip
        self.shadows = Shadows(self.live, no_shadow, home / "shadows.log")
        refused, shown = self.shadows.refused, self.metrics.exposition
        self.replica = Replica("r1", home / "replicas", home, self.live, lambda: True, refused, shown)
        self.answers = Answers(home / "answers.sqlite", durable=False)
        told = GatewaySettings(home, 0, "", "http://127.0.0.1:9999", max_body_bytes=limit)
        parts = DoorParts(
            told, self.live, self.recorder, self.clock, self.spool.state, lambda _: self.gateway,
            ConsumerNames(home / "consumers.json"), self.replica, self.shadows, self.answers, tracer,
        )  # fmt: skip
        self.doors = doors_of(parts, self.metrics)

    async def route(self, **parts: Any) -> None:
        """Publish a route as control does, and let the watcher look."""
        write_route(self.home / "routes", Route("late", **parts))
        await self.watcher.look()

    def landed(self, *rows: dict[str, Any]) -> None:
        """Arrivals that the recorder has accepted."""
        self.told("arrivals", *rows)

    def told(self, table: str, *rows: dict[str, Any]) -> None:
        """Facts that the recorder has accepted."""
        for row in rows:
            self.store.apply(table, [row], next(self._sequences))

    def records(self) -> list[PredictionRecord]:
        """What the spool holds."""
        return [record for _, record in SpoolReader(self.home / "spool").read(-1).records]

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value now."""
        self.metrics.exposition()
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def close(self) -> None:
        """Let go of everything."""
        await self.refused.settle()
        await self.spool.close()
        self.answers.close()
        self.online.close()
        self.store.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | object = b"",
        headers: Mapping[str, str] | None = None,
        *,
        chunks: Iterable[bytes] | None = None,
        query: str = "",
        leaves: bool = False,
    ) -> Answer:
        """One request straight into the application; ``leaves`` closes the connection halfway."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        parts = list(chunks) if chunks is not None else [content]
        answer = Answer()
        given = NOW_HEADER if headers is None else headers
        if chunks is None:
            given = {"content-length": str(len(content)), **given}
        scope = Scope(method, path, query, Given(given))
        await self.doors(scope, Transport(parts, answer, leaves=leaves, head=method == "HEAD"))
        return answer

    async def predict(self, *rows: object, **options: Any) -> Answer:
        """Ask the loop "late"."""
        return await self.ask("POST", "/loops/late/predict", {"rows": list(rows)}, **options)


def arrival(flight: str, *, minutes_before: float, delay: float | None, origin: str = "JFK") -> dict[str, Any]:
    """A flight that landed so many minutes before NOW."""
    at = NOW - round(minutes_before * 60_000_000)
    return {"flight_id": flight, "arrived_at": at, "carrier": "UA", "origin": origin, "arr_delay": delay}
