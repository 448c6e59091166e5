"""Follows the routes that control writes; loads versions beside the traffic, never in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from homeostat.adapters.files.routes import (
    Signature,
    read_route,
    read_waiting,
    signature,
    waiting_signature,
)
from homeostat.kernel.errors import HomeostatError, Unavailable
from homeostat.serving.live import LiveRoutes, Serving

_LOG = logging.getLogger("homeostat.routes")


@dataclass(slots=True)
class _Seen:
    file: Signature | None = None
    waiting: Signature | None = None
    retry_at: float | None = None


class RouteWatcher:
    """Looks at each loop's route file ``every`` so many seconds and swaps what is served when it is replaced.

    A route that cannot be served in full is tried again every ``retry`` seconds: its files may still come.
    ``changed`` is called after each look at a new route.
    """

    def __init__(
        self,
        folder: Path,
        live: LiveRoutes,
        *,
        every: float = 0.02,
        retry: float = 1.0,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder, self._live, self._every, self._retry = folder, live, every, retry
        self._changed = changed
        self._seen = {loop: _Seen() for loop in live.loops}
        self._following: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._glance()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Take over whatever changed since the last look."""
        await asyncio.gather(*self._glance())

    def _glance(self) -> list[asyncio.Task[None]]:
        """Begin to follow what changed. A route that takes long to load does not hold up the one that follows it."""
        now = asyncio.get_running_loop().time()
        begun = []
        for loop, seen in self._seen.items():
            found = signature(self._folder, loop)
            due = seen.retry_at is not None and now >= seen.retry_at
            if found is not None and (found != seen.file or due):
                seen.file, seen.retry_at = found, None
                begun.append(asyncio.create_task(self._follow(loop, seen)))
            self._hear(loop, seen)
        self._following.update(begun)
        for task in begun:
            task.add_done_callback(self._following.discard)
        return begun

    def _hear(self, loop: str, seen: _Seen) -> None:
        """While nothing serves, take over what control says about that."""
        current = self._live.current(loop)
        if current is not None and current.route.champion is not None:
            return
        found = waiting_signature(self._folder, loop)
        if found != seen.waiting:
            seen.waiting = found
            self._live.wait(loop, read_waiting(self._folder, loop))

    async def _follow(self, loop: str, seen: _Seen) -> None:
        before = self._live.problem(loop)
        try:
            serving = await asyncio.to_thread(self._prepare, loop)
            if serving is not None:
                self._live.take(serving)
        except HomeostatError as error:
            self._live.refuse(loop, error)
        except Exception as error:  # a watcher that dies would freeze every route
            text = f"The route could not be followed: {type(error).__name__}: {error}."
            self._live.refuse(loop, Unavailable(text, mend="Read process-logs/gateway.log."))
        problem = self._live.problem(loop)
        if problem:
            seen.retry_at = asyncio.get_running_loop().time() + self._retry
        if problem and problem != before:
            _LOG.warning("route of %s: %s", loop, problem)
        self._changed()

    def _prepare(self, loop: str) -> Serving | None:
        route = read_route(self._folder, loop)
        if route is None:
            return None
        current = self._live.current(loop)
        if current is not None and route == current.route and not current.problem:
            return current  # written again unchanged, or put back after a refusal
        return self._live.prepare(route)
