"""What traces cost: a gateway without, in turns with ones that keep a share of them, and all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.serving.compared import Pace, line, recording, taken
from benchmarks.serving.homes import home_of, rows_of
from benchmarks.serving.loops import PLAIN
from benchmarks.serving.models import LOGISTIC
from benchmarks.serving.processes import Process, cores
from benchmarks.serving.running import up
from benchmarks.serving.servers import gateway
from homeostat.app.settings import Settings
from homeostat.app.tracing.choosing import Traces
from tests.harness.running import free_ports

SHARES = (None, 0.01, 1.0)


def traced(folder: Path, pace: Pace) -> Iterator[dict[str, Any]]:
    """One line for each share; ratios are beside the gateway without traces."""
    port = free_ports()
    command = (sys.executable, "-m", "benchmarks.serving.collector", str(port))
    collector = Process(command, cores()[1], folder / "collector.log")
    try:
        with ExitStack() as stack:
            running = []
            for share in SHARES:
                served = home_of(folder / str(share), PLAIN, LOGISTIC)
                if share is not None:
                    traces = Traces(f"http://127.0.0.1:{port}/v1/traces", share)
                    Settings.load(served.home.root).model_copy(update={"traces": traces}).save()
                stack.enter_context(recording(served))
                server = gateway(served, rows_of(served.model), name=f"traces: {'off' if share is None else share}")
                running.append(stack.enter_context(up(server, folder, served.model.expected[0])))
            turns = taken(running, pace)
            yield from (line("traces", one, rounds, turns[0]) for one, rounds in zip(running, turns, strict=True))
    finally:
        collector.stop()
