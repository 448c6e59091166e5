"""Doors for those who look after the process: health, metrics, and the way to the control plane."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from homeostat.app.gateway.replica import Replica
from homeostat.serving.live import LiveRoutes
from homeostat.web.doors.merging import merged
from homeostat.web.doors.metrics import CONTENT_TYPE, health
from homeostat.web.doors.openapi.parts import READ_ERRORS, Description, answer, only, operation
from homeostat.web.doors.paths import READ, Door, Names
from homeostat.web.doors.replies import Response, json_response, redirect
from homeostat.web.doors.requests import Request

_CONTROL_BELOW = ("/api", "/docs", "/static")
_READY = only(
    ready={"type": "boolean"},
    loops={"type": "object", "description": "Each loop's route by name.", "additionalProperties": {"type": "object"}},
)
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
            Door("control", "/", (), self._elsewhere),
            *(Door("control", path, (), self._elsewhere, below=True) for path in _CONTROL_BELOW),
        ]

    def described(self) -> Description:
        """What is asked of a process; the ways to the control plane are for browsers."""
        live = operation("live", "Whether the process runs.", only(live={"type": "boolean"}), READ_ERRORS)
        ready = operation("ready", "What each loop serves; 503 while none can answer.", "Ready", READ_ERRORS)
        ready["responses"]["503"] = answer("No loop can answer.", "Ready")
        metrics = operation("metrics", "For Prometheus.", {"type": "string"}, READ_ERRORS, kind=CONTENT_TYPE)
        paths = {"/health/live": live, "/health/ready": ready, "/metrics": metrics}
        return Description({path: {"get": one} for path, one in paths.items()}, {"Ready": _READY})

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
