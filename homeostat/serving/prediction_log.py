"""The port behind which a prediction becomes durable before it is acknowledged, and what it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from homeostat.data.records import PredictionRecord
from homeostat.kernel.errors import Unavailable


class SpoolFull(Unavailable):
    """As much waits to be moved to the log as may wait; nothing was acknowledged."""

    code = "spool_full"


class DiskFull(Unavailable):
    """The disk has less room than its reserve; nothing was acknowledged."""

    code = "disk_full"


class PredictionSpool(Protocol):
    """Keeps records until the recorder has moved them to the prediction log."""

    def append(self, records: Sequence[PredictionRecord]) -> Awaitable[None]:
        """Done when the records are durable; raises Unavailable when they could not be kept."""
        ...


@dataclass(frozen=True, slots=True)
class SpoolState:
    """Bytes that ``wait`` to be moved to the log, how many may (``limit``), and bytes ``free`` on the disk.

    ``drained_at`` is when the recorder last had moved all that it found (Unix seconds); None before the first time.
    """

    waiting: int
    limit: int
    free: int
    drained_at: float | None = None
