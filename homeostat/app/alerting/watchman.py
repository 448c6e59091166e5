"""What the supervisor does about alerts: delivers them, and watches that control still looks at its loops.

It lives in the process that outlives all others, so that an alert about control does not depend on control.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.alerting.beat import read_beat
from homeostat.app.alerting.taking_in import TakingIn, installation_readings
from homeostat.app.alerting.worker import Worker, courier_process
from homeostat.app.home import Home
from homeostat.control.alerting.store import AlertStore
from homeostat.kernel.clock import Clock, Instant, duration, format_instant
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.alerts.alerts import INSTALLATION
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading

_LOG = logging.getLogger("homeostat.alerts")
SILENT_AFTER = duration("5m")
EVERY_SECONDS = 15.0


@dataclass(slots=True)
class PulseWatch:
    """Raises an alert when control has not looked at its loops for minutes.

    ``timer`` tells seconds that only grow: the machine's ``clock`` may be set, which is no silence of control.
    """

    home: Home
    store: AlertStore
    clock: Clock
    environment: Mapping[str, str]
    timer: Callable[[], float]
    _beat: Instant = field(init=False)
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._beat, self._since = self.clock.now(), self.timer()

    def look(self) -> bool:
        """One look; whether control is silent."""
        now, beat = self.clock.now(), read_beat(self.home.beat)
        if beat not in (None, self._beat):
            self._beat, self._since = beat, self.timer()
        silent = self.timer() - self._since > SILENT_AFTER / 1_000_000
        text = f"control has not looked at its loops since {format_instant(self._beat // 1_000_000 * 1_000_000)}"
        said = Reading("control_silent", "control", format_instant(now)[:10], now, "over" if silent else "within", text)
        names = Addresses.names_known(self.home, self.environment)
        TakingIn(self.store, self.clock).take_in(INSTALLATION, installation_readings([said]), Alerts(), now, names)
        return silent

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.look()
            except HomeostatError as error:
                _LOG.warning("%s %s", error.problem, error.mend)
            except Exception as error:
                _LOG.warning("a look at the pulse of control failed: %s", type(error).__name__)


@dataclass(slots=True)
class Watchman:
    """The threads of the supervisor for alerts; ``pulse`` where control looks by the machine's clock."""

    home: Home
    clock: Clock
    environment: Mapping[str, str]
    pulse: bool
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _threads: list[threading.Thread] = field(init=False, default_factory=list)

    def start(self) -> None:
        """Begin to deliver and to watch."""
        store = SqlAlertStore(Database(self.home.control_db))
        worker = Worker(self.home, store, self.clock, self.environment, courier_process(self.home))
        runs = [worker.run]
        if self.pulse:
            runs.append(PulseWatch(self.home, store, self.clock, self.environment, time.monotonic).run)
        self._threads = [threading.Thread(target=run, args=(self._stop,), daemon=True) for run in runs]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; a message that is being sent is finished by its courier, and known to be sent."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2.0)
