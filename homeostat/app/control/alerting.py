"""What control does about alerts after each look at a loop; it never waits for a message, and never stops control."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.alerting.beat import write_beat
from homeostat.app.alerting.taking_in import TakingIn, installation_readings
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.scoring import read_profile
from homeostat.app.diagnosis.diagnosing import diagnosis
from homeostat.control.alerting.looks import Known, Promise, alerts_of
from homeostat.control.alerting.store import AlertStore
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.reading import promised
from homeostat.control.state import LoopState
from homeostat.kernel.clock import Clock, Instant, duration
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.alerts.alerts import INSTALLATION, Book
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.deliveries import delivery_readings
from homeostat.monitoring.alerts.notices import Cause
from homeostat.monitoring.alerts.readings import Reading
from homeostat.registry.manifest import PROFILE
from homeostat.stats.intervals import Interval

_LOG = logging.getLogger("homeostat.alerts")
_NO_CAUSE = frozenset({"nothing", "unknown"})
_FIRST_LOOK, _DELIVERIES = duration("3d"), duration("2d")
"""Of a loop that never alerted before, so much is read; messages of so long say whether an address takes them."""


@dataclass(slots=True)
class Alerting:
    """Reads one home's loops into alerts."""

    operations: Operations
    store: AlertStore
    machine: Clock = field(default_factory=SystemClock)
    _missing: dict[tuple[str, str], dict[str, float]] = field(init=False, default_factory=dict)

    @classmethod
    def of(cls, operations: Operations) -> Alerting:
        """Over the relational store of a home."""
        return cls(operations, SqlAlertStore(Database(operations.home.control_db)))

    def look(self, loop: Loop, now: Instant, broken: Sequence[str] = ()) -> None:
        """Take in what is new of a loop, as of ``now``; what fails is logged, and read again at the next look."""
        try:
            self._take_in(loop, now, broken)
        except HomeostatError as error:
            _LOG.warning("%s cannot be read for alerts: %s %s", loop.name, error.problem, error.mend)
        except Exception:
            _LOG.exception("%s cannot be read for alerts; the next look follows", loop.name)

    def look_at_deliveries(self) -> None:
        """Whether messages arrive is watched like everything else."""
        try:
            now = self.machine.now()
            known = self.store.deliveries(since=now - _DELIVERIES)
            names = self._names()
            if known or names:
                read = installation_readings(delivery_readings(known, names, now))
                self._taking().take_in(INSTALLATION, read, Alerts(), now, names)
        except HomeostatError as error:
            _LOG.warning("deliveries cannot be read: %s %s", error.problem, error.mend)
        except Exception:
            _LOG.exception("deliveries cannot be read; the next look follows")

    def beat(self) -> None:
        """Say that control has looked at its loops."""
        try:
            write_beat(self.operations.home.beat, self.machine.now())
        except OSError as error:
            _LOG.warning("the pulse of control cannot be written: %s", error.strerror)

    def _take_in(self, loop: Loop, now: Instant, broken: Sequence[str]) -> None:
        operations = self.operations
        trained, promise = (lambda name: self._trained(loop, name)), self._promise(loop)
        known = Known(loop.alerts, loop.retrain, trained, promise, loop.sliced_by)

        def read(book: Book) -> tuple[Book, list[Reading]]:
            changed, state = operations.store.days(loop.name, after=book.cursor), operations.state(loop.name)
            entries = operations.store.entries(loop.name, after=book.entry)
            days, drafts = _ended([day for _, day in changed], state), [entry.draft for entry in entries]
            if not book.cursor and not book.entry:  # a history from before there were alerts wakes nobody
                days = [day for day in days if day.end > now - _FIRST_LOOK]
                drafts = [one for one in drafts if one.at > now - _FIRST_LOOK]
            after = dataclasses.replace(
                book,
                cursor=changed[-1][0] if changed else book.cursor,
                entry=entries[-1].seq if entries else book.entry,
            )
            ended = _ended(operations.days(loop.name), state)
            untrusted = operations.fleet.untrusted(loop.name)
            return after, alerts_of(ended, days, drafts, state, known, now, broken, untrusted)

        self._taking().take_in(loop.name, read, loop.alerts, now, self._names(), lambda: self._diagnosed(loop))

    def _diagnosed(self, loop: Loop) -> Cause | None:
        """What the diagnosis says lies behind worse outcomes; None where it knows of nothing."""
        found = diagnosis(self.operations, loop)
        if found["cause"] in _NO_CAUSE:
            return None
        return Cause(f"{str(found['cause']).replace('_', ' ')}: {found['because']}", str(found["advice"]))

    def _taking(self) -> TakingIn:
        return TakingIn(self.store, self.machine)

    def _names(self) -> tuple[str, ...]:
        return Addresses.names_known(self.operations.home, os.environ)

    def _trained(self, loop: Loop, version: str | None) -> dict[str, float]:
        """The missing share of each feature in a version's training; nothing where its profile is not here."""
        if version is None:
            return {}
        folder = self.operations.home.versions / loop.name / version
        if (loop.name, version) not in self._missing and (folder / PROFILE).exists():
            found = read_profile(folder).features.items()
            self._missing[loop.name, version] = {name: one.missing_share() for name, one in found if one.rows}
        return self._missing.get((loop.name, version), {})

    def _promise(self, loop: Loop) -> Promise:
        def promise(version: str) -> Interval | None:
            found = self.operations.manifests.find(loop.name, version)
            return None if found is None else promised(found.promise)

        return promise


def _ended(days: Iterable[Day], state: LoopState) -> list[Day]:
    return [day for day in days if day.day not in state.early]
