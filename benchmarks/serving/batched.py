"""Requests that wait predicted together, where that pays, beside each by itself: two gateways in turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.serving.compared import Pace, line, recording, taken
from benchmarks.serving.homes import home_of, rows_of
from benchmarks.serving.loops import PLAIN
from benchmarks.serving.models import LIGHTGBM, NETWORK, Kind
from benchmarks.serving.running import up
from benchmarks.serving.servers import gateway

Json = dict[str, Any]
_TRAIN = "train=train,"


def batching(folder: Path, pace: Pace) -> Iterator[Json]:
    """A wide network, for which it pays, and a model of microseconds, for which nothing may change."""
    for number, kind in enumerate((NETWORK, LIGHTGBM)):
        yield from _beside(kind, folder / str(number), pace)


def _beside(kind: Kind, folder: Path, pace: Pace) -> Iterator[Json]:
    with ExitStack() as stack:
        running = []
        for asked in ("off", "auto"):
            source = PLAIN.replace(_TRAIN, f'{_TRAIN} batching="{asked}",')
            served = home_of(folder / asked, source, kind)
            stack.enter_context(recording(served))
            server = gateway(served, rows_of(served.model), name=f"batching {asked}")
            running.append(stack.enter_context(up(server, folder, served.model.expected[0])))
        turns = taken(running, pace)
        what = f"batching: {kind}"
        yield from (line(what, one, rounds, turns[0]) for one, rounds in zip(running, turns, strict=True))
