"""One gateway among its siblings: says what it serves, shows its metrics to them, and reads theirs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from homeostat.adapters.files.replicas import remove_replica, write_replica
from homeostat.app.clocks import SystemClock
from homeostat.serving.live import LiveRoutes
from homeostat.serving.replicas import ReplicaState, served_by

_EVERY_SECONDS = 1.0
_OPENING_SECONDS = 0.01
_SIBLING_SECONDS = 0.5
"""Time that a sibling has for its metrics; one that hangs is left out of this scrape."""
Exposition = Callable[[], bytes]


@dataclass(slots=True)
class Replica:
    """``folder`` is where replicas say what they serve; ``sockets`` where each shows its metrics to the others;
    ``refused`` tells which shadows of a loop see nothing, since nobody trusted has signed what they would load.

    It says nothing until it is ``open``: one that cannot be asked yet serves nobody, whatever it has loaded."""

    name: str
    folder: Path
    sockets: Path
    live: LiveRoutes
    open: Callable[[], bool]
    refused: Callable[[str], Iterable[str]]
    exposition: Exposition = bytes
    _server: asyncio.Server | None = field(init=False, default=None)

    def say(self) -> None:
        """Tell what is served now, when requests can come."""
        if self._server is None:
            return
        loops = served_by(self.live, self.refused)
        ready = any(served.champion for served in loops.values())
        write_replica(self.folder, ReplicaState(self.name, os.getpid(), SystemClock().now(), ready, loops))

    async def run(self) -> None:
        """Once it is open, say so again and again, and answer siblings, until cancelled."""
        while not self.open():
            await asyncio.sleep(_OPENING_SECONDS)
        path = self.sockets / f"metrics-{self.name}"
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._show, str(path))
        try:
            while True:
                self.say()
                await asyncio.sleep(_EVERY_SECONDS)
        finally:
            self._server.close()
            path.unlink(missing_ok=True)
            remove_replica(self.folder, self.name)

    async def expositions(self) -> Mapping[str, bytes]:
        """The metrics of every replica that answers, by name; one's own first."""
        others = [path for path in self.sockets.glob("metrics-*") if path.name != f"metrics-{self.name}"]
        found = await asyncio.gather(*(_ask(path) for path in others))
        told = {path.name.removeprefix("metrics-"): text for path, text in zip(others, found, strict=True) if text}
        return {self.name: self.exposition(), **dict(sorted(told.items()))}

    async def _show(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(self.exposition())
            await writer.drain()
            writer.close()


async def _ask(path: Path) -> bytes:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_SIBLING_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                return await reader.read()
            finally:
                writer.close()
    return b""
