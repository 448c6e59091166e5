"""What each replica says of itself: which route it serves, and what keeps it from serving the newest one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeostat.kernel.clock import Duration, Instant, duration

if TYPE_CHECKING:
    from homeostat.serving.live import LiveRoutes

SILENT_AFTER: Duration = duration("5s")
"""Of processing time; a replica that said nothing for so long is not counted on."""


@dataclass(frozen=True, slots=True)
class LoopServed:
    """A loop on one replica: the generation it serves (None before the first), and why it is not the newest.

    ``untrusted`` says so where it is because nobody trusted has signed what would be loaded.
    """

    generation: int | None
    champion: str | None
    problem: str | None = None
    untrusted: str | None = None


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """One gateway process: its id, process and when it said this (processing time)."""

    id: str
    pid: int
    at: Instant
    ready: bool
    loops: Mapping[str, LoopServed] = field(default_factory=dict)

    def silent(self, now: Instant) -> bool:
        """Whether it should have said something since; where the clock was set back, what it said lies ahead.

        >>> state = ReplicaState("r1", 7, at=0, ready=True)
        >>> state.silent(SILENT_AFTER), state.silent(SILENT_AFTER + 1), state.silent(-SILENT_AFTER - 1)
        (False, True, True)
        """
        return abs(now - self.at) > SILENT_AFTER


def served_by(live: LiveRoutes, beside: Callable[[str], Iterable[str]]) -> dict[str, LoopServed]:
    """Every loop as it is served here; ``beside`` tells what shadows of one refuse to load for want of a signature."""
    found = {}
    for loop in live.loops:
        serving = live.current(loop)
        route = serving.route if serving else None
        champion = route.champion if route else None
        refused = [one for one in (live.untrusted(loop), *beside(loop)) if one]
        found[loop] = LoopServed(
            route.generation if route else None, champion, live.problem(loop), " ".join(refused) or None
        )
    return found


def untrusted(replicas: Iterable[ReplicaState], loop: str, now: Instant) -> list[str]:
    """What replicas refused to load of a loop because nobody trusted has signed it; each thing once.

    >>> wary = ReplicaState("r2", 7, 0, True, {"late": LoopServed(3, "v1", "No.", "Version v2 is not loaded.")})
    >>> untrusted([wary, wary], "late", 0)
    ['Version v2 is not loaded.']
    """
    served = [one.loops.get(loop) for one in replicas if not one.silent(now)]
    return list(dict.fromkeys(one.untrusted for one in served if one is not None and one.untrusted))


def lagging(replicas: Iterable[ReplicaState], loop: str, generation: int, now: Instant) -> list[str]:
    """Why a loop's newest route is not served everywhere yet: one sentence for each replica that lags.

    >>> behind = ReplicaState("r2", 7, 0, True, {"late": LoopServed(3, "v1", "v2 is broken.")})
    >>> lagging([behind], "late", 4, 0)
    ['replica r2 serves generation 3, not 4: v2 is broken.']
    >>> lagging([ReplicaState("r1", 7, 0, True, {})], "late", 0, 0)  # nothing was released yet
    []
    """
    found = []
    for one in replicas if generation else ():
        if one.silent(now):
            continue
        served = one.loops.get(loop)
        if served is None or served.generation is None or served.generation < generation:
            at = "nothing" if served is None or served.generation is None else f"generation {served.generation}"
            why = f": {served.problem}" if served is not None and served.problem else ""
            found.append(f"replica {one.id} serves {at}, not {generation}{why}")
        elif served.problem:
            found.append(f"replica {one.id} does not serve generation {generation} in full: {served.problem}")
    return found
