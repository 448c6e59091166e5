"""The ASGI application of the data plane: find the door, call the use case, shape the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
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
from homeostat.web.doors.requests import ClientLeft, Receive, Scope, decode_rows, header, read_body
from homeostat.web.foreign import refuse_foreign

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_LOG = logging.getLogger("homeostat.doors")
_NOW = HEADER.lower().encode()
_CONSUMER = CONSUMER.lower().encode()
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
        self._idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI hands it over."""
        if scope["type"] != "http":
            return
        self._open += 1
        self._idle.clear()
        started = time.perf_counter()
        door = _find(scope["path"].encode("utf-8", "replace").decode())  # names go on as valid text
        try:
            response = await self._answer(door, scope, receive)
            self._metrics.request(door.door, door.name, response.status, time.perf_counter() - started)
            await _send(send, response, head=scope["method"] == "HEAD")
        except ClientLeft:
            self._metrics.request(door.door, door.name, 499, time.perf_counter() - started)
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def idle(self, patience: float) -> None:
        """Wait until no request is open, at most ``patience`` seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            _LOG.warning("%d requests were still open", self._open)

    async def _answer(self, door: _Door, scope: Scope, receive: Receive) -> Response:
        try:
            changes = scope["method"] not in ("GET", "HEAD")
            refuse_foreign(header(scope, b"host"), header(scope, b"origin"), changes=changes)
            if scope["method"] not in door.methods and door.methods:
                raise MethodNotAllowed(
                    f"{scope['method']} is not allowed on {scope['path']}.",
                    mend=f"Use {' or '.join(door.methods)}.",
                    allow=door.methods,
                )
            return await self._enter(door, scope, receive)
        except HomeostatError as error:
            return error_response(error)
        except ClientLeft:
            raise
        except Exception:
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            return unexpected()

    async def _enter(self, door: _Door, scope: Scope, receive: Receive) -> Response:
        if door.door == "predict":
            return await self._predict(door.name, scope, receive)
        if door.door == "events":
            return await self._take_events(door.name, scope, receive)
        if door.door == "events_of_several":
            return await self._take_events_of_several(scope, receive)
        if door.door == "live":
            return json_response({"live": True})
        if door.door == "ready":
            ready, shape = health(self._live)
            return json_response(shape, 200 if ready else 503)
        if door.door == "metrics":
            return Response(200, self._metrics.exposition(), ((b"content-type", CONTENT_TYPE.encode()),))
        if door.door == "control":
            return redirect(self._control + _target(scope))
        raise NotFound(f"There is no door {scope['path']}.", mend=f"Doors here: {'; '.join(DOORS)}.", doors=DOORS)

    async def _predict(self, loop: str, scope: Scope, receive: Receive) -> Response:
        now = self._clock.accept(header(scope, _NOW))
        self._metrics.consumed(loop, header(scope, _CONSUMER))
        rows = decode_rows(await read_body(scope, receive, self._limit))
        return json_response({"predictions": await self._gateway.predict(loop, rows, now)})

    async def _take_events(self, table: str, scope: Scope, receive: Receive) -> Response:
        now = self._clock.accept(header(scope, _NOW))
        body = await read_body(scope, receive, self._limit)
        return json_response(await self._events.events(table, body, now))

    async def _take_events_of_several(self, scope: Scope, receive: Receive) -> Response:
        now = self._clock.accept(header(scope, _NOW))
        return json_response(await self._events.events_of_several(await read_body(scope, receive, self._limit), now))


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


def _target(scope: Scope) -> str:
    """Path and query as they were sent, safe inside a header."""
    query = scope.get("query_string", b"").decode("latin-1")
    path = quote(scope["path"], safe="/:@!$&'()*+,;=~-._", errors="replace")
    return f"{path}?{quote(query, safe=_QUERY)}" if query else path


_QUERY = "/?:@!$&'()*+,;=~-._%"


async def _send(send: Send, response: Response, *, head: bool) -> None:
    length = (b"content-length", str(len(response.body)).encode())
    await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, length]})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
