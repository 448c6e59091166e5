"""The clocks of an installation: the machine's, or the one a replay carries in its requests."""

from __future__ import annotations

import time
from typing import Literal, Protocol

from homeostat.kernel.clock import Clock, Instant, parse_instant
from homeostat.kernel.errors import InvalidInput

ClockKind = Literal["system", "replay"]
HEADER = "Homeostat-Now"


class DoorClock(Clock, Protocol):
    """A clock that a request may carry the present for."""

    def accept(self, header: str | None) -> Instant:
        """The present of a request, given its ``Homeostat-Now`` header. Raises: InvalidInput."""
        ...


class SystemClock:
    """The machine's clock; a request cannot move it."""

    def now(self) -> Instant:
        """The present instant."""
        return time.time_ns() // 1_000

    def accept(self, header: str | None) -> Instant:
        """The present instant. Raises: InvalidInput when a header tries to say otherwise."""
        if header is not None:
            raise InvalidInput(
                f"The header {HEADER} is refused: this installation runs on the system clock.",
                mend="Leave the header out, or start Homeostat with the setting clock=replay.",
                header=header,
            )
        return self.now()


class ReplayClock:
    """The present as replayed requests tell it; it only moves forward."""

    def __init__(self) -> None:
        self._now: Instant | None = None

    def now(self) -> Instant:
        """The latest present told. Raises: InvalidInput before the first."""
        if self._now is None:
            raise InvalidInput(
                "The replay has not begun: no request has told the present yet.",
                mend=f"Send the header {HEADER} with an ISO-8601 time, such as '2013-02-01T05:00:00Z'.",
            )
        return self._now

    def accept(self, header: str | None) -> Instant:
        """Move to the header's time if it is later, then tell the present. Raises: InvalidInput."""
        if header is not None:
            told = parse_instant(header)
            self._now = told if self._now is None else max(self._now, told)
        return self.now()


def clock_of(kind: ClockKind) -> DoorClock:
    """The clock that a setting names."""
    return ReplayClock() if kind == "replay" else SystemClock()
