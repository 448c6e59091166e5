"""What a shadow that sees everything costs the reply path: one gateway with and without it, in many short turns.

Turns go without, with, with, without, and so on, so that what changes slowly changes both alike; each pair of
neighbours is one observation. The gateway has a core, and load, recorder and shadow the other. Gateway and load go
before whatever else runs on the machine, where that may be asked for: else a busy scheduler moves its neighbours
about when a shadow joins, which changes more than the shadow does.
"""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from scipy.stats import binom

from benchmarks.serving.compared import recording
from benchmarks.serving.homes import Served, home_of, rows_of
from benchmarks.serving.loops import LOOP, PLAIN
from benchmarks.serving.models import LOGISTIC
from benchmarks.serving.processes import cores, go_first, hold
from benchmarks.serving.running import Round, Up, up
from benchmarks.serving.servers import gateway
from homeostat.app.gateway.fleet import Fleet
from homeostat.serving.routing import Route, Shadow
from tests.harness.running import until

Json = dict[str, Any]
Pair = tuple[Round, Round]
"""A turn without the shadow and its neighbour with it."""
_LOADS = {"500 a second": 500.0, "64 connections, as fast as it goes": 0.0}
_SECONDS = 1.0
_CONFIDENCE = 0.95


def shadowing(folder: Path, pairs: int) -> Iterator[Json]:
    """The change of p50 at a moderate rate, and as fast as it goes."""
    served = home_of(folder / "home", PLAIN, LOGISTIC, versions=("v1", "v2"))
    with ExitStack() as stack:
        stack.enter_context(recording(served))
        one = stack.enter_context(up(gateway(served, rows_of(served.model)), folder, served.model.expected[0]))
        one.turn(_SECONDS)
        turned = _Turned(served, one, go_first(one.process.pids))
        for what, rate in _LOADS.items():
            yield {**_line(what, list(turned.pairs(pairs, rate))), "before_neighbours": turned.first}


class _Turned:
    """Switches the shadow on and off by routes, as control does."""

    def __init__(self, served: Served, one: Up, first: bool) -> None:
        self._served, self._one, self._generation, self._shadowed = served, one, 1, False
        self.first = first

    def pairs(self, count: int, rate: float) -> Iterator[Pair]:
        """Pairs of neighbours, of which the first turn is now without the shadow and now with it."""
        for place in range(count):
            taken = {}
            for shadowed in (False, True) if place % 2 == 0 else (True, False):
                self._switch(shadowed)
                taken[shadowed] = self._one.turn(_SECONDS, rate=rate, first=self.first)
            yield taken[False], taken[True]

    def _switch(self, shadowed: bool) -> None:
        """Have the shadow scoring, or gone."""
        if shadowed == self._shadowed:
            return
        self._shadowed, self._generation = shadowed, self._generation + 1
        shadows = (Shadow("v2"),) if shadowed else ()
        self._served.route(Route(LOOP, self._generation, "v1", shadows=shadows))
        Fleet(self._served.home).follow(LOOP, self._generation)
        until(lambda: len(self._one.process.children) == len(shadows))
        hold(self._one.process.children, cores()[1])  # where an installation with cores to spare has it
        if shadowed:
            until(self._scores)

    def _scores(self) -> bool:
        """Whether a prediction that was just made has reached the shadow."""
        self._one.turn(0.1, rate=100.0)
        address = self._one.server.url.removesuffix(self._one.server.path)
        with urllib.request.urlopen(f"{address}/metrics") as told:
            lines = [line for line in told.read().decode().splitlines() if line.startswith("homeostat_shadow_rows{")]
        return any('outcome="rows"' in line and float(line.split()[-1]) > 0 for line in lines)


def _line(what: str, pairs: Sequence[Pair]) -> Json:
    changes = [with_.loaded.p50 / without.loaded.p50 - 1.0 for without, with_ in pairs]
    low, high = median_interval(changes)
    return {
        "what": "shadowing all to a second version",
        "load": what,
        "pairs": len(pairs),
        "p50_ms": median(without.loaded.p50 for without, _ in pairs),
        "p50_shadowed_ms": median(with_.loaded.p50 for _, with_ in pairs),
        "p50_change": median(changes),
        "low": low,
        "high": high,
        "cpu_change": median(with_.own_cpu_ms / without.own_cpu_ms - 1.0 for without, with_ in pairs),
        "failed": sum(one.loaded.failed for pair in pairs for one in pair),
    }


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Bounds of the median by the sign test, at 95 % or more: nothing is supposed of the values but independence.

    >>> median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    (1.0, 8.0)
    >>> median_interval([1.0])
    (-inf, inf)
    """
    ordered = sorted(values)
    place = int(binom.ppf((1.0 - _CONFIDENCE) / 2, len(ordered), 0.5))
    return (ordered[place - 1], ordered[-place]) if place else (-math.inf, math.inf)
