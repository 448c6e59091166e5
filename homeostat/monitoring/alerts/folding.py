"""Readings become alerts: opened once, counted while they last, raised when they get worse, over by themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.words import plural
from homeostat.monitoring.alerts.alerts import LOOP_ITSELF, Alert, Book, Mark, Silence, key_of, opened, over
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading, put_together
from homeostat.monitoring.alerts.rules import RULES, Severity, urgency

ESCALATIONS: Mapping[str, int] = MappingProxyType({"P0": 3, "P1": 3, "P2": 1, "P3": 0})
"""An alert that nobody acknowledges in time is sent again so often, each time after twice the time."""
_DAY = duration("1d")


@dataclass(frozen=True, slots=True)
class Folded:
    """The book after some readings, every alert that changed, and what people are to be told: the ids of alerts that
    opened, got worse, ran out of their clock, or are over."""

    book: Book
    alerts: tuple[Alert, ...]
    tell: tuple[str, ...] = ()
    escalated: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


@dataclass(slots=True)
class _Folding:
    loop: str
    settings: Alerts
    now: Instant
    open: dict[str, Alert]
    streaks: dict[str, int]
    touched: dict[str, Alert] = field(default_factory=dict)

    def put(self, alert: Alert) -> None:
        self.touched[alert.id] = alert
        if alert.resolved is None:
            self.open[alert.key] = alert
        else:
            self.open.pop(alert.key, None)

    def take(self, one: Reading) -> None:
        base = self.settings.severity_of(one.rule)
        if base is None or one.said == "unknown":
            return
        alert, key = self.open.get(key_of(one.rule, one.subject)), key_of(one.rule, one.subject)
        if one.said == "within":
            self.streaks.pop(key, None)
            if alert is not None:
                self._calm(alert, one)
        elif alert is not None:
            self._again(alert, one, _severity(one, base))
        else:
            self._may_open(key, one, _severity(one, base))

    def _may_open(self, key: str, one: Reading, severity: Severity) -> None:
        streak = self.streaks.get(key, 0) + 1
        if streak < RULES[one.rule].opens:
            self.streaks[key] = streak
            return
        self.streaks.pop(key, None)
        self.put(opened(self.loop, one, severity, self.settings.clock(severity), self.now))

    def _again(self, alert: Alert, one: Reading, severity: Severity) -> None:
        """Counted once for each window; the text of a state is kept up to date."""
        news = one.at > alert.last_at if RULES[one.rule].timing != "state" else one.text != alert.text
        if not news:
            return
        counted = alert.count + (RULES[one.rule].timing != "state")
        after = dataclasses.replace(
            alert,
            text=one.text,
            last_window=one.window,
            last_at=one.at,
            observed=one.observed,
            limit=one.limit,
            count=counted,
            calm=0,
        )
        if urgency(severity) < urgency(alert.severity):
            due = self.now + self.settings.clock(severity)
            after = dataclasses.replace(after, severity=severity, due=due, acknowledged=None, escalations=0)
        self.put(after)

    def _calm(self, alert: Alert, one: Reading) -> None:
        calm = alert.calm + 1
        if calm < RULES[one.rule].clears:
            self.put(dataclasses.replace(alert, calm=calm))
            return
        self.put(_ended(alert, f"within its limit for {_windows(calm)}", self.now))

    def end_events(self) -> None:
        """What happened once is over after some days without its happening again; so is what is read no more."""
        for alert in list(self.open.values()):
            rule = RULES[alert.rule]
            if self.settings.severity_of(alert.rule) is None:
                self.put(_ended(alert, "its rule is off", self.now))
            elif rule.timing == "event" and self.now - alert.last_at >= rule.clears * _DAY:
                self.put(_ended(alert, f"not again for {plural(rule.clears, 'day')}", self.now))


def fold(book: Book, alerts: Sequence[Alert], readings: Iterable[Reading], settings: Alerts, now: Instant) -> Folded:
    """Take readings into what is open. ``alerts`` are the open ones of the book's loop.

    A window that was read before changes nothing, unless that was while the clock was ahead. Parts of a rule that
    speaks of all subjects at once are left out where they are silenced; other alerts open silenced, and are told when
    the silence ends while they last.
    """
    book = dataclasses.replace(book, seen={key: min(at, now) for key, at in book.seen.items()})
    heard = [one for one in readings if not (RULES[one.rule].together and book.silenced(one.rule, one.subject, now))]
    fresh = [one for one in put_together(heard) if _unread(book, one)]
    folding = _Folding(book.loop, settings, now, {alert.key: alert for alert in alerts}, dict(book.streaks))
    seen = dict(book.seen)
    for one in sorted(fresh, key=lambda reading: reading.at):
        folding.take(one)
        if RULES[one.rule].timing == "window":
            seen[key_of(one.rule, one.subject)] = one.at
    folding.end_events()
    after = dataclasses.replace(book, seen=seen, streaks=folding.streaks, silences=_lasting(book, now))
    return _told(after, folding, {alert.id: alert for alert in alerts})


def _unread(book: Book, one: Reading) -> bool:
    return RULES[one.rule].timing != "window" or one.at > book.seen.get(key_of(one.rule, one.subject), -1)


def _lasting(book: Book, now: Instant) -> tuple[Silence, ...]:
    return tuple(one for one in book.silences if one.until > now)


def _told(book: Book, folding: _Folding, before: dict[str, Alert]) -> Folded:
    """What people must hear of: once when it opens or gets worse, and again when nobody acknowledged it in time."""
    tell, escalated = [], []
    for alert in list(folding.open.values()):
        if book.silenced(alert.rule, alert.subject, folding.now):
            continue
        if alert.told is None or urgency(alert.severity) < urgency(alert.told):
            folding.put(dataclasses.replace(alert, told=alert.severity))
            tell.append(alert.id)
        elif _ran_out(alert, folding.now):
            again = alert.escalations + 1
            due = folding.now + folding.settings.clock(alert.severity) * 2**again
            folding.put(dataclasses.replace(alert, escalations=again, due=due))
            escalated.append(alert.id)
    ended = tuple(one.id for one in folding.touched.values() if one.resolved is not None and one.told is not None)
    changed = tuple(one for one in folding.touched.values() if before.get(one.id) != one)
    return Folded(book, changed, tuple(tell), tuple(escalated), ended)


def _ran_out(alert: Alert, now: Instant) -> bool:
    waits = alert.acknowledged is None and alert.due is not None and alert.due <= now
    return waits and alert.escalations < ESCALATIONS[alert.severity]


def _severity(one: Reading, base: Severity) -> Severity:
    """The more urgent of what the loop says of the rule and what this reading asks for."""
    return base if one.severity is None else min(base, one.severity, key=urgency)


def _ended(alert: Alert, why: str, now: Instant) -> Alert:
    """Over by itself. What nobody was told of, nobody can have acted on; what somebody saw is for them to say."""
    acted = False if alert.told is not None and alert.acknowledged is None else None
    return over(alert, Mark(LOOP_ITSELF, why, now), acted)


def _windows(count: int) -> str:
    return "one look" if count == 1 else f"{count} windows"
