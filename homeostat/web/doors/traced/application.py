"""A span for every request over HTTP, with the standard's names for what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.app.tracing.tracer import CURRENT, Trace, Tracer, reason_of
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.traces import Place, place_of
from homeostat.web.doors.application import Beside, Doors
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.paths import Door, Names
from homeostat.web.doors.replies import Response
from homeostat.web.doors.requests import ClientLeft, Headers, Request, Scope, SlowSenders, Transport

METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
ERROR = "homeostat.error.code"
"""Set for whatever was refused; the standard's ``error.type`` only for what counts as a failure of the server."""
_LONGEST = 256


class TracedDoors(Doors):
    """As ``Doors``."""

    def __init__(
        self,
        doors: Sequence[Door],
        metrics: DoorMetrics,
        bodies: SlowSenders,
        beside: Beside | None,
        tracer: Tracer,
    ) -> None:
        super().__init__(doors, metrics, bodies, beside)
        self._tracer = tracer

    async def __call__(self, scope: Scope, transport: Transport) -> None:
        """One request, as RSGI hands it over."""
        trace = self._tracer.begin(_caller(scope.headers))
        if trace is None:
            return await super().__call__(scope, transport)
        token = CURRENT.set(trace)
        try:
            await super().__call__(scope, transport)
        finally:
            CURRENT.reset(token)
            trace.finish(http_name(trace), "server")

    async def _answer(self, door: Door, names: Names, request: Request) -> Response:
        trace = CURRENT.get()
        if trace is None:
            return await super()._answer(door, names, request)
        trace.facts |= http_facts(request.method, request.path, request.header("user-agent"))
        if door.name != "none":
            trace.facts["http.route"] = door.pattern
        try:
            response = await super()._answer(door, names, request)
        except ClientLeft:
            trace.facts[ERROR] = "client_left"
            raise
        http_status(trace, response.status)
        return response

    def _refused(self, error: HomeostatError, door: Door) -> Response:
        _note(error)
        return super()._refused(error, door)

    def _broken(self, error: Exception, door: Door, request: Request) -> Response:
        _note(error)
        return super()._broken(error, door, request)


def http_facts(method: str, path: str, agent: str | None) -> dict[str, str]:
    """What is known of a request before it is answered; long texts are cut."""
    known = method in METHODS
    facts = {"http.request.method": method if known else "_OTHER", "url.path": _cut(path), "url.scheme": "http"}
    if not known:
        facts["http.request.method_original"] = _cut(method)
    if agent is not None:
        facts["user_agent.original"] = _cut(agent)
    return facts


def http_name(trace: Trace) -> str:
    """Method and route: what callers make up is no part of a name."""
    method, route = str(trace.facts.get("http.request.method", "_OTHER")), trace.facts.get("http.route")
    method = "HTTP" if method == "_OTHER" else method
    return method if route is None else f"{method} {route}"


def http_status(trace: Trace, status: int) -> None:
    """Note how it was answered: a server's span has failed from 500 on, as the standard says."""
    trace.facts["http.response.status_code"] = status
    if status >= 500:
        trace.failed = trace.facts["error.type"] = str(trace.facts.get(ERROR, status))


def _note(error: Exception) -> None:
    if trace := CURRENT.get():
        trace.facts[ERROR] = reason_of(error)


def _caller(headers: Headers) -> Place | None:
    parents = headers.get_all("traceparent")
    return place_of(parents, headers.get_all("tracestate")) if parents else None


def _cut(text: str) -> str:
    return text[:_LONGEST].encode("utf-8", "replace").decode()
