"""The port behind which a prediction becomes durable before it is acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from homeostat.data.records import PredictionRecord


class PredictionSpool(Protocol):
    """Keeps records until the recorder has moved them to the prediction log."""

    def append(self, records: Sequence[PredictionRecord]) -> Awaitable[None]:
        """Done when the records are durable; raises Unavailable when they could not be kept."""
        ...
