"""Makes the doors of a gateway process."""

from __future__ import annotations

from homeostat.app.door_parts import DoorParts
from homeostat.web.doors.application import Doors
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.oip import OipDoors
from homeostat.web.doors.plain import PlainDoors
from homeostat.web.doors.refused import RefusedRows
from homeostat.web.doors.requests import SlowSenders
from homeostat.web.doors.seen import SeenDoors


def open_doors(parts: DoorParts) -> Doors:
    """The application for ``gateway_process.run``, with metrics of its own."""
    metrics = DoorMetrics(parts.live, parts.spool_bytes)
    metrics.forward = RefusedRows(parts.events, parts.clock).forward
    metrics.consumer_of = parts.consumers
    return doors_of(parts, metrics)


def doors_of(parts: DoorParts, metrics: DoorMetrics) -> Doors:
    """The application with the doors of every protocol."""
    bodies = SlowSenders()
    limit = parts.settings.max_body_bytes
    asking = Asking(parts.gateway(metrics), parts.live, metrics, parts.clock, bodies, limit)
    doors = [
        *PlainDoors(asking, parts.events).doors(),
        *OipDoors.of(asking).doors(),
        *SeenDoors(parts.live, metrics, parts.settings.control_url).doors(),
    ]
    return Doors(doors, metrics, bodies)
