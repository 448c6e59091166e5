"""The application of the data plane: find the door, let it answer, shape what goes wrong."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from homeostat.kernel.errors import HomeostatError, NotFound
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.paths import Door, DoorTable, Names
from homeostat.web.doors.replies import MethodNotAllowed, Response, cut_short, error_response, unexpected
from homeostat.web.doors.requests import ClientLeft, Request, Scope, SlowSenders, Transport
from homeostat.web.foreign import refuse_foreign

_LOG = logging.getLogger("homeostat.doors")
_LOOK_SECONDS = 0.1


class Doors:
    """Answers every request with what it asked for or with an error that says how to mend it."""

    def __init__(self, doors: Sequence[Door], metrics: DoorMetrics, bodies: SlowSenders) -> None:
        self._table = DoorTable(doors, self._no_door)
        self._metrics, self._bodies = metrics, bodies
        self._open = 0
        metrics.open_requests = lambda: self._open
        self._idle = asyncio.Event()

    async def __call__(self, scope: Scope, transport: Transport) -> None:
        """One request, as RSGI hands it over."""
        self._open += 1
        started = time.perf_counter()
        request = Request(scope, transport)
        door, names = self._table.find(request.path)
        try:
            response = await self._answer(door, names, request)
            self._metrics.request(door.name, names, response.status, time.perf_counter() - started)
            transport.response_bytes(response.status, response.headers, response.body)
        except ClientLeft:
            self._metrics.request(door.name, names, 499, time.perf_counter() - started)
            response = cut_short(door.errors)  # some only stopped sending, and the server would say 500 for silence
            transport.response_bytes(response.status, response.headers, response.body)
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
        """End requests whose bodies do not come, and see how late the event loop is, until cancelled."""
        await asyncio.gather(self._bodies.run(), self._look_for_queues())

    async def _look_for_queues(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            self._metrics.queued(max(0.0, clock() - due))

    async def _answer(self, door: Door, names: Names, request: Request) -> Response:
        try:
            changes = request.method not in ("GET", "HEAD")
            refuse_foreign(request.header("host"), request.header("origin"), changes=changes)
            if door.methods and request.method not in door.methods:
                raise MethodNotAllowed(
                    f"{request.method} is not allowed on {request.path}.",
                    mend=f"Use {' or '.join(door.methods)}.",
                    allow=door.methods,
                )
            return await door.handle(request, names)
        except HomeostatError as error:
            return error_response(error, door.errors)
        except ClientLeft:
            raise
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.path)
            return unexpected(door.errors)

    async def _no_door(self, request: Request, names: Names) -> Response:
        doors = [str(door) for door in self._table.doors if door.methods]
        raise NotFound(f"There is no door {request.path}.", mend=f"Doors here: {'; '.join(doors)}.", doors=doors)
