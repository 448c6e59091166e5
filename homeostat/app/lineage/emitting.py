"""Tells others of trainings and releases, from the ledger: whatever was away, every event arrives at least once."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from homeostat.adapters.openlineage.events import event_of
from homeostat.adapters.openlineage.sender import FileSender, HttpSender
from homeostat.app.home import Home, write_whole
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.control.state import ControlStore
from homeostat.governance.audit import Entry
from homeostat.kernel.errors import HomeostatError, InvalidInput

KEY = "OPENLINEAGE_API_KEY"
EVERY_SECONDS = 5.0
_LOG = logging.getLogger("homeostat.lineage")


class Sender(Protocol):
    """Takes events to wherever they are read."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Done when it arrived. Raises: InvalidInput for what is never taken; Unavailable, to be tried again."""
        ...


@dataclass(slots=True)
class Emitter:
    """Goes along the ledger: what it holds is the queue, and how far it has come is kept in the home.

    It begins with the first decision there is. What a collector never takes is said and passed over.
    """

    home: Home
    loops: Mapping[str, Loop]
    store: ControlStore
    sender: Sender
    producer: str

    def look(self) -> int:
        """Send what the ledger has new; how many events went. Raises: Unavailable at the first that did not arrive."""
        sent = 0
        for entry in self.store.entries(after=self._cursor()):
            sent += self._send(entry)
            write_whole(self.home.openlineage, json.dumps({"sent": entry.seq}).encode())
        return sent

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop; what keeps events back is said once, and the next look follows."""
        said = ""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.look()
                said = ""
            except HomeostatError as error:
                if said != error.problem:
                    _LOG.warning("%s %s", error.problem, error.mend)
                said = error.problem
            except Exception:
                _LOG.exception("a look at lineage to send failed; the next one follows")

    def _send(self, entry: Entry) -> bool:
        loop, draft = self.loops.get(entry.draft.loop), entry.draft
        tables = {} if loop is None else {table.name: table for table in loop.tables}
        version = Manifests(self.home.versions).find(draft.loop, draft.version)
        event = event_of(draft, version, tables, self.home.root.resolve(), self.producer)
        if event is None:
            return False
        try:
            self.sender.send(event)
        except InvalidInput as error:
            _LOG.warning("lineage of decision %d is passed over: %s", entry.seq, error.problem)
            return False
        return True

    def _cursor(self) -> int:
        try:
            return int(json.loads(self.home.openlineage.read_bytes())["sent"])
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError) as error:
            mend = "Remove it: what the ledger holds is sent again from the beginning."
            raise InvalidInput(f"{self.home.openlineage} does not say how far lineage was sent.", mend=mend) from error


def sender_of(place: str, environment: Mapping[str, str]) -> Sender:
    """What sends to a place that was chosen: a URL or a file."""
    if place.startswith(("http://", "https://")):
        return HttpSender(place, environment.get(KEY))
    return FileSender(Path(place))
