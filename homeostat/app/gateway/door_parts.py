"""What a gateway process hands to its doors, and what it expects of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from homeostat.adapters.files.spool import Durability
from homeostat.app.arms.shadows import Shadows
from homeostat.app.clocks import ClockKind, DoorClock
from homeostat.app.gateway.answers import Answers
from homeostat.app.gateway.consumer_names import ConsumerNames
from homeostat.app.gateway.replica import Replica
from homeostat.app.tracing.choosing import Traces
from homeostat.app.tracing.tracer import Tracer
from homeostat.kernel.clock import Instant
from homeostat.serving.gateway import Gateway, Observer
from homeostat.serving.live import LiveRoutes
from homeostat.serving.prediction_log import SpoolState


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What one gateway is told. ``home`` is the state folder; ``port`` is opened on ``host``, and ``shared`` with
    other replicas or this one's alone. So is ``grpc_port``, if there is one.

    ``arm_seconds`` is what a candidate's answer may take, ``arm_memory_bytes`` what its process may use.
    ``slowest_sender_seconds`` is the time a client has for sending a head, and again for its body; a slower one
    would hold its place for ever. A connection that is kept alive is let go after as long without a request.
    ``spool_bytes`` may wait in each spool, and ``disk_reserve_bytes`` of the disk are left to others.
    ``traces`` says where traces go; None for none.
    """

    home: Path
    port: int
    recorder_socket: str
    control_url: str
    clock: ClockKind = "system"
    durability: Durability = "group"
    max_body_bytes: int = 8 * 1024 * 1024
    host: str = "127.0.0.1"
    replica: str = "r1"
    shared: bool = False
    arm_seconds: float = 0.25
    arm_memory_bytes: int = 2 << 30
    spool_bytes: int = 2 << 30
    disk_reserve_bytes: int = 256 << 20
    slowest_sender_seconds: int = 30
    grpc_port: int | None = None
    traces: Traces | None = None


class EventSink(Protocol):
    """The recorder, which owns every write of facts, and the predictions once they are made."""

    async def events(self, table: str, body: bytes, now: Instant) -> Mapping[str, object]:
        """Accept the rows of a body. Raises: HomeostatError, Unavailable when the recorder is down."""
        ...

    async def events_of_several(self, body: bytes, now: Instant) -> Mapping[str, object]:
        """Accept the rows of a body that holds several tables. Raises as ``events`` does."""
        ...

    async def labels(self, loop: str, body: bytes, now: Instant) -> Mapping[str, object]:
        """Accept the labels of a body for a loop's predictions. Raises as ``events`` does."""
        ...

    async def predictions(self, loop: str, ids: Sequence[str]) -> Mapping[str, object]:
        """What is recorded of some predictions. Raises: Unavailable when the recorder is down."""
        ...

    async def refuse(self, table: str, body: bytes, now: Instant) -> Mapping[str, object]:
        """Keep apart rows that were refused at another door. Raises as ``events`` does."""
        ...


@dataclass(frozen=True, slots=True)
class DoorParts:
    """What doors are made of; ``gateway`` makes the use case for an observer of theirs.

    ``tracer`` is there if requests may have traces; the doors then make their spans.
    """

    settings: GatewaySettings
    live: LiveRoutes
    events: EventSink
    clock: DoorClock
    spool: Callable[[], SpoolState]
    gateway: Callable[[Observer], Gateway]
    consumers: ConsumerNames
    replica: Replica
    shadows: Shadows
    answers: Answers
    tracer: Tracer | None = None


class Application(Protocol):
    """An RSGI application that can say when it has nothing left to do."""

    async def __call__(self, scope: Any, transport: Any) -> None:
        """Answer one request."""
        ...

    async def open(self) -> None:
        """Open the ports that the application listens on by itself. Raises: Conflict when one is taken."""
        ...

    def watch(self) -> Awaitable[None]:
        """What the application does beside answering, until cancelled."""
        ...

    def idle(self, patience: float) -> Awaitable[None]:
        """Take no more on ports of one's own; done when no request is open, or after ``patience`` seconds."""
        ...
