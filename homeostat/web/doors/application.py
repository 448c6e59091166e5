"""The application of the data plane: find the door, call the use case, shape the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from homeostat.app.clocks import HEADER, DoorClock
from homeostat.app.consumer_names import HEADER as CONSUMER
from homeostat.app.door_parts import EventSink
from homeostat.kernel.errors import HomeostatError, NotFound
from homeostat.serving.gateway import Gateway
from homeostat.serving.live import LiveRoutes
from homeostat.web.doors.metrics import CONTENT_TYPE, DoorMetrics, health
from homeostat.web.doors.replies import (
    MethodNotAllowed,
    Response,
    error_response,
    json_response,
    redirect,
    unexpected,
)
from homeostat.web.doors.requests import ClientLeft, Request, Scope, SlowSenders, Transport, decode_rows
from homeostat.web.foreign import refuse_foreign

_LOG = logging.getLogger("homeostat.doors")
_NOW = HEADER.lower()
_CONSUMER = CONSUMER.lower()
_CONTROL = ("/api", "/docs", "/openapi.json", "/static")
DOORS = (
    "POST /loops/{loop}/predict",
    "POST /tables/{table}/events",
    "POST /events",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
)


@dataclass(frozen=True, slots=True)
class _Door:
    """A door as found for a path; ``name`` is the loop's or table's."""

    door: str
    methods: tuple[str, ...]
    name: str = ""


class Doors:
    """Answers every request with what it asked for or with an error that says how to mend it."""

    def __init__(
        self,
        gateway: Gateway,
        live: LiveRoutes,
        events: EventSink,
        metrics: DoorMetrics,
        clock: DoorClock,
        *,
        control_url: str,
        max_body_bytes: int,
    ) -> None:
        self._gateway, self._live, self._events, self._metrics = gateway, live, events, metrics
        self._clock, self._control, self._limit = clock, control_url.rstrip("/"), max_body_bytes
        self._open = 0
        self._idle = asyncio.Event()
        self._bodies = SlowSenders()

    async def __call__(self, scope: Scope, transport: Transport) -> None:
        """One request, as RSGI hands it over."""
        self._open += 1
        started = time.perf_counter()
        request = Request(scope, transport)
        door = _find(request.path)
        try:
            response = await self._answer(door, request)
            self._metrics.request(door.door, door.name, response.status, time.perf_counter() - started)
            transport.response_bytes(response.status, response.headers, response.body)
        except ClientLeft:
            self._metrics.request(door.door, door.name, 499, time.perf_counter() - started)
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def idle(self, patience: float) -> None:
        """Wait until no request is open, at most ``patience`` seconds."""
        self._idle.clear()
        try:
            if self._open:
                await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            _LOG.warning("%d requests were still open", self._open)

    async def watch(self) -> None:
        """End requests whose bodies do not come, until cancelled."""
        await self._bodies.run()

    async def _answer(self, door: _Door, request: Request) -> Response:
        try:
            changes = request.method not in ("GET", "HEAD")
            refuse_foreign(request.header("host"), request.header("origin"), changes=changes)
            if door.methods and request.method not in door.methods:
                raise MethodNotAllowed(
                    f"{request.method} is not allowed on {request.path}.",
                    mend=f"Use {' or '.join(door.methods)}.",
                    allow=door.methods,
                )
            return await self._enter(door, request)
        except HomeostatError as error:
            return error_response(error)
        except ClientLeft:
            raise
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.path)
            return unexpected()

    async def _enter(self, door: _Door, request: Request) -> Response:
        if door.door == "predict":
            return await self._predict(door.name, request)
        if door.door == "events":
            return await self._take_events(door.name, request)
        if door.door == "events_of_several":
            return await self._take_events_of_several(request)
        if door.door == "live":
            return json_response({"live": True})
        if door.door == "ready":
            ready, shape = health(self._live)
            return json_response(shape, 200 if ready else 503)
        if door.door == "metrics":
            return Response(200, self._metrics.exposition(), [("content-type", CONTENT_TYPE)])
        if door.door == "control":
            return redirect(self._control + _target(request))
        raise NotFound(f"There is no door {request.path}.", mend=f"Doors here: {'; '.join(DOORS)}.", doors=DOORS)

    async def _predict(self, loop: str, request: Request) -> Response:
        now = self._clock.accept(request.header(_NOW))
        self._metrics.consumed(loop, request.header(_CONSUMER))
        rows = decode_rows(await self._bodies.read(request, self._limit))
        return json_response({"predictions": await self._gateway.predict(loop, rows, now)})

    async def _take_events(self, table: str, request: Request) -> Response:
        now = self._clock.accept(request.header(_NOW))
        return json_response(await self._events.events(table, await self._bodies.read(request, self._limit), now))

    async def _take_events_of_several(self, request: Request) -> Response:
        now = self._clock.accept(request.header(_NOW))
        return json_response(await self._events.events_of_several(await self._bodies.read(request, self._limit), now))


@lru_cache(1024)
def _find(path: str) -> _Door:
    match path.split("/"):
        case ["", "loops", loop, "predict"] if loop:
            return _Door("predict", ("POST",), loop)
        case ["", "tables", table, "events"] if table:
            return _Door("events", ("POST",), table)
        case ["", "events"]:
            return _Door("events_of_several", ("POST",))
        case ["", "health", ("live" | "ready") as door]:
            return _Door(door, ("GET", "HEAD"))
        case ["", "metrics"]:
            return _Door("metrics", ("GET", "HEAD"))
    if path == "/" or any(path == known or path.startswith(f"{known}/") for known in _CONTROL):
        return _Door("control", ())
    return _Door("none", ())


def _target(request: Request) -> str:
    """Path and query as they were sent, safe inside a header."""
    path = quote(request.path, safe="/:@!$&'()*+,;=~-._", errors="replace")
    return f"{path}?{quote(request.query, safe=_QUERY)}" if request.query else path


_QUERY = "/?:@!$&'()*+,;=~-._%"
