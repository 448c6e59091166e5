"""What a shadow that sees everything costs the reply path: the same gateway, with and without, in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.compared import Pace, recording
from benchmarks.serving.homes import Served, home_of, rows_of
from benchmarks.serving.loops import LOOP, PLAIN
from benchmarks.serving.models import LOGISTIC
from benchmarks.serving.processes import cores, hold
from benchmarks.serving.running import Round, Up, up
from benchmarks.serving.servers import gateway
from homeostat.app.fleet import Fleet
from homeostat.serving.routing import Route, Shadow
from tests.harness.running import until

Json = dict[str, Any]
_PAUSE_MS = 64
"""Between two requests of a connection: about a thousand a second in all, far from what one core can do."""


def shadowing(folder: Path, pace: Pace) -> Iterator[Json]:
    """The change of p50, at a thousand requests a second and as fast as it goes."""
    served = home_of(folder / "home", PLAIN, LOGISTIC, versions=("v1", "v2"))
    with ExitStack() as stack:
        stack.enter_context(recording(served))
        one = stack.enter_context(up(gateway(served, rows_of(served.model)), folder, served.model.expected[0]))
        one.turn(1.0)
        turned = _Turned(served, one)
        for what, pause in (("1,000 a second", _PAUSE_MS), ("as fast as it goes", 0)):
            pairs = [turned.pair(pace.seconds, pause, shadow_first=bool(n % 2)) for n in range(2 * pace.turns)]
            yield _line(what, pairs)


class _Turned:
    """Switches the shadow on and off by routes, as control does."""

    def __init__(self, served: Served, one: Up) -> None:
        self._served, self._one, self._generation = served, one, 1

    def pair(self, seconds: float, pause_ms: int, *, shadow_first: bool) -> tuple[Round, Round]:
        """A turn without the shadow and one with it."""
        taken = {}
        for shadows in ((Shadow("v2"),), ()) if shadow_first else ((), (Shadow("v2"),)):
            self._route(shadows)
            hold(self._one.process.children, cores()[1])  # where an installation with cores to spare has it
            taken[bool(shadows)] = self._one.turn(seconds, pause_ms=pause_ms)
        return taken[False], taken[True]

    def _route(self, shadows: Sequence[Shadow]) -> None:
        self._generation += 1
        self._served.route(Route(LOOP, self._generation, "v1", shadows=tuple(shadows)))
        Fleet(self._served.home).follow(LOOP, self._generation)
        until(lambda: len(self._one.process.children) == len(shadows))


def _line(what: str, pairs: Sequence[tuple[Round, Round]]) -> Json:
    changes = [with_.loaded.p50 / without.loaded.p50 - 1.0 for without, with_ in pairs]
    return {
        "what": "shadowing all to a second version",
        "load": what,
        "p50_ms": median(without.loaded.p50 for without, _ in pairs),
        "p50_shadowed_ms": median(with_.loaded.p50 for _, with_ in pairs),
        "p50_change": median(changes),
        "cpu_change": median(with_.own_cpu_ms / without.own_cpu_ms - 1.0 for without, with_ in pairs),
        "least": min(changes),
        "most": max(changes),
        "failed": sum(one.loaded.failed for pair in pairs for one in pair),
    }
