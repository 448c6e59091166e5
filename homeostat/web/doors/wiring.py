"""Makes the doors of a gateway process."""

from __future__ import annotations

from homeostat.app.door_parts import DoorParts, GatewaySettings
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
    metrics = DoorMetrics(parts.live, parts.spool, parts.shadows.counts)
    parts.replica.exposition = metrics.exposition
    metrics.forward = RefusedRows(parts.events, parts.clock).forward
    metrics.consumer_of = parts.consumers
    return doors_of(parts, metrics)


def doors_of(parts: DoorParts, metrics: DoorMetrics) -> Doors:
    """The application with the doors of every protocol."""
    bodies = SlowSenders(parts.settings.slowest_sender_seconds)
    limit = parts.settings.max_body_bytes
    asking = Asking(parts.gateway(metrics), parts.live, metrics, parts.clock, bodies, limit, parts.events)
    once, repository = Once(asking, parts.answers), Repository.of(asking)
    protocols: list[Described] = [
        PlainDoors(asking, once, parts.events),
        OipDoors(asking, once, repository),
        MlflowDoors(asking, once),
        SeenDoors(parts.live, parts.replica, parts.settings.control_url),
    ]
    every = [*protocols, OpenapiDoor(protocols, parts.settings.clock)]
    beside = None if parts.settings.grpc_port is None else _grpc(asking, once, repository, parts.settings)
    return Doors([door for one in every for door in one.doors()], metrics, bodies, beside)


def _grpc(asking: Asking, once: Once, repository: Repository, settings: GatewaySettings) -> Beside:
    """Imported here: whoever does without gRPC pays nothing for it."""
    from homeostat.web.doors.oip_grpc.server import OipGrpc

    return OipGrpc(asking, once, repository, settings)
