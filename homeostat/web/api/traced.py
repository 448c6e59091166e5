"""A span for every request to the control API, as the gateway's doors have them."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from homeostat.app.tracing.tracer import CURRENT, Tracer
from homeostat.kernel.traces import Place, place_of
from homeostat.web.doors.traced.application import http_facts, http_name, http_status


class TracedApi:
    """An application of ASGI around another."""

    def __init__(self, api: FastAPI, tracer: Tracer) -> None:
        self._api, self._tracer = api, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI hands it over."""
        trace = self._tracer.begin(_caller(scope)) if scope["type"] == "http" else None
        if trace is None:
            return await self._api(scope, receive, send)
        trace.facts |= http_facts(scope["method"], scope["path"], _agent(scope))
        token = CURRENT.set(trace)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                http_status(trace, message["status"])
            await send(message)

        try:
            await self._api(scope, receive, noting)
        finally:
            CURRENT.reset(token)
            if route := _route(scope):
                trace.facts["http.route"] = route
            trace.finish(http_name(trace), "server")


def _caller(scope: Scope) -> Place | None:
    parents = _values(scope, b"traceparent")
    return place_of(parents, _values(scope, b"tracestate")) if parents else None


def _route(scope: Scope) -> str:
    """The pattern that answered, below whatever its router is included under; empty where none did."""
    pattern = getattr(scope.get("route"), "path", "")
    above = scope["path"].split("/")[: scope["path"].count("/") - pattern.count("/") + 1] if pattern else []
    return "/".join(above) + pattern


def _agent(scope: Scope) -> str | None:
    return next(iter(_values(scope, b"user-agent")), None)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
