"""Where alerts are kept: one book for each loop, its alerts, and messages on their way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant
from homeostat.monitoring.alerts.alerts import Alert, Book
from homeostat.monitoring.alerts.deliveries import Delivery


class AlertStore(Protocol):
    """The one truth about alerts. Whoever changes an alert or a silence changes its loop's book with it."""

    def book(self, loop: str) -> Book:
        """How far a loop has been read; a new book for one never seen."""
        ...

    def commit(
        self,
        before: Book,
        after: Book,
        alerts: Sequence[Alert],
        deliveries: Sequence[Delivery],
        drafts: Sequence[Draft] = (),
    ) -> Book:
        """Replace the book and write alerts, deliveries and what the ledger says of them with it, all or nothing.

        A delivery that is there already is left as it is. Raises: Conflict when the book is no longer ``before``.
        """
        ...

    def alerts(self, loop: str | None = None, *, open_only: bool = False) -> list[Alert]:
        """Alerts of one loop, or of all, in the order in which they opened."""
        ...

    def find(self, alert: str) -> Alert:
        """One alert. Raises: NotFound."""
        ...

    def deliveries(self, *, since: Instant = 0, due: Instant | None = None) -> list[Delivery]:
        """Deliveries made since then, oldest first; or only those to be tried by ``due``, the most urgent first."""
        ...

    def add(self, one: Delivery) -> Delivery:
        """Write a delivery, unless it is there already; gives what is there."""
        ...

    def settle(self, before: Delivery, after: Delivery) -> Delivery:
        """Replace one. Raises: Conflict when somebody else has."""
        ...


class Sender(Protocol):
    """Takes a message to the outside."""

    def send(self, address: str, title: str, body: str, key: str) -> str | None:
        """Send it to an address; None when it was taken, else why not, without anything secret.

        ``key`` names the message: a receiver that is sent it twice can tell.
        """
        ...
