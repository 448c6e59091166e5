"""The names of registered consumers as serving knows them: from a file that is looked at once a second at most."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from homeostat.governance.consumers import UNREGISTERED

HEADER = "Homeostat-Consumer"
_LOG = logging.getLogger("homeostat.doors")
_EVERY_SECONDS = 1.0
_MOST_SAID = 20
"""Unknown names that are written to the log; callers could make up any number."""


class ConsumerNames:
    """Turns what a request says of itself into a registered name, or ``unregistered``. Never fails, never waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: Mapping[str, frozenset[str]] = {}
        self._identity: tuple[int, int] | None = None
        self._due = 0.0
        self._said: set[tuple[str, str]] = set()

    def __call__(self, loop: str, told: str | None) -> str:
        """The name under which a request to a loop is counted."""
        if time.monotonic() >= self._due:
            self._look()
        if told is not None and told in self._names.get(loop, ()):
            return told
        if told is not None:
            self._say(loop, told)
        return UNREGISTERED

    def _look(self) -> None:
        self._due = time.monotonic() + _EVERY_SECONDS
        try:
            found = self._path.stat()
            identity = (found.st_mtime_ns, found.st_ino)
            if identity != self._identity:
                told = json.loads(self._path.read_bytes())
                self._names = {str(loop): frozenset(map(str, names)) for loop, names in told.items()}
                self._identity = identity
        except (OSError, ValueError, AttributeError, TypeError) as error:
            if not isinstance(error, FileNotFoundError):
                _LOG.warning("%s is not read: %s", self._path, error)

    def _say(self, loop: str, told: str) -> None:
        who = (loop, told[:80])
        if who not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(who)
            _LOG.warning("a request to %s calls itself %r, which is not registered", *who)
