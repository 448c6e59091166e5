"""Sends events to a collector over HTTP, or appends them to a file: one at a time, and only where it was told to."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from homeostat.kernel.errors import InvalidInput, Unavailable

Json = Mapping[str, Any]
PATH = "/api/v1/lineage"
_SECONDS = 10.0
_NEVER_TAKEN = (400, 413, 422)
"""Statuses by which a collector says that this event will never be taken."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is sent to one address goes to no other."""

    def redirect_request(self, *_: Any) -> None:
        """Not followed: the status is then an answer like any other."""


class HttpSender:
    """Posts to one address; ``key`` is sent as a bearer token."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url if urlsplit(url).path not in ("", "/") else url.rstrip("/") + PATH
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def send(self, event: Json) -> None:
        """Done when the collector has it. Raises: InvalidInput for what it never takes; Unavailable: try again."""
        asked = urllib.request.Request(self._url, json.dumps(event).encode(), self._headers)
        try:
            with self._opener.open(asked, timeout=_SECONDS):
                return
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _NEVER_TAKEN:
                    raise InvalidInput(f"It answered {error.code}.", mend="Look into the collector's log.") from error
                raise self._away(f"it answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._away(type(error).__name__) from error

    def _away(self, why: str) -> Unavailable:
        host = urlsplit(self._url).hostname
        return Unavailable(f"The collector of lineage at {host} takes nothing: {why}.", mend="It is tried again.")


class FileSender:
    """Appends a line of JSON for each event, on disk before it counts; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: Json) -> None:
        """Done when the line is on disk. Raises: Unavailable, to be tried again."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, json.dumps(event).encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            problem = f"Lineage cannot be written to {self._path}: {error.strerror}."
            raise Unavailable(problem, mend="Make room and give write access; it is tried again.") from error
