"""A tracer for a process that was told where traces go."""

from __future__ import annotations

import os
from importlib.metadata import version

from homeostat.app.tracing.choosing import Traces
from homeostat.app.tracing.queue import SpanQueue
from homeostat.app.tracing.tracer import Tracer


def open_tracer(traces: Traces | None, process: str, instance: str) -> Tracer | None:
    """Begin to trace; None where nobody asked for it, and then nothing that sends traces is loaded.

    ``process`` is the kind of this process, ``instance`` which one of them it is.
    """
    if traces is None:
        return None
    from homeostat.adapters.otlp.exporter import OtlpExporter

    release = version("homeostat")
    told = {"service.name": f"homeostat-{process}", "service.instance.id": instance, "service.version": release}
    return Tracer(SpanQueue(OtlpExporter(traces.endpoint, told, release, os.environ)), traces.share)
