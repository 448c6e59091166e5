"""Rows that a predict request was refused for are kept apart by the recorder, off the reply path."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence

from homeostat.app.clocks import DoorClock
from homeostat.app.gateway.door_parts import EventSink
from homeostat.kernel.errors import HomeostatError

_LOG = logging.getLogger("homeostat.doors")
_MOST_WAITING = 64
"""Refused requests on their way at once; a flood of bad requests must not become a flood inside."""


class RefusedRows:
    """Hands refused rows to the recorder, whose own check puts them into quarantine with the reason.

    Nobody waits for it, and a failure is only said in the log: the caller has been told already.
    """

    def __init__(self, events: EventSink, clock: DoorClock) -> None:
        self._events, self._clock = events, clock
        self._tasks: set[asyncio.Task[None]] = set()

    def forward(self, table: str, rows: Sequence[object]) -> None:
        """Send the rows on their way."""
        if len(self._tasks) >= _MOST_WAITING:
            _LOG.warning("%d refused rows of %s are not kept: too many at once", len(rows), table)
            return
        task = asyncio.get_running_loop().create_task(self._send(table, rows))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        await asyncio.gather(*self._tasks)

    async def _send(self, table: str, rows: Sequence[object]) -> None:
        try:
            body = json.dumps({"rows": rows}).encode()  # takes integers of any size and half surrogate pairs
            await self._events.refuse(table, body, self._clock.now())
        except (HomeostatError, ValueError, RecursionError) as error:
            _LOG.warning("%d refused rows of %s are not kept: %s", len(rows), table, error)
