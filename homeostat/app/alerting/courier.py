"""Carries one message to its address, in a process of its own: ``python -m homeostat.app.alerting.courier HOME ID``.

It writes down itself what came of it, so that a message which arrived is known to have, whoever was killed meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from homeostat.adapters.apprise.sender import AppriseSender
from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.control.alerting.store import AlertStore, Sender
from homeostat.kernel.clock import LATEST
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.monitoring.alerts.deliveries import AT_MOST, Delivery, failed, sent


def carry(store: AlertStore, one: Delivery, addresses: Addresses, sender: Sender) -> Delivery:
    """Send what was claimed, and write down what came of it. Raises: Conflict when somebody else has meanwhile."""
    clock = SystemClock()
    try:
        address = addresses.url(one.to)
    except HomeostatError as error:
        return store.settle(one, failed(one, error.problem, clock.now()))
    why = sender.send(address, one.notice.title, one.notice.body, one.id)
    return store.settle(one, failed(one, why, clock.now()) if why else sent(one, clock.now()))


def main(home: Home, delivery: str) -> int:
    """Carry one delivery that somebody has claimed; 1 when it did not arrive."""
    signal.setitimer(signal.ITIMER_REAL, AT_MOST / 1_000_000)  # whoever should end it may have been killed
    store = SqlAlertStore(Database(home.control_db))
    pending = store.deliveries(due=LATEST)
    one = next((each for each in pending if each.id == delivery and each.status == "sending"), None)
    if one is None:
        return 1
    try:
        done = carry(store, one, Addresses.read(home, os.environ), AppriseSender())
    except Conflict:
        return 1
    return 0 if done.status == "sent" else 1


if __name__ == "__main__":
    sys.exit(main(Home(Path(sys.argv[1])), sys.argv[2]))
