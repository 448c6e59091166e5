"""The application of the data plane: find the door, let it answer, shape what goes wrong."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from homeostat.kernel.errors import HomeostatError, NotFound
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.paths import Door, DoorTable, Names
from homeostat.web.doors.replies import MethodNotAllowed, Response, cut_short, error_response, unexpected
from homeostat.web.doors.requests import ClientLeft, Request, Scope, SlowSenders, Transport
from homeostat.web.foreign import refuse_foreign

_LOG = logging.getLogger("homeostat.doors")
_LOOK_SECONDS = 0.1


class Beside(Protocol):
    """A server on a port of its own whose requests are the gateway's too."""

    def open_calls(self) -> int:
        """How many are being answered."""
        ...

    async def open(self) -> None:
        """Listen. Raises: Conflict when the port is taken."""
        ...

    async def close(self, patience: float) -> None:
        """Take no more; return when none is open, or after ``patience`` seconds."""
        ...


class Doors:
    """Answers every request with what it asked for or with an error that says how to mend it."""

    def __init__(
        self, doors: Sequence[Door], metrics: DoorMetrics, bodies: SlowSenders, beside: Beside | None = None
    ) -> None:
        self._table = DoorTable(doors, self._no_door)
        self._metrics, self._bodies = metrics, bodies
        self._beside = beside
        self._open = 0
        metrics.open_requests = self._count_open
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

    async def open(self) -> None:
        """Open the port beside that of the doors, if there is one. Raises: Conflict when it is taken."""
        if self._beside:
            await self._beside.open()

    async def idle(self, patience: float) -> None:
        """Wait until no request is open, at most ``patience`` seconds; the port beside takes no more."""
        beside = self._beside
        await asyncio.gather(self._answered(patience), *([beside.close(patience)] if beside else []))

    async def _answered(self, patience: float) -> None:
        self._idle.clear()
        try:
            if self._open:
                await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            _LOG.warning("%d requests were still open", self._open)

    async def watch(self) -> None:
        """End requests whose bodies do not come, and see how late the event loop is, until cancelled."""
        await asyncio.gather(self._bodies.run(), self._look_for_queues())

    def _count_open(self) -> int:
        return self._open + (self._beside.open_calls() if self._beside else 0)

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
            return self._refused(error, door)
        except ClientLeft:
            raise
        except Exception as error:
            return self._broken(error, door, request)

    def _refused(self, error: HomeostatError, door: Door) -> Response:
        return error_response(error, door.errors)

    def _broken(self, error: Exception, door: Door, request: Request) -> Response:
        _LOG.error("%s %s failed", request.method, request.path, exc_info=error)
        return unexpected(door.errors)

    async def _no_door(self, request: Request, names: Names) -> Response:
        doors = [str(door) for door in self._table.doors if door.methods]
        raise NotFound(f"There is no door {request.path}.", mend=f"Doors here: {'; '.join(doors)}.", doors=doors)
