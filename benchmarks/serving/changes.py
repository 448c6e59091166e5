"""Routes that change under load: the way back from a bad version, and thousands of changes in a row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.compared import recording
from benchmarks.serving.homes import Served, home_of, rows_of
from benchmarks.serving.loops import LOOP, PLAIN
from benchmarks.serving.models import LOGISTIC
from benchmarks.serving.running import up
from benchmarks.serving.servers import gateway
from benchmarks.serving.watched import Watching
from homeostat.app.gateway.fleet import Fleet, Followed
from homeostat.serving.routing import Route
from tests.harness.running import until

Json = dict[str, Any]
REPLICAS = 2
_CONNECTIONS = 32
_AFTERWARDS = 1_000
"""Replies of the good version that are looked at after a rollback: none of the bad one may be among the last."""


def changes(folder: Path, rollbacks: int, generations: int) -> Iterator[Json]:
    """Two replicas under load, first taken back, then changed again and again."""
    served = home_of(folder / "home", PLAIN, LOGISTIC, versions=("v1", "v2"), replicas=REPLICAS)
    with _replicas(served, folder) as url:
        yield _rollbacks(served, url, rollbacks)
        yield _many(served, url, generations)


@contextmanager
def _replicas(served: Served, folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        stack.enter_context(recording(served))
        rows = rows_of(served.model)
        every = [gateway(served, rows, name=f"replica r{n}", replica=f"r{n}") for n in range(1, REPLICAS + 1)]
        for one in every:
            stack.enter_context(up(one, folder, served.model.expected[0]))
        until(lambda: sum(one.ready for one in Fleet(served.home).replicas()) == REPLICAS)  # they share a port
        yield every[0].url


def _rollbacks(served: Served, url: str, times: int) -> Json:
    """From the write of the route to the last reply of the version that was taken back."""
    last, followed, failed, replies = [], [], 0, 0
    generation = 1
    with Watching(url, _bodies(served), _CONNECTIONS) as seen:
        for _ in range(times):
            _follow(served, generation := generation + 1, "v2", "v1")
            begun = seen.replies["v1"]
            until(lambda: seen.replies["v2"] > _AFTERWARDS)
            asked = time.perf_counter()
            done = _follow(served, generation := generation + 1, "v1", "v2")
            until(lambda begun=begun: seen.replies["v1"] > begun + _AFTERWARDS)
            last.append(seen.last["v2"] - asked)
            followed.append(done.seconds)
            seen.replies["v2"] = 0
        replies = sum(seen.replies.values())
    failed = len(seen.failed)
    return {
        "what": "immediate rollback under load",
        "replicas": REPLICAS,
        "last_bad_seconds": median(last),
        "most": max(last),
        "followed_seconds": max(followed),
        "replies": replies,
        "failed": failed,
    }


def _many(served: Served, url: str, generations: int) -> Json:
    """One change after the other, each as soon as every replica serves the one before.

    Each serves another version; half of them find it standing by, the others load it anew.
    """
    first = max(one.loops[LOOP].generation or 0 for one in Fleet(served.home).replicas())
    with Watching(url, _bodies(served), _CONNECTIONS) as seen:
        began = time.perf_counter()
        for generation in range(first + 1, first + 1 + generations):
            champion, other = ("v1", "v2") if generation % 2 else ("v2", "v1")
            _follow(served, generation, champion, other if generation % 4 < 2 else None)
        seconds = time.perf_counter() - began
    return {
        "what": "route changes under load",
        "replicas": REPLICAS,
        "changes": generations,
        "seconds": seconds,
        "replies": sum(seen.replies.values()),
        "versions": dict(seen.replies),
        "failed": len(seen.failed),
    }


def _follow(served: Served, generation: int, champion: str, standby: str | None) -> Followed:
    served.route(Route(LOOP, generation, champion, standby=standby))
    found = Fleet(served.home).follow(LOOP, generation)
    if found.lagging or found.replicas != REPLICAS:
        raise RuntimeError(f"{found.replicas} replicas, of which not all follow: {found.lagging}")
    return found


def _bodies(served: Served) -> list[bytes]:
    return list(gateway(served, rows_of(served.model)).bodies)
