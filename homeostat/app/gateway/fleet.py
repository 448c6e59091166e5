"""All replicas of a home: what each serves, and the wait until a new route is served by every one."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from homeostat.adapters.files.replicas import read_replicas
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.serving.replicas import ReplicaState, lagging, untrusted

PATIENCE_SECONDS = 10.0
_EVERY_SECONDS = 0.005
_REFUSED_SECONDS = 1.0
"""After so long, replicas that say what is wrong are believed; before, they may speak of the route before."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a new route: on how many replicas, after how many seconds, and why not on the others."""

    replicas: int
    seconds: float
    lagging: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Reads what replicas say in one home."""

    home: Home
    _pause: threading.Event = field(default_factory=threading.Event)

    def replicas(self) -> list[ReplicaState]:
        """What every replica said last."""
        return read_replicas(self.home.replicas)

    def lagging(self, loop: str, generation: int) -> list[str]:
        """Why the route of a generation is not served everywhere; nothing when it is."""
        return lagging(self.replicas(), loop, generation, SystemClock().now())

    def untrusted(self, loop: str) -> list[str]:
        """What replicas refuse to load of a loop because nobody trusted has signed it."""
        return untrusted(self.replicas(), loop, SystemClock().now())

    def follow(self, loop: str, generation: int, patience: float = PATIENCE_SECONDS) -> Followed:
        """Wait until every replica serves a generation, or has said why it cannot."""
        began = time.monotonic()
        while True:
            now = SystemClock().now()
            known = [one for one in self.replicas() if not one.silent(now)]
            behind = lagging(known, loop, generation, now)
            seconds = time.monotonic() - began
            hopeful = (
                _REFUSED_SECONDS
                if all(_troubled(one, loop) for one in known if not _serves(one, loop, generation))
                else patience
            )
            if not behind or seconds > hopeful:
                return Followed(len(known), seconds, tuple(behind))
            self._pause.wait(_EVERY_SECONDS)


def _serves(one: ReplicaState, loop: str, generation: int) -> bool:
    served = one.loops.get(loop)
    return served is not None and served.generation is not None and served.generation >= generation


def _troubled(one: ReplicaState, loop: str) -> bool:
    served = one.loops.get(loop)
    return served is not None and served.problem is not None
