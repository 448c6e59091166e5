"""One message for all that belongs together, with the most likely cause on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import Instant, format_duration, format_instant
from homeostat.monitoring.alerts.alerts import INSTALLATION, Alert
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.folding import Folded
from homeostat.monitoring.alerts.rules import CAUSED_BY, RULES, Severity, urgency

Kind = Literal["opened", "escalated", "resolved", "test"]
UNDELIVERED = "not_delivered"
_WORDS = {"opened": "", "escalated": "nobody has acknowledged: ", "resolved": "over: ", "test": "test: "}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, as far as it is known: a sentence, and what would mend it. A diagnosis gives a better one than the alerts
    themselves can."""

    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. ``id`` is the same whenever it is made of the same, so that it is sent once. ``avoid`` names
    addresses that it does not go to, since it is about them."""

    id: str
    loop: str
    kind: Kind
    severity: Severity
    at: Instant
    title: str
    body: str
    alerts: tuple[str, ...]
    avoid: tuple[str, ...] = ()


def likely_cause(alerts: Iterable[Alert], told: Cause | None = None) -> Cause | None:
    """What most likely lies behind several alerts of a loop: ``told`` where somebody knows better.

    Data that do not come, or come broken, go before everything that they would bring about: skew, lost skill, drift.
    None without an alert.
    """
    if told is not None:
        return told
    found = sorted(alerts, key=lambda one: (not RULES[one.rule].blamed, _place(one)))
    if not found:
        return None
    if RULES[found[0].rule].origin == "drift":
        return Cause("no cause is known: inputs moved, and nothing is broken, skewed or worse with them", "")
    return _itself(found[0])


def cause_of(alert: Alert, found: Cause | None) -> Cause | None:
    """What is behind one alert of several, of which ``found`` is the likely cause: that, or nothing but itself."""
    return _itself(alert) if RULES[alert.rule].alone else found


def _itself(alert: Alert) -> Cause:
    return Cause(alert.text or RULES[alert.rule].says, RULES[alert.rule].do)


def _place(alert: Alert) -> tuple[int, int, Instant]:
    return CAUSED_BY.index(RULES[alert.rule].origin), urgency(alert.severity), alert.opened_at


def notices_of(
    folded: Folded, after: Mapping[str, Alert], settings: Alerts, now: Instant, cause: Cause | None
) -> list[Notice]:
    """What people are told after readings were taken in; ``after`` are all alerts that are open or just ended.

    An end is told where its beginning woke somebody: P0 and P1.
    """
    opened = [after[name] for name in folded.tell]
    escalated = [after[name] for name in folded.escalated]
    ended = [one for name in folded.ended if urgency((one := after[name]).severity) <= urgency("P1")]
    groups: list[tuple[Kind, list[Alert]]] = [("opened", opened), ("escalated", escalated), ("resolved", ended)]
    found = []
    for kind, alerts in groups:
        for own in (True, False):
            some = [one for one in alerts if (one.rule == UNDELIVERED) == own]
            if some:
                found.append(notice(kind, some, settings, now, cause))
    return found


def notice(kind: Kind, alerts: Sequence[Alert], settings: Alerts, now: Instant, cause: Cause | None) -> Notice:
    """One message about alerts of one loop, the most urgent first."""
    listed = sorted(alerts, key=lambda one: (urgency(one.severity), _place(one)))
    first = listed[0]
    severity, loop = first.severity, first.loop
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    of = "Homeostat" if loop == INSTALLATION else loop
    title = f"[{severity}] {of}: {_WORDS[kind]}{RULES[first.rule].says}{more}"
    name = digest([kind, now, [(one.id, one.severity, one.escalations) for one in listed]])[:16]
    lines = [
        f"{one.severity} {one.rule} {one.subject} ({one.id}): {one.text or RULES[one.rule].says}" for one in listed
    ]
    if kind != "resolved":
        lines += _what_to_do(listed, settings, cause)
    lines += [f"As of {format_instant(now)}. Message {name}."]
    avoid = tuple(one.subject for one in listed if one.rule == UNDELIVERED and kind != "resolved")
    return Notice(name, loop, kind, severity, now, title, "\n".join(lines), tuple(one.id for one in listed), avoid)


def _what_to_do(alerts: Sequence[Alert], settings: Alerts, cause: Cause | None) -> list[str]:
    first, lines = alerts[0], []
    cause = cause_of(first, cause)
    if cause is not None:
        lines.append(f"Most likely cause: {cause.text.removesuffix('.')}. {cause.mend}".strip())
    clock = format_duration(settings.clock(first.severity))
    lines.append(f"Acknowledge within {clock}: homeostat alerts ack {first.id}")
    return lines


def trial(name: str, at: Instant) -> Notice:
    """A message that only shows that messages arrive."""
    text = f"This is a test of the address {name!r}. Nothing is wrong.\nSent at {format_instant(at)}."
    key = digest(["test", name, at])[:16]
    return Notice(key, INSTALLATION, "test", "P3", at, f"[test] Homeostat: a message to {name}", text, ())
