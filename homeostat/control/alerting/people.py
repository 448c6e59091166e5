"""What people do about alerts, as decisions for the ledger: who, when, why, and until when.

Each is told apart by the revision of the book that it changes, so that the same may be done again.
"""

from __future__ import annotations

from typing import Any

from homeostat.governance.audit import Draft
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.verdicts import ACCEPT
from homeostat.monitoring.alerts.alerts import Alert, Book, Mark, Silence


def acknowledged(alert: Alert, mark: Mark, book: Book) -> Draft:
    """Somebody has seen it.

    >>> seen = Alert("a1", "late", "skew", "inputs", "P2", "x differs", "day", 5, "day", 5)
    >>> acknowledged(seen, Mark("ann", "on it", 6), Book("late")).title
    'Alert a1 is acknowledged: skew of inputs'
    """
    return _of_alert(alert, mark, book, "acknowledge", "acknowledged", {})


def resolved(alert: Alert, mark: Mark, acted_on: bool, book: Book) -> Draft:
    """Somebody has ended it, or said of one that is over whether it was worth anything."""
    said = "resolved" if acted_on else "resolved, not acted on"
    return _of_alert(alert, mark, book, "resolve", said, {"acted_on": acted_on})


def silenced(silence: Silence, book: Book) -> Draft:
    """Nothing of these is sent until the silence ends."""
    title = f"{_covered(silence)} is silenced until {format_instant(silence.until)}"
    return _of_silence(silence, book, "silence", title, silence.actor, silence.reason, silence.since)


def unsilenced(silence: Silence, actor: str, at: Instant, book: Book) -> Draft:
    """A silence has ended before its time."""
    title = f"{_covered(silence)} is silenced no longer"
    reason = f"would have ended at {format_instant(silence.until)}"
    return _of_silence(silence, book, "unsilence", title, actor, reason, at)


def _of_alert(alert: Alert, mark: Mark, book: Book, kind: str, said: str, more: dict[str, Any]) -> Draft:
    told = {"alert": alert.id, "rule": alert.rule, "subject": alert.subject, "severity": alert.severity, **more}
    return Draft(
        id=f"{alert.loop}/alert/{alert.id}/{kind}/{book.revision}",
        loop=alert.loop,
        at=mark.at,
        kind=kind,
        verdict=ACCEPT,
        title=f"Alert {alert.id} is {said}: {alert.rule} of {alert.subject}",
        reasons=(mark.reason,) if mark.reason else (),
        actor=mark.actor,
        evidence=told,
    )


def _of_silence(silence: Silence, book: Book, kind: str, title: str, actor: str, reason: str, at: Instant) -> Draft:
    return Draft(
        id=f"{silence.loop}/silence/{silence.id}/{kind}/{book.revision}",
        loop=silence.loop,
        at=at,
        kind=kind,
        verdict=ACCEPT,
        title=title,
        reasons=(reason,),
        actor=actor,
        evidence={"silence": plain(silence)},
    )


def _covered(silence: Silence) -> str:
    """What it covers, in words."""
    of = f" of {silence.subject}" if silence.subject else ""
    return f"{silence.rule or 'every rule'}{of}"
