"""Alerts, silences and deliveries as commands, the API and the dashboard tell them; no address is among it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeostat.kernel.clock import Instant, format_duration, format_instant
from homeostat.monitoring.alerts.alerts import Alert, Mark, Silence
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.deliveries import Delivery, failing
from homeostat.monitoring.alerts.people import Worth
from homeostat.monitoring.alerts.rules import RULES, urgency

Json = dict[str, Any]
Now = Callable[[str], Instant]
"""The present of the alerts of a loop."""
MOST_ENDED = 500


def alerts_of(
    alerts: Sequence[Alert],
    silences: Sequence[Silence],
    deliveries: Sequence[Delivery],
    settings: Alerts,
    now: Now,
) -> list[Json]:
    """Open ones first, the most urgent on top; of those that are over, the newest, newest first."""
    open_ = sorted(
        (one for one in alerts if one.resolved is None), key=lambda one: (urgency(one.severity), -one.opened_at)
    )
    ended = sorted((one for one in alerts if one.resolved is not None), key=lambda one: -_ended_at(one))
    return [alert_of(one, silences, deliveries, settings, now) for one in [*open_, *ended[:MOST_ENDED]]]


def alert_of(
    one: Alert,
    silences: Sequence[Silence],
    deliveries: Sequence[Delivery],
    settings: Alerts,
    now: Now,
) -> Json:
    """One alert in full."""
    rule, at = RULES[one.rule], now(one.loop)
    held = [each for each in silences if each.loop == one.loop]
    return {
        "id": one.id,
        "loop": one.loop,
        "rule": one.rule,
        "family": rule.family,
        "subject": one.subject,
        "severity": one.severity,
        "status": one.status,
        "says": rule.says,
        "text": one.text,
        "do": rule.do,
        "cause": one.cause,
        "window": one.window,
        "last_window": one.last_window,
        "opened_at": format_instant(one.opened_at),
        "count": one.count,
        "observed": one.observed,
        "limit": one.limit,
        "acknowledge_within": format_duration(settings.clock(one.severity)),
        "due": None if one.due is None else format_instant(one.due),
        "overdue": one.due is not None and one.due <= at,
        "escalations": one.escalations,
        "silenced": any(each.covers(one.rule, one.subject, at) for each in held),
        "acknowledged": _mark(one.acknowledged),
        "resolved": _mark(one.resolved),
        "acted_on": one.acted_on,
        "messages": [delivery_of(each) for each in deliveries if one.id in each.notice.alerts],
    }


def rules_of(known: Mapping[str, Worth], settings: Alerts) -> list[Json]:
    """Every rule, how urgent it is here, and what became of its alerts."""
    found = []
    for rule in RULES.values():
        of = known.get(rule.name, Worth(rule.name, 0, 0, 0, 0))
        found.append(
            {
                "rule": rule.name,
                "family": rule.family,
                "severity": settings.severity_of(rule.name),
                "worse": rule.worse,
                "says": rule.says,
                "raised": of.raised,
                "open": of.open,
                "acted_on": of.acted_on,
                "not_acted_on": of.not_acted_on,
                "unmarked": of.unmarked,
                "share_acted_on": of.share,
                "noise": of.noise,
            }
        )
    return found


def silence_of(one: Silence) -> Json:
    """One silence."""
    return {
        "id": one.id,
        "loop": one.loop,
        "rule": one.rule,
        "subject": one.subject,
        "since": format_instant(one.since),
        "until": format_instant(one.until),
        "actor": one.actor,
        "reason": one.reason,
    }


def delivery_of(one: Delivery) -> Json:
    """What became of one message to one address, which is only named."""
    return {
        "id": one.id,
        "to": one.to,
        "kind": one.notice.kind,
        "title": one.notice.title,
        "status": one.status,
        "attempts": one.attempts,
        "made_at": format_instant(one.made_at),
        "sent_at": None if one.sent_at is None else format_instant(one.sent_at),
        "next_at": format_instant(one.next_at) if one.pending else None,
        "problem": one.problem or None,
    }


def addresses_of(names: Sequence[str], deliveries: Sequence[Delivery]) -> list[Json]:
    """Each address by name, and whether it takes what is sent there."""
    broken = failing(deliveries)
    found = []
    for name in names:
        arrived = [one.sent_at for one in deliveries if one.to == name and one.sent_at is not None]
        found.append(
            {
                "name": name,
                "failing": name in broken,
                "problem": broken[name].problem if name in broken else None,
                "last_arrived": format_instant(max(arrived)) if arrived else None,
            }
        )
    return found


def _mark(mark: Mark | None) -> Json | None:
    return None if mark is None else {"actor": mark.actor, "reason": mark.reason, "at": format_instant(mark.at)}


def _ended_at(one: Alert) -> Instant:
    return 0 if one.resolved is None else one.resolved.at
