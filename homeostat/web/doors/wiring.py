"""Makes the doors of a gateway process."""

from __future__ import annotations

from homeostat.app.door_parts import DoorParts
from homeostat.web.doors.application import Doors
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.refused import RefusedRows


def open_doors(parts: DoorParts) -> Doors:
    """The application for ``gateway_process.run``, with metrics of its own."""
    metrics = DoorMetrics(parts.live, parts.spool_bytes)
    metrics.forward = RefusedRows(parts.events, parts.clock).forward
    metrics.consumer_of = parts.consumers
    return Doors(
        parts.gateway(metrics),
        parts.live,
        parts.events,
        metrics,
        parts.clock,
        control_url=parts.settings.control_url,
        max_body_bytes=parts.settings.max_body_bytes,
    )
