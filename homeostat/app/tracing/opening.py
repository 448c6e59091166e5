"""A tracer for a process that was told where traces go."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from homeostat.app.tracing.choosing import Traces
from homeostat.app.tracing.queue import SpanQueue
from homeostat.app.tracing.tracer import Tracer

_PATIENCE = 2.0
"""Seconds that a process which ends waits for the collector."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """The tracer of a process, and the queue behind it."""

    tracer: Tracer
    queue: SpanQueue

    def close(self) -> None:
        """Send what waits, if the collector takes it at once."""
        self.queue.close(_PATIENCE)


def open_tracing(traces: Traces | None, process: str, instance: str) -> Tracing | None:
    """Begin to trace; None where nobody asked for it, and then nothing of OpenTelemetry is loaded.

    ``process`` is the kind of this process, ``instance`` which one of them it is.
    """
    if traces is None:
        return None
    from homeostat.adapters.otlp.exporter import OtlpExporter

    release = version("homeostat")
    told = {"service.name": f"homeostat-{process}", "service.instance.id": instance, "service.version": release}
    queue = SpanQueue(OtlpExporter(traces.endpoint, told, release))
    return Tracing(Tracer(queue, traces.share), queue)
