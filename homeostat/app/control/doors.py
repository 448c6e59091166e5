"""Looks at what the doors count, every few seconds, so that the last minutes can be shown."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from homeostat.app.gateway.counted import Added, Look, added, look_at
from homeostat.app.processes.loopback import get
from homeostat.kernel.clock import Clock
from homeostat.kernel.errors import Unavailable

EVERY_SECONDS = 5.0
"""A look costs the doors some milliseconds."""
KEPT = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """The last minutes, oldest first; ``look`` is the newest one, None while the doors do not answer, as ``problem``
    then says. ``number`` is how many looks there were."""

    points: Sequence[Added] = ()
    look: Look | None = None
    problem: str | None = None
    number: int = 0


@dataclass(slots=True)
class DoorsWatch:
    """Reads ``/metrics`` at ``url``; ``timer`` tells seconds that only grow, ``clock`` the time of day for people."""

    url: str
    clock: Clock
    timer: Callable[[], float]
    _points: deque[Added] = field(init=False, default_factory=lambda: deque(maxlen=KEPT))
    _look: Look | None = field(init=False, default=None)
    _problem: str | None = field(init=False, default=None)
    _number: int = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def look(self) -> None:
        """One look. While the doors are away nothing is known, not even what they counted meanwhile."""
        try:
            text, problem = get(f"{self.url}/metrics").decode(), None
        except Unavailable as error:
            text, problem = "", error.problem
        found = None if problem else look_at(text, self.clock.now(), self.timer())
        with self._lock:
            if found is not None and self._look is not None:
                self._points.append(added(self._look, found))
            elif self._points:
                self._points.append(Added(self.clock.now()))
            self._look, self._problem = found, problem
            self._number += 1

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while True:
            self.look()
            if stop.wait(EVERY_SECONDS):
                return

    def seen(self) -> Seen:
        """The last minutes as they are known now."""
        with self._lock:
            return Seen(tuple(self._points), self._look, self._problem, self._number)
