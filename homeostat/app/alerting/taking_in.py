"""Takes readings into the store: folded, written and put on their way in one transaction, and said in the log."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from homeostat.control.alerting.store import AlertStore
from homeostat.kernel.clock import Clock, Instant
from homeostat.kernel.errors import Conflict
from homeostat.monitoring.alerts.alerts import INSTALLATION, Alert, Book
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.deliveries import deliveries_of
from homeostat.monitoring.alerts.folding import Folded, fold
from homeostat.monitoring.alerts.notices import Cause, Notice, cause_of, likely_cause, notices_of
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.alerts.rules import urgency

_LOG = logging.getLogger("homeostat.alerts")
_TRIES = 5
OUTCOMES = frozenset({"skill", "calibration"})
"""Rules of outcomes: that they are bad says nothing of why."""
Why = Callable[[], Cause | None]
Read = Callable[[Book], tuple[Book, Sequence[Reading]]]
"""What there is to be read beyond a book, and the book as it stands once that was read."""


@dataclass(frozen=True, slots=True)
class TakingIn:
    """Takes readings in; ``machine`` is the machine's clock, by which messages are delivered."""

    store: AlertStore
    machine: Clock

    def take_in(
        self,
        loop: str,
        read: Read,
        settings: Alerts,
        now: Instant,
        configured: Sequence[str],
        why: Why | None = None,
    ) -> list[Notice]:
        """Read, fold and write, as of ``now``; again from the start where a person changed something meanwhile.

        ``why`` tells the cause of alerts that do not name one themselves; it is asked only where one is to be told.
        Raises: Conflict when that happens every time.
        """
        for last in (*[False] * (_TRIES - 1), True):
            book = self.store.book(loop)
            known = self.store.alerts(loop, open_only=True)
            after, readings = read(book)
            folded = fold(after, known, readings, settings, now)
            if not folded.alerts and folded.book == book:
                return []
            try:
                return self._write(book, folded, known, settings, now, configured, why)
            except Conflict:
                if last:
                    raise
        raise AssertionError

    def _write(
        self,
        book: Book,
        folded: Folded,
        known: Sequence[Alert],
        settings: Alerts,
        now: Instant,
        configured: Sequence[str],
        why: Why | None,
    ) -> list[Notice]:
        after = {one.id: one for one in (*known, *folded.alerts)}
        told = {*folded.tell, *folded.escalated}
        cause = why() if why is not None and any(after[name].rule in OUTCOMES for name in told) else None
        found = likely_cause([one for one in after.values() if one.resolved is None], cause)
        changed = [_with_cause(one, found) if one.id in told else one for one in folded.alerts]
        notices = notices_of(folded, {**after, **{one.id: one for one in changed}}, settings, now, found)
        at = self.machine.now()
        ways = [way for one in notices for way in deliveries_of(one, settings, configured, at)]
        self.store.commit(book, folded.book, changed, ways)
        for one in notices:
            _say(one)
        return notices


def _with_cause(alert: Alert, found: Cause | None) -> Alert:
    """What lies behind it, where that is anything else than what it says itself."""
    cause = cause_of(alert, found)
    return alert if cause is None or cause.text == alert.text else dataclasses.replace(alert, cause=cause.text)


def _say(notice: Notice) -> None:
    """The path that is always there: the process log."""
    level = logging.WARNING if urgency(notice.severity) < urgency("P3") else logging.INFO
    _LOG.log(level, "%s\n%s", notice.title, notice.body)


def installation_readings(readings: Sequence[Reading]) -> Read:
    """Readings about all of an installation, which has no days and no decisions of its own."""

    def read(book: Book) -> tuple[Book, Sequence[Reading]]:
        assert book.loop == INSTALLATION
        return book, readings

    return read
