"""A message on its way to one address: tried until it is taken, and known to be taken where that can be known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import Duration, Instant, duration, format_instant
from homeostat.monitoring.alerts.declared import FALLBACK, Alerts
from homeostat.monitoring.alerts.notices import UNDELIVERED, Notice
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.alerts.rules import SEVERITIES, Severity, urgency

Status = Literal["waiting", "sending", "sent", "given_up"]
WAITS = tuple(duration(text) for text in ("10s", "30s", "2m", "10m", "30m", "1h"))
"""Between attempts; the last one from then on."""
GIVEN_UP_AFTER: Duration = duration("1d")
AT_MOST: Duration = duration("20s")
"""So long may one attempt take."""
_GRACE = duration("20s")
SECOND_PATH_AFTER, FAILING_AFTER = 1, 2
"""Failed attempts after which the other path is taken, and after which it is an alert."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice for the address named ``to``. All times are the machine's.

    ``id`` goes along as the idempotency key. ``next_at``: when it is tried again; of one that is being sent, when
    nobody is known to send it any more. ``problem``: why the last attempt failed, without anything secret.
    """

    id: str
    to: str
    notice: Notice
    made_at: Instant
    next_at: Instant
    status: Status = "waiting"
    attempts: int = 0
    revision: int = 0
    tried_at: Instant | None = None
    sent_at: Instant | None = None
    problem: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still to arrive."""
        return self.status in ("waiting", "sending")

    def is_due(self, now: Instant) -> bool:
        """Whether it is to be tried now: its time has come, or the clock was set back since it was last touched, so
        that its time may be days away."""
        return self.next_at <= now or (self.tried_at or self.made_at) > now


def delivery(notice: Notice, to: str, at: Instant) -> Delivery:
    """A message to an address: the same one however often it is asked for."""
    return Delivery(digest([notice.id, to])[:16], to, notice, at, at)


def deliveries_of(notice: Notice, settings: Alerts, configured: Sequence[str], at: Instant) -> list[Delivery]:
    """To whom a notice goes. One that nobody acknowledged goes to those of the next more urgent severity as well; one
    about an address that takes nothing goes to all others."""
    names = list(settings.recipients(notice.severity, configured))
    if notice.kind == "escalated":
        names += settings.recipients(_next(notice.severity), configured)
    if notice.avoid:
        names = [one for one in configured if one not in notice.avoid]
    return [delivery(notice, name, at) for name in dict.fromkeys(names)]


def claim(one: Delivery, now: Instant) -> Delivery:
    """Begin an attempt: nobody else may, until this one must have ended."""
    until = now + AT_MOST + _GRACE
    return dataclasses.replace(one, status="sending", attempts=one.attempts + 1, next_at=until, tried_at=now)


def sent(one: Delivery, now: Instant) -> Delivery:
    """It was taken."""
    return dataclasses.replace(one, status="sent", sent_at=now, problem="")


def failed(one: Delivery, why: str, now: Instant) -> Delivery:
    """It was not; it waits longer each time, and is given up after a day.

    >>> one = Notice("n", "late", "opened", "P1", 0, "title", "body", ())
    >>> late = failed(claim(delivery(one, "chat", 0), 0), "it answered 503", 5)
    >>> late.status, late.next_at - 5 == WAITS[0]
    ('waiting', True)
    """
    tried = one.attempts > len(WAITS)  # a clock that leaps ahead makes no day of trying
    if (tried and now - one.made_at >= GIVEN_UP_AFTER) or one.notice.kind == "test":
        return dataclasses.replace(one, status="given_up", problem=why)
    wait = WAITS[min(one.attempts, len(WAITS)) - 1]
    return dataclasses.replace(one, status="waiting", next_at=now + wait, problem=why)


def second_path(one: Delivery, configured: Sequence[str], now: Instant) -> Delivery | None:
    """The same notice to the fallback address, once an attempt has failed; None where there is no other way."""
    if one.attempts < SECOND_PATH_AFTER or one.to == FALLBACK or FALLBACK not in configured:
        return None
    return None if one.status == "sent" or one.notice.kind == "test" else delivery(one.notice, FALLBACK, now)


def failing(known: Iterable[Delivery]) -> dict[str, Delivery]:
    """Addresses that take nothing now, each with what failed there last: nothing has arrived since.

    Messages of ``homeostat alerts test`` say so to whoever sent them; only their arrival counts here.
    """
    newest: dict[str, Delivery] = {}
    arrived: dict[str, Instant] = {}
    for one in known:
        if one.sent_at is not None:
            arrived[one.to] = max(arrived.get(one.to, 0), one.sent_at)
        elif one.problem and one.attempts >= FAILING_AFTER and one.notice.kind != "test":
            newest[one.to] = max(newest.get(one.to, one), one, key=_tried)
    return {name: one for name, one in newest.items() if _tried(one) >= arrived.get(name, 0)}


def delivery_readings(known: Sequence[Delivery], configured: Sequence[str], now: Instant) -> list[Reading]:
    """Whether each configured address takes what is sent to it, as readings of a state of the installation."""
    broken, window = failing(known), format_instant(now)[:10]
    found = []
    for name in sorted({*configured, *(one.to for one in known)}):
        bad = broken.get(name) if name in configured else None
        if bad is None:
            found.append(Reading(UNDELIVERED, name, window, now, "within"))
        else:
            text = f"messages do not reach {name!r}: {bad.problem}"
            found.append(Reading(UNDELIVERED, name, window, now, "over", text))
    return found


def _tried(one: Delivery) -> Instant:
    return one.made_at if one.tried_at is None else one.tried_at


def _next(severity: Severity) -> Severity:
    return SEVERITIES[max(0, urgency(severity) - 1)]
