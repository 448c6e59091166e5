"""Stops asking an arm that keeps failing, so that its users do not wait for it again and again."""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 3
REST_SECONDS = 5.0


@dataclass(slots=True)
class Breaker:
    """Opens after so many failures in a row; then lets one request through every ``rest`` seconds until one succeeds.

    Times are seconds of processing time, given with each call.

    >>> breaker = Breaker(limit=2, rest=5.0)
    >>> breaker.failed(0.0); breaker.failed(0.1); breaker.allows(1.0), breaker.allows(5.2), breaker.allows(5.3)
    (False, True, False)
    """

    limit: int = FAILURES
    rest: float = REST_SECONDS
    failures: int = 0
    try_at: float = 0.0

    @property
    def open(self) -> bool:
        """Whether the arm is left alone."""
        return self.failures >= self.limit

    def allows(self, now: float) -> bool:
        """Whether the arm may be asked; an open breaker lets one request try it now and then."""
        if not self.open:
            return True
        if now < self.try_at:
            return False
        self.try_at = now + self.rest
        return True

    def failed(self, now: float) -> None:
        """The arm did not answer."""
        self.failures += 1
        self.try_at = now + self.rest

    def succeeded(self) -> None:
        """The arm answered."""
        self.failures = 0
