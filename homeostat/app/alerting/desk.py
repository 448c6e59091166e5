"""What people see of alerts and do about them, whether or not an instance runs."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting import shown
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.alerting.beat import read_beat
from homeostat.app.alerting.worker import Courier, courier_process
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.shown.on_record import OnRecord
from homeostat.control.alerting import people
from homeostat.control.alerting.store import AlertStore
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import Conflict, NotFound
from homeostat.monitoring.alerts.alerts import INSTALLATION, Alert, Book, Mark, new_silence
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.deliveries import Delivery, claim, delivery, failed, failing
from homeostat.monitoring.alerts.notices import trial
from homeostat.monitoring.alerts.people import acknowledge, resolve, worth
from homeostat.monitoring.alerts.rules import SEVERITIES

Json = dict[str, Any]
Now = shown.Now
_RECENT = duration("90d")
"""Messages are told of so long."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Open alerts by loop and severity, messages by address and status, addresses that take none, and when control
    last looked, by the machine's clock."""

    open: Mapping[tuple[str, str], int]
    messages: Mapping[tuple[str, str], int]
    failing: Mapping[str, bool]
    beat: Instant | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Alerts of one home. ``now`` tells the present of a loop's alerts: in a replay its clock, else the machine's."""

    home: Home
    store: AlertStore

    @classmethod
    def open(cls, found: OnRecord) -> Desk:
        """Over the relational store of a home."""
        return cls(found.home, SqlAlertStore(Database(found.home.control_db), found.heads))

    def told(self, loop: str | None, now: Now, settings: Alerts, *, whole: bool = False) -> Json:
        """Alerts of a loop and of the installation, or all: open ones first, the most urgent on top; what became of
        each rule's, silences that hold, and whether messages arrive. ``whole``: those that are over, too."""
        names = (None,) if loop is None else (loop, INSTALLATION)
        known = [one for name in names for one in self.store.alerts(name)]
        deliveries = self._messages()
        loops = sorted({one.loop for one in known} | ({loop} if loop else set(self._loops())))
        silences = [one for name in loops for one in self.store.book(name).silences if one.until > now(name)]
        open_ = [one for one in known if one.resolved is None]
        return {
            "loop": loop,
            "open": len(open_),
            "alerts": shown.alerts_of(known if whole else open_, silences, deliveries, settings, now),
            "rules": shown.rules_of(worth(known), settings),
            "silences": [shown.silence_of(one) for one in silences],
            "addresses": shown.addresses_of(self._names(), deliveries),
        }

    def counted(self, loops: Sequence[str]) -> Counted:
        """Figures for those who watch from outside; loops without an open alert count 0."""
        open_: dict[tuple[str, str], int] = {
            (loop, severity): 0 for loop in (*loops, INSTALLATION) for severity in SEVERITIES
        }
        for one in self.store.alerts(open_only=True):
            open_[one.loop, one.severity] = open_.get((one.loop, one.severity), 0) + 1
        deliveries = self._messages()
        messages: Counter[tuple[str, str]] = Counter((one.to, str(one.status)) for one in deliveries)
        broken = failing(deliveries)
        return Counted(open_, messages, {name: name in broken for name in self._names()}, read_beat(self.home.beat))

    def acknowledge(self, alert: str, actor: str, reason: str, now: Now) -> Json:
        """Say that somebody has seen it. Raises: NotFound; Conflict when it is over or somebody was faster."""

        def seen(one: Alert, book: Book) -> tuple[Alert, Draft]:
            mark = Mark(actor, reason.strip(), now(one.loop))
            return acknowledge(one, mark), people.acknowledged(one, mark, book)

        return self._mark(alert, now, seen)

    def resolve(self, alert: str, actor: str, reason: str, now: Now, *, acted_on: bool) -> Json:
        """End it, and say whether anybody acted on it. Raises: as ``acknowledge``; InvalidInput without a reason."""

        def ended(one: Alert, book: Book) -> tuple[Alert, Draft]:
            mark = Mark(actor, reason.strip(), now(one.loop))
            return resolve(one, mark, acted_on), people.resolved(one, mark, acted_on, book)

        return self._mark(alert, now, ended)

    def silence(
        self, loop: str, rule: str | None, subject: str | None, until: Instant, actor: str, reason: str, now: Instant
    ) -> Json:
        """Send nothing of these until then. Raises: InvalidInput without an end that can be, or a reason."""
        made = new_silence(loop, rule, subject, now, until, actor, reason)
        while True:
            book = self.store.book(loop)
            after = dataclasses.replace(book, silences=(*book.silences, made))
            try:
                self.store.commit(book, after, (), (), [people.silenced(made, book)])
            except Conflict:
                continue
            return shown.silence_of(made)

    def end_silence(self, silence: str, actor: str, now: Now) -> Json:
        """End one before its time. Raises: NotFound."""
        loops = {one.loop for one in self.store.alerts()} | {INSTALLATION}
        for loop in sorted(loops | set(self._loops())):
            book = self.store.book(loop)
            found = next((one for one in book.silences if one.id == silence), None)
            if found is not None:
                rest = tuple(one for one in book.silences if one.id != silence)
                told = people.unsilenced(found, actor, now(loop), book)
                self.store.commit(book, dataclasses.replace(book, silences=rest), (), (), [told])
                return shown.silence_of(found)
        raise NotFound(f"No silence {silence!r} holds.", mend="'homeostat alerts silences' lists them.")

    def test(self, to: str | None, courier: Courier | None = None) -> list[Json]:
        """Send a message to one address, or to each, and say what came of it. Raises: NotFound without addresses."""
        addresses = Addresses.read(self.home, os.environ)
        names: Sequence[str] = addresses.names if to is None else (to,)
        if not names or to is not None:
            addresses.url(to or "chat")
        return [shown.delivery_of(self._try(name, courier or courier_process(self.home))) for name in names]

    def _try(self, name: str, courier: Courier) -> Delivery:
        clock = SystemClock()
        at = clock.now()
        one = self.store.add(claim(delivery(trial(name, at), name, at), at))
        courier(one)
        known = self.store.add(one)
        if known.status != "sending":
            return known
        return self.store.settle(known, failed(known, "it took too long, or its courier was ended", clock.now()))

    def _mark(self, alert: str, now: Now, change: Callable[[Alert, Book], tuple[Alert, Draft]]) -> Json:
        """Changes its loop's book with it, so that no look at the loop overwrites it, and tells the ledger."""
        while True:
            loop = self.store.find(alert).loop
            book = self.store.book(loop)
            after, draft = change(self.store.find(alert), book)
            try:
                self.store.commit(book, book, [after], (), [draft])
            except Conflict:
                continue
            return shown.alert_of(after, (), (), Alerts(), now)

    def _messages(self) -> list[Delivery]:
        return self.store.deliveries(since=SystemClock().now() - _RECENT)

    def _loops(self) -> list[str]:
        """Loops that may have a book."""
        started = self.home.told().get("definitions", ())
        return [*started, *(path.stem for path in self.home.routes.glob("*.json"))]

    def _names(self) -> tuple[str, ...]:
        return Addresses.names_known(self.home, os.environ)
