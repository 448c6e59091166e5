"""Alerts and silences as they are kept, and the book that says how far a loop has been read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import Duration, Instant, duration, format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.alerts.rules import RULES, Severity

INSTALLATION = "*"
"""Stands where a loop's name does, for alerts about all of an installation."""
LONGEST_SILENCE: Duration = duration("90d")
LOOP_ITSELF = "homeostat"
"""Who resolved an alert whose signal came back within its limit."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did something with an alert, why and when."""

    actor: str
    reason: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Alert:
    """One problem from the time it was seen until it is over, however often it is seen meanwhile.

    ``count`` windows were over the limit; ``calm`` known ones since were not. ``told`` is the severity it was last
    told at, None while it was not; ``due`` is when somebody must have acknowledged it. ``acted_on`` is whether
    somebody did something about it: None while that is open, or where it was silenced all along.
    """

    id: str
    loop: str
    rule: str
    subject: str
    severity: Severity
    text: str
    window: str
    opened_at: Instant
    last_window: str
    last_at: Instant
    due: Instant | None = None
    observed: float | None = None
    limit: float | None = None
    count: int = 1
    calm: int = 0
    told: Severity | None = None
    escalations: int = 0
    cause: str = ""
    acknowledged: Mark | None = None
    resolved: Mark | None = None
    acted_on: bool | None = None

    @property
    def status(self) -> Literal["open", "resolved"]:
        """Whether it is over."""
        return "open" if self.resolved is None else "resolved"

    @property
    def key(self) -> str:
        """Its rule and subject: there is at most one open alert of each."""
        return key_of(self.rule, self.subject)


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts of a loop that are not sent until ``until``; of one rule or subject, or of all (None)."""

    id: str
    loop: str
    rule: str | None
    subject: str | None
    since: Instant
    until: Instant
    actor: str
    reason: str

    def covers(self, rule: str, subject: str, now: Instant) -> bool:
        """Whether it holds for them now."""
        return self.since <= now < self.until and self.rule in (None, rule) and self.subject in (None, subject)


@dataclass(frozen=True, slots=True)
class Book:
    """How far a loop has been read: changed by compare-and-set on ``revision``, with every alert it has.

    ``cursor`` and ``entry`` are the last day and ledger entry taken in; ``seen`` is the newest window of each rule
    and subject, so that no window is counted twice; ``streaks`` are windows in a row over a limit that have not opened
    an alert yet.
    """

    loop: str
    revision: int = 0
    cursor: int = 0
    entry: int = 0
    seen: Mapping[str, Instant] = field(default_factory=dict)
    streaks: Mapping[str, int] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()

    def silenced(self, rule: str, subject: str, now: Instant) -> bool:
        """Whether alerts of these are not sent now."""
        return any(one.covers(rule, subject, now) for one in self.silences)


def key_of(rule: str, subject: str) -> str:
    """Names a rule and its subject."""
    return f"{rule}/{subject}"


def opened(loop: str, reading: Reading, severity: Severity, clock: Duration, now: Instant) -> Alert:
    """A new alert; the same reading gives the same id, whoever reads it again."""
    return Alert(
        id=digest([loop, reading.rule, reading.subject, reading.at, reading.key])[:8],
        loop=loop,
        rule=reading.rule,
        subject=reading.subject,
        severity=severity,
        text=reading.text,
        window=reading.window,
        opened_at=now,
        last_window=reading.window,
        last_at=reading.at,
        due=now + clock,
        observed=reading.observed,
        limit=reading.limit,
    )


def over(alert: Alert, mark: Mark, acted_on: bool | None) -> Alert:
    """The alert with its end."""
    return dataclasses.replace(alert, resolved=mark, acted_on=acted_on, due=None)


def new_silence(
    loop: str, rule: str | None, subject: str | None, now: Instant, until: Instant, actor: str, reason: str
) -> Silence:
    """A silence with an end and a reason. Raises: InvalidInput without either, or where it would last too long."""
    if rule is not None and rule not in RULES:
        raise InvalidInput(f"There is no rule {rule!r}.", mend="'homeostat alerts rules' lists them.", rule=rule)
    if not reason.strip():
        raise InvalidInput("A silence needs a reason.", mend="Say why with --reason, for whoever looks for the alert.")
    if not now < until <= now + LONGEST_SILENCE:
        raise InvalidInput(
            f"A silence cannot end at {format_instant(until)}.",
            mend=f"It is {format_instant(now)}: name a later time, at most 90 days from now.",
            until=format_instant(until),
        )
    name = digest([loop, rule, subject, now, until])[:8]
    return Silence(name, loop, rule, subject, now, until, actor, reason.strip())
