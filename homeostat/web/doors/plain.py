"""Homeostat's own doors: predictions by rows, and events for the recorder."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.app.door_parts import EventSink
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.paths import WRITE, Door, Names
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Request, decode_rows


@dataclass(frozen=True, slots=True)
class PlainDoors:
    """Rows in, predictions out; facts in, counts out."""

    asking: Asking
    events: EventSink

    def doors(self) -> list[Door]:
        """The doors of this protocol."""
        return [
            Door("predict", "/loops/{loop}/predict", WRITE, self._predict),
            Door("events", "/tables/{table}/events", WRITE, self._take_events),
            Door("events_of_several", "/events", WRITE, self._take_events_of_several),
        ]

    async def _predict(self, request: Request, names: Names) -> Response:
        (loop,) = names
        rows = decode_rows(await self.asking.body(request))
        return json_response({"predictions": await self.asking.predict(request, loop, rows)})

    async def _take_events(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events(names[0], await self.asking.body(request), now))

    async def _take_events_of_several(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events_of_several(await self.asking.body(request), now))
