"""Homeostat in turns with the limit and with each peer: the same model, the same core, the same load."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.homes import Durability, Served, home_of, rows_of
from benchmarks.serving.loops import ONLINE, PLAIN
from benchmarks.serving.models import LOGISTIC, Kind
from benchmarks.serving.online import asked_online, told
from benchmarks.serving.processes import Process, cores
from benchmarks.serving.running import Round, Up, cold_start, started, up
from benchmarks.serving.servers import Server, gateway, limit, peers, recorder

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many turns of how many seconds each server gets."""

    turns: int
    seconds: float
    cold_starts: int


@contextmanager
def recording(served: Served) -> Iterator[Process]:
    """The recorder of a home, on the other core, where it is in an installation with cores to spare."""
    process = Process(recorder(served), cores()[1], served.home.root / "recorder.log")
    try:
        yield process
    finally:
        process.stop()


def beside_limit(kind: Kind, folder: Path, pace: Pace) -> Iterator[Json]:
    """A loop of plain columns beside the limit, then in turns with each peer."""
    served = home_of(folder / "home", PLAIN, kind)
    ours, bare, first = gateway(served, rows_of(served.model)), limit(served), served.model.expected[0]
    with recording(served):
        compared = [bare, limit(served, uvloop=True), ours]
        colds = _colds(compared, folder, first, pace.cold_starts)
        yield from _lines(kind, compared, folder, first, pace, colds)
        installed, missing = peers(served)
        for peer in installed:
            say(f"{kind}: {peer.name}")
            try:
                cold_start(peer, folder, first)  # the first ever also writes its files and compiles its bytecode
                _, line = _lines(kind, [ours, peer], folder, first, pace, {})
            except RuntimeError as error:
                yield {"what": kind, "server": peer.name, "problem": str(error).splitlines()[0]}
                continue
            yield line
        yield from ({"what": kind, "server": name, "problem": "not installed"} for name in missing)


def online_beside_limit(folder: Path, pace: Pace) -> Iterator[Json]:
    """A loop that looks up three views of two entities, beside the limit that is sent all twenty features."""
    served = home_of(folder / "home", ONLINE, LOGISTIC)
    ours, bare = gateway(served, asked_online(served.model)), limit(served)
    with recording(served):
        with started(ours, folder):
            told(f"http://127.0.0.1:{served.port}")
        yield from _lines("three views, two entities", [bare, ours], folder, None, pace, {})


def durabilities(folder: Path, pace: Pace) -> Iterator[Json]:
    """What each durability costs."""
    names: tuple[Durability, ...] = ("group", "record", "system")
    with ExitStack() as stack:
        running = []
        for name in names:
            served = home_of(folder / name, PLAIN, LOGISTIC, durability=name)
            stack.enter_context(recording(served))
            server = gateway(served, rows_of(served.model), name=f"durability {name}")
            running.append(stack.enter_context(up(server, folder, served.model.expected[0])))
        turns = taken(running, pace)
        yield from (line("durability", one, rounds, turns[0]) for one, rounds in zip(running, turns, strict=True))


def taken(running: Sequence[Up], pace: Pace) -> list[list[Round]]:
    """Turns of load, one server after the other, again and again; the first of each only warms up."""
    for one in running:
        one.turn(1.0)
    rounds: list[list[Round]] = [[] for _ in running]
    for _ in range(pace.turns):
        for one, found in zip(running, rounds, strict=True):
            found.append(one.turn(pace.seconds))
    return rounds


def line(what: str, one: Up, rounds: Sequence[Round], reference: Sequence[Round]) -> Json:
    """Medians of a server's turns; ratios are medians over the turns beside the ``reference``'s."""
    rates = [each.loaded.per_second for each in rounds]
    pairs = list(zip(rounds, reference, strict=True))
    return {
        "what": what,
        "server": one.server.name,
        "requests_per_second": median(rates),
        "least": min(rates),
        "most": max(rates),
        "cpu_ms": median(each.cpu_ms for each in rounds),
        "p50_ms": median(each.loaded.p50 for each in rounds),
        "p99_ms": median(each.loaded.p99 for each in rounds),
        "mebibytes": one.process.mebibytes(),
        "cold_seconds": one.cold,
        "failed": sum(each.loaded.failed for each in rounds),
        "ratio": median(one.loaded.per_second / other.loaded.per_second for one, other in pairs),
        "cpu_ratio": median(other.cpu_ms / max(one.cpu_ms, 1e-9) for one, other in pairs),
        "p99_ratio": median(one.loaded.p99 / other.loaded.p99 for one, other in pairs),
    }


def say(text: str) -> None:
    """Talk goes to stderr."""
    print(f"serving: {text} ...", file=sys.stderr, flush=True)


def _lines(
    what: str, servers: Sequence[Server], folder: Path, expected: float | None, pace: Pace, colds: dict[str, float]
) -> Iterator[Json]:
    """A line for each of the servers; the first is what the others are held against."""
    with ExitStack() as stack:
        running = [stack.enter_context(up(server, folder, expected)) for server in servers]
        turns = taken(running, pace)
        for one, rounds in zip(running, turns, strict=True):
            found = line(what, one, rounds, turns[0])
            yield found | {"cold_seconds": colds.get(one.server.name, found["cold_seconds"])}


def _colds(servers: Sequence[Server], folder: Path, expected: float, times: int) -> dict[str, float]:
    return {one.name: median(cold_start(one, folder, expected) for _ in range(times)) for one in servers}
