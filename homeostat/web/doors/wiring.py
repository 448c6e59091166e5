"""Makes the doors of a gateway process."""

from __future__ import annotations

from homeostat.app.gateway.door_parts import DoorParts
from homeostat.web.doors.application import Beside, Doors
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.mlflow import MlflowDoors
from homeostat.web.doors.oip import OipDoors
from homeostat.web.doors.oip.repository import Repository
from homeostat.web.doors.once import Once
from homeostat.web.doors.openapi import Described, OpenapiDoor
from homeostat.web.doors.plain import PlainDoors
from homeostat.web.doors.refused import RefusedRows
from homeostat.web.doors.requests import SlowSenders
from homeostat.web.doors.seen import SeenDoors


def open_doors(parts: DoorParts) -> Doors:
    """The application for ``gateway_process.run``, with metrics of its own."""
    metrics = metrics_of(parts)
    parts.replica.exposition = metrics.exposition
    metrics.forward = RefusedRows(parts.events, parts.clock).forward
    metrics.consumer_of = parts.consumers
    return doors_of(parts, metrics)


def metrics_of(parts: DoorParts) -> DoorMetrics:
    """What counts the requests of the doors."""
    if parts.tracer is None:
        return DoorMetrics(parts.live, parts.spool, parts.shadows.counts)
    from homeostat.web.doors.traced.asking import TracedMetrics

    metrics = TracedMetrics(parts.live, parts.spool, parts.shadows.counts)
    metrics.traced = parts.tracer.into.counts
    return metrics


def doors_of(parts: DoorParts, metrics: DoorMetrics) -> Doors:
    """The application with the doors of every protocol."""
    bodies = SlowSenders(parts.settings.slowest_sender_seconds)
    asking = _asking(parts, metrics, bodies)
    once, repository = Once(asking, parts.answers), Repository.of(asking)
    protocols: list[Described] = [
        PlainDoors(asking, once, parts.events),
        OipDoors(asking, once, repository),
        MlflowDoors(asking, once),
        SeenDoors(parts.live, parts.replica, parts.settings.control_url),
    ]
    every = [*protocols, OpenapiDoor(protocols, parts.settings.clock)]
    beside = None if parts.settings.grpc_port is None else _grpc(asking, once, repository, parts)
    doors = [door for one in every for door in one.doors()]
    if parts.tracer is None:
        return Doors(doors, metrics, bodies, beside)
    from homeostat.web.doors.traced.application import TracedDoors

    return TracedDoors(doors, metrics, bodies, beside, parts.tracer)


def _asking(parts: DoorParts, metrics: DoorMetrics, bodies: SlowSenders) -> Asking:
    kind = Asking
    if parts.tracer is not None:
        from homeostat.web.doors.traced.asking import TracedAsking

        kind = TracedAsking
    limit = parts.settings.max_body_bytes
    return kind(parts.gateway(metrics), parts.live, metrics, parts.clock, bodies, limit, parts.events)


def _grpc(asking: Asking, once: Once, repository: Repository, parts: DoorParts) -> Beside:
    """Imported here: whoever does without gRPC pays nothing for it."""
    if parts.tracer is None:
        from homeostat.web.doors.oip_grpc.server import OipGrpc

        return OipGrpc(asking, once, repository, parts.settings)
    from homeostat.web.doors.traced.grpc import TracedGrpc

    return TracedGrpc(asking, once, repository, parts.settings, parts.tracer)
