"""Delivers what is due, one message at a time, each in a process that can be ended; whoever makes alerts never waits.

Killed anywhere, the next worker goes on: a message whose arrival was written down is not sent again, one of which
nobody knows is sent again under the same key.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homeostat.app.alerting.addresses import Addresses
from homeostat.app.home import Home
from homeostat.app.processes.supervisor import module_command
from homeostat.control.alerting.store import AlertStore
from homeostat.kernel.clock import LATEST, Clock
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.monitoring.alerts.deliveries import AT_MOST, Delivery, claim, failed, second_path

EVERY_SECONDS = 1.0
_LOG = logging.getLogger("homeostat.alerts")
Courier = Callable[[Delivery], None]
"""Carries a claimed delivery, and returns once that has ended, at the latest after the time for one attempt."""


@dataclass(slots=True)
class Worker:
    """Delivers from one store; ``clock`` is the machine's."""

    home: Home
    store: AlertStore
    clock: Clock
    environment: Mapping[str, str]
    courier: Courier

    def look(self) -> int:
        """Try everything that is due now; how many were tried. Raises: InvalidInput for addresses that are none."""
        names = Addresses.read(self.home, self.environment).names
        now = self.clock.now()
        due = [one for one in self.store.deliveries(due=LATEST) if one.is_due(now)] if names else []
        return sum(self.deliver(one, names) is not None for one in due)

    def deliver(self, one: Delivery, names: tuple[str, ...]) -> Delivery | None:
        """One attempt; what is known of it then, None where somebody else is at it."""
        try:
            claimed = self.store.settle(one, claim(one, self.clock.now()))
        except Conflict:
            return None
        self.courier(claimed)
        known = self.store.add(claimed)
        if known.status == "sending":
            known = self._settled(known, "it took too long, or its courier was ended")
        if other := second_path(known, names, self.clock.now()):
            self.store.add(other)
        if known.status != "sent":
            _LOG.warning("message %s did not reach %r: %s", known.notice.id, known.to, known.problem)
        return known

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop; a look that fails is said once, and the next one follows."""
        said = ""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.look()
                said = ""
            except HomeostatError as error:
                if said != error.problem:
                    _LOG.warning("%s %s", error.problem, error.mend)
                said = error.problem
            except Exception as error:  # the next look follows; its text may hold an address
                _LOG.warning("a look at alerts to deliver failed: %s", type(error).__name__)

    def _settled(self, known: Delivery, why: str) -> Delivery:
        try:
            return self.store.settle(known, failed(known, why, self.clock.now()))
        except Conflict:
            return self.store.add(known)


def courier_process(home: Home, seconds: float = AT_MOST / 1_000_000) -> Courier:
    """Carry in a child process, which is ended when it takes longer; Ctrl-C on the terminal does not reach it."""

    def carry(one: Delivery) -> None:
        command = module_command("homeostat.app.alerting.courier", str(home.root), one.id)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **quiet) as child:  # type: ignore[call-overload]
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                child.kill()

    return carry
