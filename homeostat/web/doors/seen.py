"""Doors for those who look after the process: health, metrics, and the way to the control plane."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from homeostat.app.replica import Replica
from homeostat.serving.live import LiveRoutes
from homeostat.web.doors.merging import merged
from homeostat.web.doors.metrics import CONTENT_TYPE, health
from homeostat.web.doors.paths import READ, Door, Names
from homeostat.web.doors.replies import Response, json_response, redirect
from homeostat.web.doors.requests import Request

_CONTROL = ("/", "/openapi.json")
_CONTROL_BELOW = ("/api", "/docs", "/static")
_QUERY = "/?:@!$&'()*+,;=~-._%"


@dataclass(frozen=True, slots=True)
class SeenDoors:
    """What orchestrators, Prometheus and browsers ask."""

    live: LiveRoutes
    replica: Replica
    control_url: str

    def doors(self) -> list[Door]:
        """Health, metrics, and where the dashboard is."""
        return [
            Door("live", "/health/live", READ, self._alive),
            Door("ready", "/health/ready", READ, self._ready),
            Door("metrics", "/metrics", READ, self._exposition),
            *(Door("control", path, (), self._elsewhere) for path in _CONTROL),
            *(Door("control", path, (), self._elsewhere, below=True) for path in _CONTROL_BELOW),
        ]

    async def _alive(self, request: Request, names: Names) -> Response:
        return json_response({"live": True})

    async def _ready(self, request: Request, names: Names) -> Response:
        ready, shape = health(self.live)
        return json_response(shape, 200 if ready else 503)

    async def _exposition(self, request: Request, names: Names) -> Response:
        """The metrics of all replicas: nobody can choose which one answers on a shared port."""
        return Response(200, merged(await self.replica.expositions()), [("content-type", CONTENT_TYPE)])

    async def _elsewhere(self, request: Request, names: Names) -> Response:
        """Path and query as they were sent, safe inside a header."""
        path = quote(request.path, safe="/:@!$&'()*+,;=~-._", errors="replace")
        query = f"?{quote(request.query, safe=_QUERY)}" if request.query else ""
        return redirect(f"{self.control_url.rstrip('/')}{path}{query}")
