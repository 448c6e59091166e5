"""What control measures, in the format of Prometheus; the doors count what they answer at their own address."""

from __future__ import annotations

from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from homeostat.app.control.service import ControlService

_LABELS = ("loop", "kind", "name")


def metrics(service: ControlService) -> Response:
    """Silence of each table's and view's source, and whether its objective is missed; what is unknown is left out."""
    registry = CollectorRegistry()
    silence = Gauge(
        "homeostat_source_silence_seconds", "Age of the newest event of the source.", _LABELS, registry=registry
    )
    missed = Gauge("homeostat_freshness_missed", "1 while a freshness objective is missed.", _LABELS, registry=registry)
    service.facts.look()
    for loop in service.loops_by_name:
        for one in service.objectives(loop):
            if one["ok"] is not None:
                silence.labels(loop, one["kind"], one["name"]).set(one["age_seconds"])
                missed.labels(loop, one["kind"], one["name"]).set(not one["ok"])
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
