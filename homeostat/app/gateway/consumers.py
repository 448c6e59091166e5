"""Use cases about who reads a loop's predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.consumers import SqlConsumers
from homeostat.adapters.sql.database import Database
from homeostat.app.gateway.counted import samples_of
from homeostat.app.home import Home, write_whole
from homeostat.app.processes.loopback import get
from homeostat.governance.consumers import UNREGISTERED, Consumer, ConsumerStore, refuse_breaking
from homeostat.governance.outputs import OutputContract
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import HomeostatError

if TYPE_CHECKING:
    from homeostat.control.loop import Loop

Json = dict[str, Any]
Seen = Mapping[tuple[str, str], Json]


@dataclass(slots=True)
class Consumers:
    """Registers and shows consumers of one home; serving learns the names from a file."""

    home: Home
    store: ConsumerStore

    @classmethod
    def open(cls, home: Home) -> Consumers:
        """Open the stores of a home."""
        return cls(home, SqlConsumers(Database(home.control_db), HeadsFile(home.ledger)))

    def add(self, loop: Loop, name: str, contact: str, needs: tuple[str, ...], now: Instant) -> Json:
        """Register somebody who relies on the loop's outputs as they are declared now; on all without ``needs``."""
        promised = loop.output_contract
        chosen = tuple(dict.fromkeys(needs)) or tuple(promised.columns)
        added = self.store.add(Consumer(loop.name, name, contact, chosen, promised, now))
        self.publish()
        return _shown(added)

    def remove(self, loop: str, name: str, now: Instant) -> Json:
        """End a registration, also of a loop that is no more."""
        gone = self.store.remove(loop, name, now)
        self.publish()
        return _shown(gone)

    def list(self, loop: str | None = None) -> list[Json]:
        """Everyone registered, and, while an instance runs, what each asked for and who asked unregistered."""
        seen = self._seen()
        known = [one for one in self.store.list() if loop in (None, one.loop)]
        rows = [{**_shown(one), **_activity(seen, one.loop, one.name)} for one in known]
        strangers = sorted(of for of, name in seen or {} if name == UNREGISTERED and loop in (None, of))
        return rows + [_stranger(of, _activity(seen, of, UNREGISTERED)) for of in strangers]

    def publish(self) -> None:
        """Tell serving the names."""
        names: dict[str, list[str]] = {}
        for one in self.store.list():
            names.setdefault(one.loop, []).append(one.name)
        write_whole(self.home.consumers, json.dumps(names).encode())

    def _seen(self) -> Seen | None:
        """What the gateway has counted since it started; None while none runs."""
        try:
            text = get(f"{self.home.running().doors}/metrics").decode()
        except HomeostatError:
            return None
        found: dict[tuple[str, str], Json] = {}
        names = {
            "homeostat_consumers_requests_total": "requests",
            "homeostat_consumers_last_request_seconds": "last_seen",
        }
        for name, labels, value in samples_of(text):
            if name in names:
                found.setdefault((labels["loop"], labels["consumer"]), {})[names[name]] = value
        return found


def refuse_broken_outputs(home: Home, loops: Mapping[str, Loop]) -> None:
    """Do not start with outputs that break a registered consumer. Raises: Refused that names them."""
    if not home.control_db.exists():
        return
    consumers = Consumers.open(home)
    outputs: dict[str, OutputContract] = {name: loop.output_contract for name, loop in loops.items()}
    refuse_breaking(consumers.store.list(), outputs)
    consumers.publish()


def _shown(one: Consumer) -> Json:
    return {
        "loop": one.loop,
        "consumer": one.name,
        "registered": True,
        "contact": one.contact,
        "needs": list(one.needs),
        "since": format_instant(one.since),
    }


def _stranger(loop: str, activity: Json) -> Json:
    unknown = {"contact": None, "needs": None, "since": None}
    return {"loop": loop, "consumer": UNREGISTERED, "registered": False, **unknown, **activity}


def _activity(seen: Seen | None, loop: str, name: str) -> Json:
    """Requests since the gateway started and the last one's time; None where nobody counts, 0 where nobody came."""
    if seen is None:
        return {"requests": None, "last_seen": None}
    told = seen.get((loop, name), {})
    at = told.get("last_seen")
    return {
        "requests": int(told.get("requests", 0)),
        "last_seen": None if at is None else format_instant(int(at) * 1_000_000),
    }
